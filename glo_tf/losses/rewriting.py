"""What options of a loss do to labels and predictions, as part of its expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.expressions.leaves import LEAVES
from glo_tf.expressions.operations import is_across
from glo_tf.expressions.prefix import MAX_NODES, Node
from glo_tf.expressions.tree import Expression

_ABOVE_1 = 1.0000002
"""1 - y would be 0 where a sigmoid is sure; the next float32 but one."""

_Part = tuple[tuple[Node, ...], tuple[float, ...]]

_ABSENT: Mapping[str, float] = {"x": 1.0, "y": _ABOVE_1, "n": 1.0}
"""What a leaf is taken from where the label is not there."""


def two_sided(loss: Expression, name: str = "loss") -> Expression:
    """`t(x, y) + t(1 - x, 1 - y)`: a loss of two classes as one of a label, there or not.

    What the term sees is that of the two classes, too: the frequency of the label not being there
    is 1 - n, there are 2 classes, and `total` is the sum of both sides.

    Args:
        loss: The term t of a class.
        name: Of the argument that it was given as, for messages.

    Raises:
        ValueError: If it has a leaf or an operation across the classes, of an installed package,
            that has another value for two classes than for all labels; or if it becomes too large.
    """
    _check_two_sided(loss, name)
    factor, *others = loss.coefficients
    plain = loss.with_coefficients((1.0, *others))

    def combine(index: int, operands: Sequence[tuple[_Part, _Part]]) -> tuple[_Part, _Part]:
        node, scale = plain.nodes[index], plain.coefficients[index]
        if node == "total":
            both = _joined("+", scale, operands[0])
            return both, both
        if node == "C":
            return _joined(2, scale, ()), _joined(2, scale, ())
        there, absent = (_joined(node, scale, [pair[side] for pair in operands]) for side in (0, 1))
        if node in _ABSENT:
            absent = (("-", 1, node), (scale, _ABSENT[str(node)], 1.0))
        return there, absent

    return Expression(*_joined("+", factor, plain.fold(combine)))


def _check_two_sided(loss: Expression, name: str) -> None:
    of_classes = {"frequencies", "classes"}
    others = [
        node
        for node in loss.nodes
        if (is_across(node) and node != "total")
        or (node in LEAVES and node not in ("n", "C") and of_classes & {*LEAVES[str(node)].needs})
    ]
    if others:
        raise InvalidArgumentError(
            f"Expected a loss without {others[0]}, which has another value for the two classes of "
            "a label than for all labels, or one that is not two-sided. "
            f"Received: {name}={shown(str(loss))}"
        )


def _joined(node: Node, coefficient: float, operands: Sequence[_Part]) -> _Part:
    size = 1 + sum(len(nodes) for nodes, _ in operands)
    if size > MAX_NODES:  # before sums within sums double it once more
        raise InvalidArgumentError(
            f"Expected a loss that has at most {MAX_NODES} nodes when both sides of a label are "
            f"written out. Received: {size} nodes"
        )
    return (
        (node, *(each for nodes, _ in operands for each in nodes)),
        (coefficient, *(each for _, coefficients in operands for each in coefficients)),
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
