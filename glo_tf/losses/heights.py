"""Values of losses, as figures show them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from glo_tf.errors import InvalidArgumentTypeError, shown
from glo_tf.expressions.leaves import Surroundings
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss

_SHOWN = Surroundings(frequencies=0.5, progress=0.5, classes=2.0)


@dataclasses.dataclass(frozen=True)
class DrawnLoss:
    """What is drawn of a loss.

    Attributes:
        tree: The loss, per class.
        name: Of its curves.
        regression: Whether it is one of numbers.
        averaged: Whether its terms are averaged over the classes.
    """

    tree: Expression
    name: str
    regression: bool
    averaged: bool

    @classmethod
    def of(cls, loss: ExpressionLoss | Expression) -> DrawnLoss:
        """Of a Keras loss, or of a tree, which is taken for a loss of classes.

        Raises:
            TypeError: If it is no expression, as text and losses of all classes are none.
        """
        if isinstance(loss, Expression):
            return cls(loss, "loss", regression=False, averaged=False)
        if not hasattr(loss, "tree"):
            raise InvalidArgumentTypeError(
                "Expected a glo_tf.Expression or glo_tf.ExpressionLoss, such as as_expression() of "
                f"a loss of all classes. Received: {shown(loss)}"
            )
        averaged = loss.class_reduction == "mean"
        return cls(loss.tree, loss.name, not loss.probabilities, averaged)


def term(tree: Expression, x: float | np.ndarray, y: np.ndarray) -> np.ndarray:
    """A loss per class; what is not finite is left so, silently.

    What sees more than label and prediction is shown in the middle of a training, for one of two
    classes that are equally frequent, samples of weight 1.

    Args:
        tree: The loss.
        x: The label, of any shape that fits `y`.
        y: The prediction.
    """
    with np.errstate(all="ignore"):
        if tree.surroundings or tree.across:
            classes = np.stack(np.broadcast_arrays(x, y), axis=-1)
            labels, predictions = (
                np.stack([one, 1.0 - one], axis=-1) for one in np.moveaxis(classes, -1, 0)
            )
            values = value_of(tree, labels, predictions, ops=np, surroundings=_SHOWN)
            return np.broadcast_to(np.asarray(values, float), predictions.shape)[..., 0]
        return np.asarray(value_of(tree, np.broadcast_to(x, y.shape), y, ops=np), float)


def over_minimum(values: np.ndarray) -> np.ndarray:
    """Values less the smallest finite one: a constant in a loss changes nothing."""
    finite = values[np.isfinite(values)]
    return values - (finite.min() if finite.size else 0.0)
