"""Values of losses, as figures show them."""

from __future__ import annotations

import numpy as np

from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of


def term(tree: Expression, x: float | np.ndarray, y: np.ndarray) -> np.ndarray:
    """A loss per class; what is not finite is left so, silently.

    Args:
        tree: The loss.
        x: The label, of any shape that fits `y`.
        y: The prediction.
    """
    with np.errstate(all="ignore"):
        return np.asarray(value_of(tree, np.broadcast_to(x, y.shape), y, ops=np), float)


def over_minimum(values: np.ndarray) -> np.ndarray:
    """Values less the smallest finite one: a constant in a loss changes nothing."""
    finite = values[np.isfinite(values)]
    return values - (finite.min() if finite.size else 0.0)
