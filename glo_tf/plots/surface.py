"""The surface of a loss over labels and predictions: the picture that named Baikal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from glo_tf.losses.heights import DrawnLoss, over_minimum, term
from glo_tf.utils.style import LIGHT, Picture, style

if TYPE_CHECKING:
    from mpl_toolkits.mplot3d.axes3d import Axes3D

    from glo_tf.expressions.tree import Expression
    from glo_tf.losses.expression_loss import ExpressionLoss

_POINTS = 33
_NEAREST = 0.02  # predictions come as near as this to 0 and 1, where many losses are unbounded
_TALLEST = 8.0  # shown height over the minimum


def plot_surface(loss: ExpressionLoss | Expression) -> Figure:
    """Draws a loss over its label and its prediction, as a surface in three dimensions.

    With two classes, as in arXiv 1905.11528: the label and the prediction of the first are the
    axes, those of the second are 1 less them, and the terms of both are summed. A regression's term
    is drawn over target and prediction.

    Args:
        loss: The loss; an `Expression` is taken for one of classes. Smoothing and clipping are left
            out.

    Returns:
        A figure that belongs to no window. Heights are over the lowest that is shown, and end at 8;
        where the loss is not finite, there is a hole.

    Raises:
        TypeError: If it is no expression.
    """
    drawn = DrawnLoss.of(loss)
    tree, regression = drawn.tree, drawn.regression
    lowest, highest = (-2.0, 2.0) if regression else (0.0, 1.0)
    margin = 0.0 if regression else _NEAREST
    # Denser near the ends, where losses of probabilities bend most.
    dense = (1.0 - np.cos(np.linspace(0.0, np.pi, _POINTS))) / 2
    x, y = np.meshgrid(
        np.linspace(lowest, highest, _POINTS),
        (lowest + margin) + dense * (highest - lowest - 2 * margin),
        indexing="ij",
    )
    values = term(tree, x, y)
    if not regression:
        values = values + term(tree, 1.0 - x, 1.0 - y)
    heights = over_minimum(values / 2 if drawn.averaged else values)
    heights = np.where(np.isfinite(heights), np.minimum(heights, _TALLEST), np.nan)
    with style():
        figure = Picture(figsize=(5.4, 4.4), layout="constrained")
        axes: Axes3D = figure.add_subplot(projection="3d")
        faces = _faces(x, y, heights)
        surface = Poly3DCollection(
            faces, cmap="viridis", linewidth=0.2, edgecolor=(1.0, 1.0, 1.0, 0.15)
        )
        surface.set_array(faces[..., 2].mean(axis=1))
        axes.add_collection3d(surface)
        axes.auto_scale_xyz(x, y, heights)
        _label(axes, ("target x", "prediction y") if regression else ("label x₀", "prediction y₀"))
        axes.set(xlim=(lowest, highest), ylim=(lowest, highest))
    return figure


def _faces(x: np.ndarray, y: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """The four corners `(N, 4, 3)` of each face that has no hole.

    `Axes3D.plot_surface` keeps what is left of the others, and pads it with memory as it is.
    """
    points = np.stack([x, y, heights], axis=-1)
    corners = [points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]]
    faces = np.stack(corners, axis=2).reshape(-1, 4, 3)
    whole: np.ndarray = faces[np.isfinite(faces).all(axis=(1, 2))]
    return whole


def _label(axes: Axes3D, names: tuple[str, str]) -> None:
    axes.set(xlabel=names[0], ylabel=names[1], zlabel="loss over its minimum")
    axes.view_init(elev=28, azim=-125)
    axes.set_box_aspect(None, zoom=0.92)  # labels stay inside
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.pane.set(facecolor="none", edgecolor=LIGHT["grid"])
        axis.line.set_color(LIGHT["muted"])
        axis.set_major_locator(MaxNLocator(5))
