"""What options of a loss do to labels and predictions, as part of its expression."""

from __future__ import annotations

from collections.abc import Callable

from glo_tf.expressions.prefix import Node
from glo_tf.expressions.tree import Expression

_ABOVE_1 = 1.0000002
"""1 - y would be 0 where a sigmoid is sure; the next float32 but one."""

_Part = tuple[tuple[Node, ...], tuple[float, ...]]


def two_sided(loss: Expression) -> Expression:
    """`t(x, y) + t(1 - x, 1 - y)`: a loss of two classes as one of a label, there or not.

    Args:
        loss: The term t of a class.
    """
    factor, *others = loss.coefficients
    plain = loss.with_coefficients((1.0, *others))
    absent = _with_leaves(
        plain,
        {
            "x": lambda scale: (("-", 1, "x"), (scale, 1.0, 1.0)),
            "y": lambda scale: (("-", 1, "y"), (scale, _ABOVE_1, 1.0)),
        },
    )
    return Expression(
        ("+", *plain.nodes, *absent.nodes), (factor, *plain.coefficients, *absent.coefficients)
    )


def smoothed(loss: Expression, smoothing: float, classes: int) -> Expression:
    """The loss with labels `x*(1 - smoothing) + smoothing/classes`."""
    share = smoothing / classes
    return _with_leaves(loss, {"x": lambda scale: (("+", "x", 1), (scale, 1.0 - smoothing, share))})


def averaged(loss: Expression, count: int) -> Expression:
    """The loss divided by the number of its terms: their mean is the sum of these."""
    first, *others = loss.coefficients
    return loss.with_coefficients((first / count, *others))


def _with_leaves(loss: Expression, new: dict[str, Callable[[float], _Part]]) -> Expression:
    """Each named leaf replaced by a tree, made of the leaf's coefficient."""
    nodes: list[Node] = []
    coefficients: list[float] = []
    for node, coefficient in zip(loss.nodes, loss.coefficients, strict=True):
        make = new.get(node) if isinstance(node, str) else None
        part = ((node,), (coefficient,)) if make is None else make(coefficient)
        nodes += part[0]
        coefficients += part[1]
    return Expression(tuple(nodes), tuple(coefficients))
