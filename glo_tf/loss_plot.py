"""Figure 2 of arXiv 1905.11528 for any loss: its value against the prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glo_tf.evaluation import evaluate
from glo_tf.expression import Expression

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from glo_tf.losses import ExpressionLoss

_CROSS_ENTROPY = Expression.parse("-(x*log(y))")
_LOWEST, _HIGHEST = 0.01, 0.999  # predictions shown; many losses are unbounded beyond
_TALLEST = 8.0  # shown height of a loss over its minimum


def plot_loss(loss: ExpressionLoss) -> Figure:
    """Draws a loss beside cross-entropy.

    Args:
        loss: The loss; its smoothing and clipping are left out.

    Returns:
        A figure of two panels that belongs to no window.

    Raises:
        ImportError: If matplotlib is not installed; the extra `plot` brings it.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Expected matplotlib for plots: python -m pip install 'glo_tf[plot]'. "
            "Received: no module matplotlib"
        ) from error

    y = np.linspace(_LOWEST, _HIGHEST, 991)
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    binary, terms = figure.subplots(1, 2)
    for label, tree, style in (
        # First and broad, so that a curve on top of it shows.
        ("cross-entropy", _CROSS_ENTROPY, {"color": "0.75", "lw": 3.0}),
        (loss.name, loss.tree, {"color": "C0", "lw": 1.5}),
    ):
        positive, negative = _terms(tree, 1.0, y), _terms(tree, 0.0, y)
        total = positive + _terms(tree, 0.0, 1.0 - y)
        if tree is loss.tree and loss.class_reduction == "mean":
            total = total / 2
        binary.plot(y, _over_minimum(total), label=label, **style)
        terms.plot(y, _over_minimum(positive), label=f"{label}, x = 1", **style)
        terms.plot(y, _over_minimum(negative), ls="--", label=f"{label}, x = 0", **style)
    binary.set(title="Two classes: the true one's prediction", xlabel="prediction for the label")
    terms.set(title="One class: true (x = 1) or not (x = 0)", xlabel="prediction y")
    for axes in (binary, terms):
        axes.set(xlim=(0, 1), ylim=(-0.2, _TALLEST), ylabel="loss over its minimum")
        axes.grid(alpha=0.25)
        axes.legend(fontsize="small", frameon=False)
    return figure


def _terms(tree: Expression, x: float, y: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(evaluate(tree, np.full_like(y, x), y, ops=np), float)


def _over_minimum(values: np.ndarray) -> np.ndarray:
    finite = values[np.isfinite(values)]
    return values - (finite.min() if finite.size else 0.0)
