"""An expression drawn as the tree that it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from glo_tf.expressions.tree import Expression
from glo_tf.losses.heights import DrawnLoss
from glo_tf.utils.style import LIGHT, Picture, style

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss

_ACROSS, _DOWN = 0.72, 0.68  # inches from leaf to leaf, and from level to level
_SIGNS = {"*": "\N{MULTIPLICATION SIGN}", "/": "\N{DIVISION SIGN}", "-": "\N{MINUS SIGN}"}


def plot_tree(loss: ExpressionLoss | Expression) -> Figure:
    """Draws the nodes of an expression, operands under their operation and in their order.

    Args:
        loss: The loss, or its tree. A coefficient that is not 1 stands under its node.

    Returns:
        A figure that belongs to no window, as large as the tree needs.

    Raises:
        TypeError: If it is no expression.
    """
    expression = DrawnLoss.of(loss).tree
    places, edges = _layout(expression)
    leaves = 1.0 + max(across for across, _ in places)
    with style():
        size = (max(2.0, _ACROSS * leaves), _DOWN * (expression.depth + 1))
        figure = Picture(figsize=size)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        missing = max(0.0, 2.0 / _ACROSS - leaves) / 2
        axes.set(xlim=(-0.5 - missing, leaves - 0.5 + missing), ylim=(-expression.depth - 0.5, 0.5))
        for parent, child in edges:
            (x0, y0), (x1, y1) = places[parent], places[child]
            axes.plot([x0, x1], [y0, y1], color=LIGHT["grey"], lw=1.2, zorder=1)
        for index, (across, down) in enumerate(places):
            node, factor = expression.nodes[index], expression.coefficients[index]
            color = {"x": "orange", "y": "blue"}.get(str(node), "ink")
            axes.text(
                across,
                down,
                _SIGNS.get(str(node), str(node)),
                ha="center",
                va="center",
                color=LIGHT[color],
                fontsize=11,
                bbox={
                    "boxstyle": "round,pad=0.35",
                    "facecolor": LIGHT["page"],
                    "edgecolor": LIGHT[color],
                },
            )
            if factor != 1.0:
                axes.text(
                    across + 0.04,
                    down - 0.26,
                    f"{factor:.3g}".replace("-", _SIGNS["-"]),
                    ha="center",
                    va="top",
                    fontsize=8,
                    color=LIGHT["muted"],
                    bbox={"boxstyle": "square,pad=0.1", "facecolor": LIGHT["page"], "lw": 0},
                )
    return figure


def _layout(expression: Expression) -> tuple[list[tuple[float, float]], list[tuple[int, int]]]:
    """Leaves side by side, operations over the middle of their operands; places and edges."""
    levels = [0] * expression.size
    edges: list[tuple[int, int]] = []

    def connect(index: int, operands: Sequence[int]) -> int:
        edges.extend((index, operand) for operand in operands)
        return index

    expression.fold(connect)
    children: dict[int, list[int]] = {}
    for parent, child in sorted(edges):  # parents stand before their operands
        levels[child] = levels[parent] + 1
        children.setdefault(parent, []).append(child)
    across = [0.0] * expression.size
    leaves = [index for index in range(expression.size) if index not in children]
    for place, leaf in enumerate(leaves):
        across[leaf] = float(place)
    for parent in sorted(children, reverse=True):
        mine = [across[child] for child in children[parent]]
        across[parent] = (min(mine) + max(mine)) / 2
    return [(x, -float(level)) for x, level in zip(across, levels, strict=True)], edges
