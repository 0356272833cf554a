"""Figure 2 of arXiv 1905.11528 for any loss: its value against the prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glo_tf.evaluation import evaluate
from glo_tf.expression import Expression

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glo_tf.losses import ExpressionLoss

_CROSS_ENTROPY = Expression.parse("-(x*log(y))")
_SQUARED_ERROR = Expression.parse("square(x - y)")
_LOWEST, _HIGHEST = 0.01, 0.999  # predictions shown; many losses are unbounded beyond
_TALLEST = 8.0  # shown height of a loss over its minimum


def plot_loss(loss: ExpressionLoss) -> Figure:
    """Draws a loss beside cross-entropy, or beside squared error if it is one for regression.

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

    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    if loss.epsilon is None:
        _draw_regression(loss, left, right)
    else:
        _draw_classes(loss, left, right)
    for axes in (left, right):
        axes.set(ylim=(-0.2, _TALLEST), ylabel="loss over its minimum")
        axes.grid(alpha=0.25)
        axes.legend(fontsize="small", frameon=False)
    return figure


def _draw_classes(loss: ExpressionLoss, binary: Axes, terms: Axes) -> None:
    y = np.linspace(_LOWEST, _HIGHEST, 991)
    for label, tree, style in _curves(loss, "cross-entropy", _CROSS_ENTROPY):
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
        axes.set(xlim=(0, 1))


def _draw_regression(loss: ExpressionLoss, errors: Axes, terms: Axes) -> None:
    y = np.linspace(-4.0, 4.0, 991)
    for label, tree, style in _curves(loss, "squared error", _SQUARED_ERROR):
        errors.plot(y, _over_minimum(_terms(tree, 0.0, y)), label=label, **style)
        for x, line in ((-1.0, ":"), (0.0, "-"), (1.0, "--")):
            values = _over_minimum(_terms(tree, x, y))
            terms.plot(y, values, label=f"{label}, x = {x:g}", **{**style, "ls": line})
    errors.set(title="Target x = 0", xlabel="prediction y")
    terms.set(title="Targets x of -1, 0 and 1", xlabel="prediction y")


def _curves(
    loss: ExpressionLoss, usual: str, tree: Expression
) -> tuple[tuple[str, Expression, dict[str, Any]], ...]:
    # The usual loss first and broad, so that a curve on top of it shows.
    return (
        (usual, tree, {"color": "0.75", "lw": 3.0}),
        (loss.name, loss.tree, {"color": "C0", "lw": 1.5}),
    )


def _terms(tree: Expression, x: float, y: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(evaluate(tree, np.full_like(y, x), y, ops=np), float)


def _over_minimum(values: np.ndarray) -> np.ndarray:
    finite = values[np.isfinite(values)]
    return values - (finite.min() if finite.size else 0.0)
