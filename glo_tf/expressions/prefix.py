"""Expression trees as flat prefix lists: the data that everything else works on.

As in gplearn's programs, every node is followed by its operands. Each node carries one coefficient
that multiplies its output (Section 3 of arXiv 1905.11528); an expression fresh from the genetic
search has ones everywhere.

This module knows neither NumPy nor TensorFlow.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Self

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions import leaves, operations
from glo_tf.expressions.leaves import LABEL_AND_PREDICTION, LEAVES

Node = str | int

MAX_DEPTH = 100
"""Deepest tree that can be built; it bounds every recursion over a tree."""

MAX_NODES = 2_000
"""Largest tree that can be built."""

MAX_INTEGER = 2**31 - 1
"""Largest magnitude of an integer leaf."""


def arity(node: Node | float) -> int:
    """Number of operands that `node` takes; a number takes none."""
    if isinstance(node, str) and not is_leaf(node):
        return operations.get(node).arity
    return 0


def is_leaf(name: str) -> bool:
    """Whether it is the name of a leaf; one of an installed package is loaded."""
    return name in LEAVES or (not operations.is_known(name) and leaves.find(name) is not None)


def is_named_node(node: object) -> bool:
    """Whether it is the name of a leaf or of an operation."""
    return isinstance(node, str) and (is_leaf(node) or operations.find(node) is not None)


def named_nodes() -> str:
    """All named nodes, for a message."""
    return ", ".join((*operations.names(), *leaves.names()))


def subtree_end(nodes: Sequence[Node | float], start: int) -> int:
    """Index just past the subtree whose root is at `start` of a prefix list."""
    open_operands, end = 1, start
    while open_operands:
        open_operands += arity(nodes[end]) - 1
        end += 1
    return end


@dataclasses.dataclass(frozen=True)
class PrefixList:
    """A tree of nodes in prefix order; `glo_tf.Expression` is one that can be read and written.

    Attributes:
        nodes: Names of operations (`glo_tf.nodes`) and leaves (`"x"`, `"y"`, ...), and integers,
            parents before operands.
        coefficients: One finite factor per node, applied to that node's output. Ones if omitted.
        depth: Number of edges from the root to the deepest leaf; 0 for a leaf.

    Raises:
        ValueError: If the nodes are not exactly one tree, are unknown or too many, or if the
            coefficients do not match them.
    """

    nodes: tuple[Node, ...]
    coefficients: tuple[float, ...] = ()
    depth: int = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))
        factors = tuple(float(value) for value in self.coefficients) or (1.0,) * len(self.nodes)
        object.__setattr__(self, "coefficients", factors)
        object.__setattr__(self, "depth", _checked_depth(self.nodes))
        if len(factors) != len(self.nodes):
            raise InvalidArgumentError(
                f"Expected one coefficient per node ({len(self.nodes)}). "
                f"Received: {len(factors)} coefficients={factors}"
            )
        if not all(math.isfinite(value) for value in factors):
            raise InvalidArgumentError(
                f"Expected finite coefficients. Received: coefficients={factors}"
            )
        if self.depth > MAX_DEPTH:
            raise InvalidArgumentError(
                f"Expected a depth of at most {MAX_DEPTH}. Received: {self.depth}"
            )

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.nodes)

    @property
    def has_x_and_y(self) -> bool:
        """Whether the tree contains both the label and the prediction."""
        return "x" in self.nodes and "y" in self.nodes

    @functools.cached_property
    def surroundings(self) -> tuple[str, ...]:
        """The leaves beside x and y that it has, in the order in which they are registered."""
        found = {node for node in self.nodes if isinstance(node, str)} - set(LABEL_AND_PREDICTION)
        return tuple(name for name in LEAVES if name in found)

    def needs(self, part: str) -> bool:
        """Whether a leaf is made of this part of the `glo_tf.expressions.leaves.Surroundings`."""
        return any(part in LEAVES[name].needs for name in self.surroundings)

    @functools.cached_property
    def across(self) -> bool:
        """Whether a term depends on the predictions of all classes of the sample."""
        return any(operations.is_across(node) for node in self.nodes)

    def with_coefficients(self, coefficients: Sequence[float]) -> Self:
        """The same tree with other coefficients, in prefix order."""
        return type(self)(self.nodes, tuple(coefficients))

    def negated(self) -> Self:
        """-f: the root's coefficient changes its sign."""
        return self.with_coefficients((-self.coefficients[0], *self.coefficients[1:]))

    def subtree_end(self, start: int) -> int:
        """Index just past the subtree whose root is node `start`."""
        return subtree_end(self.nodes, start)

    def fold(self, combine: Callable[[int, Sequence[Any]], Any]) -> Any:
        """Evaluates the tree bottom-up.

        Args:
            combine: Called as `combine(index, operands)` for every node, where `operands` are the
                values of its operands from left to right.

        Returns:
            The value of the root.
        """
        stack: list[Any] = []
        for index in range(len(self.nodes) - 1, -1, -1):
            operands = [stack.pop() for _ in range(arity(self.nodes[index]))]
            stack.append(combine(index, operands))
        return stack.pop()

    def canonical(self) -> Self:
        """The representative of all trees that differ only in the order of commutative operands.

        The value is the same to the last bit, as is the slope.
        """

        def combine(index: int, operands: Sequence[_Keyed]) -> _Keyed:
            node = self.nodes[index]
            commutes = bool(operands) and operations.get(str(node)).commutative
            ordered = sorted(operands) if commutes else operands
            own = (arity(node), str(node), self.coefficients[index])
            return (own, *(key for operand in ordered for key in operand))

        keys = self.fold(combine)
        nodes = tuple(int(name) if name.lstrip("-").isdigit() else name for _, name, _ in keys)
        return type(self)(nodes, tuple(coefficient for _, _, coefficient in keys))


_Keyed = tuple[tuple[int, str, float], ...]


def _checked_depth(nodes: tuple[Node, ...]) -> int:
    if not 1 <= len(nodes) <= MAX_NODES:
        raise InvalidArgumentError(f"Expected 1 to {MAX_NODES} nodes. Received: {len(nodes)} nodes")
    deepest = 0
    depths = [0]  # of the nodes that are still to come
    for index, node in enumerate(nodes):
        if isinstance(node, bool) or not (isinstance(node, int) or is_named_node(node)):
            raise InvalidArgumentError(
                f"Expected an integer or one of {named_nodes()}. Received: nodes[{index}]={node!r}"
            )
        if isinstance(node, int) and abs(node) > MAX_INTEGER:
            raise InvalidArgumentError(
                f"Expected integers of at most {MAX_INTEGER}. Received: nodes[{index}]={node}"
            )
        if not depths:
            raise InvalidArgumentError(
                f"Expected one tree, which ends before node {index}. Received: {nodes}"
            )
        depth = depths.pop()
        deepest = max(deepest, depth)
        depths += [depth + 1] * arity(node)
    if depths:
        raise InvalidArgumentError(
            f"Expected {len(depths)} more operands at the end. Received: {nodes}"
        )
    return deepest
