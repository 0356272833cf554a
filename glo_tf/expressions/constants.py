"""Real constants as nodes of their own, which genetic operators exchange and change.

An expression has a factor at each node. To operators a factor is a product with a constant, so
that crossover moves it with its subtree, and mutation may change it, or put something else in its
place. This is how gplearn has constants, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from glo_tf.expressions.prefix import Node, arity
from glo_tf.expressions.tree import Expression

Part = Node | float
"""What the prefix lists of genetic operators are made of; a float is a real constant."""

_Lists = tuple[list[Node], list[float]]
"""Nodes and factors of a tree, which becomes an expression once it is whole."""

_Operand = _Lists | float


def parts_of(tree: Expression) -> tuple[Part, ...]:
    """Prefix list in which each factor but 1 is a constant that multiplies its node."""
    parts: list[Part] = []
    for node, factor in zip(tree.nodes, tree.coefficients, strict=True):
        if factor == 1.0:
            parts.append(node)
        elif isinstance(node, int):
            parts.append(_held(factor * node))
        else:
            parts += ["*", factor, node]
    return tuple(parts)


def expression_of(parts: Sequence[Part]) -> Expression:
    """The tree of the same value in which constants are factors of what they multiply.

    One that multiplies nothing is the factor of a 1. Integers are nodes, as they were.
    """
    stack: list[_Operand] = []
    for part in reversed(parts):
        operands = [stack.pop() for _ in range(arity(part))]
        stack.append(part if isinstance(part, float) else _applied(part, operands))
    nodes, factors = _as_lists(stack.pop())
    return Expression(tuple(nodes), tuple(factors))


def _applied(node: Node, operands: Sequence[_Operand]) -> _Operand:
    if node == "*":
        left, right = operands
        if isinstance(left, float):
            return _times(left, right)
        if isinstance(right, float):
            return _times(right, left)
    nodes, factors = [node], [1.0]
    for of_operand in map(_as_lists, operands):
        nodes += of_operand[0]
        factors += of_operand[1]
    return nodes, factors


def _times(constant: float, operand: _Operand) -> _Operand:
    if isinstance(operand, float):
        return _held(constant * operand)
    nodes, factors = operand
    return nodes, [_held(constant * factors[0]), *factors[1:]]


def _held(factor: float) -> float:
    return max(-sys.float_info.max, min(factor, sys.float_info.max))


def _as_lists(operand: _Operand) -> _Lists:
    return ([1], [operand]) if isinstance(operand, float) else operand
