"""Figure 2 of arXiv 1905.11528 for any losses: their values against the prediction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import CROSS_ENTROPY, SQUARED_ERROR
from glo_tf.losses.heights import DrawnLoss, over_minimum, term
from glo_tf.utils.style import LIGHT, SERIES, Picture, literal, panel, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glo_tf.losses.expression_loss import ExpressionLoss

_LOWEST, _HIGHEST = 0.01, 0.999  # predictions shown; many losses are unbounded beyond
_TALLEST = 8.0  # shown height of a loss over its minimum
_USUAL: dict[str, Any] = {"color": LIGHT["grey"], "lw": 3.0, "alpha": 0.6}


def plot_loss(loss: ExpressionLoss | Expression) -> Figure:
    """Draws a loss beside cross-entropy, or beside squared error if it is one for regression.

    Args:
        loss: The loss; an `Expression` is taken for one of classes. Smoothing and clipping are left
            out.

    Returns:
        A figure of two panels that belongs to no window.

    Raises:
        TypeError: If it is no expression.
    """
    drawn = DrawnLoss.of(loss)
    with style():
        figure = Picture(figsize=(9.0, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        if drawn.regression:
            _draw_regression(drawn, left, right)
        else:
            _draw_classes(drawn, left, right)
        for axes in (left, right):
            axes.set(ylim=(-0.2, _TALLEST), ylabel="loss over its minimum")
            axes.legend()
    return figure


def plot_binary_losses(losses: Mapping[str, ExpressionLoss]) -> Figure:
    """Draws losses with two classes against the prediction for the true one.

    Figure 2 of arXiv 1905.11528, with cross-entropy as the broad grey line.

    Args:
        losses: By the names that they are shown with; of classes, smoothing and clipping are left
            out.

    Returns:
        A figure that belongs to no window. Constants are shifted away: each minimum is 0.

    Raises:
        ValueError: If a loss is one for regression.
    """
    for name, loss in losses.items():
        if not loss.probabilities:
            raise InvalidArgumentError(
                f"Expected losses of classes, with an epsilon. Received: {name}"
            )
    y = _predictions()
    with style():
        figure, axes = panel(
            "Two classes, the label is 1", "prediction for the label", "loss over its minimum"
        )
        axes.plot(y, over_minimum(_binary(CROSS_ENTROPY, y)), label="cross-entropy", **_USUAL)
        for place, (name, loss) in enumerate(losses.items()):
            color = LIGHT[SERIES[place % len(SERIES)]]
            values = over_minimum(_binary_loss(DrawnLoss.of(loss), y))
            axes.plot(y, values, label=literal(name), color=color, lw=1.8)
        axes.set(xlim=(0, 1), ylim=(-0.2, _TALLEST))
        axes.legend()
    return figure


def _draw_classes(loss: DrawnLoss, binary: Axes, terms: Axes) -> None:
    y = _predictions()
    for label, tree, look in _curves(loss, "cross-entropy", CROSS_ENTROPY):
        total = _binary_loss(loss, y) if tree is loss.tree else _binary(tree, y)
        positive, negative = term(tree, 1.0, y), term(tree, 0.0, y)
        binary.plot(y, over_minimum(total), label=label, **look)
        terms.plot(y, over_minimum(positive), label=f"{label}, x = 1", **look)
        terms.plot(y, over_minimum(negative), ls="--", label=f"{label}, x = 0", **look)
    binary.set(title="Two classes: the true one's prediction", xlabel="prediction for the label")
    terms.set(title="One class: true (x = 1) or not (x = 0)", xlabel="prediction y")
    for axes in (binary, terms):
        axes.set(xlim=(0, 1))


def _draw_regression(loss: DrawnLoss, errors: Axes, terms: Axes) -> None:
    y = np.linspace(-4.0, 4.0, 991)
    for label, tree, look in _curves(loss, "squared error", SQUARED_ERROR):
        errors.plot(y, over_minimum(term(tree, 0.0, y)), label=label, **look)
        for x, line in ((-1.0, ":"), (0.0, "-"), (1.0, "--")):
            values = over_minimum(term(tree, x, y))
            terms.plot(y, values, label=f"{label}, x = {x:g}", **{**look, "ls": line})
    errors.set(title="Target x = 0", xlabel="prediction y")
    terms.set(title="Targets x of -1, 0 and 1", xlabel="prediction y")


def _curves(
    loss: DrawnLoss, usual: str, tree: Expression
) -> Iterable[tuple[str, Expression, dict[str, Any]]]:
    # The usual loss first and broad, so that a curve on top of it shows.
    yield usual, tree, _USUAL
    yield literal(loss.name), loss.tree, {"color": LIGHT["blue"], "lw": 1.5}


def _predictions() -> np.ndarray:
    return np.linspace(_LOWEST, _HIGHEST, 991)


def _binary_loss(loss: DrawnLoss, y: np.ndarray) -> np.ndarray:
    values = _binary(loss.tree, y)
    return values / 2.0 if loss.averaged else values


def _binary(tree: Expression, y: np.ndarray) -> np.ndarray:
    values: np.ndarray = term(tree, 1.0, y) + term(tree, 0.0, 1.0 - y)
    return values
