"""Losses that differ in a vector of real numbers alone: what the coefficient phase searches."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.tree import Expression
from glo_tf.identity.stable_id import stable_id


@stable_id("Parameterization")
@dataclasses.dataclass(frozen=True)
class Parameterization:
    """A function from a vector of real parameters to a tree f(x, y); the loss is -f.

    Attributes:
        expression: Turns parameters into the tree. All its trees have the same nodes and differ in
            coefficients, so that one compiled training serves them all.
        start: The parameters that the search starts from.
        steps: How far each parameter moves at first, in units of the initial step size; as far as
            the others if None.
    """

    expression: Callable[[Sequence[float]], Expression]
    start: tuple[float, ...]
    steps: tuple[float, ...] | None = None

    @classmethod
    def of_coefficients(
        cls, tree: Expression, start: Sequence[float] | None = None
    ) -> Parameterization:
        """One coefficient per node of `tree` (Section 3 of arXiv 1905.11528).

        Args:
            tree: Its own coefficients are ignored.
            start: Where to start, with steps in proportion; ones, as in the paper, if None.

        Raises:
            ValueError: If the tree has a single node.
        """
        if tree.size < 2:
            raise InvalidArgumentError(
                f"Expected a tree with an operation. Received: expression='{tree}'"
            )
        if start is None:
            return cls(tree.with_coefficients, (1.0,) * tree.size)
        steps = tuple(abs(value) or 1.0 for value in start)
        return cls(tree.with_coefficients, tuple(start), steps)
