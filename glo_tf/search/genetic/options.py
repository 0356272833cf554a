"""The options of the genetic operators, which need neither of them to be known."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from glo_tf.errors import InvalidArgumentError
from glo_tf.utils.checks import check_at_least, check_probability, check_types

if TYPE_CHECKING:
    from glo_tf.search.spaces.space import SearchSpace


@dataclasses.dataclass(frozen=True, kw_only=True)
class GloOptions:
    """Probabilities of the paper's operators.

    Attributes:
        crossover_probability: Per pair of parents; both children go on.
        integer_mutation_probability: Per integer leaf: its value changes by +1 or -1.
        constant_mutation_probability: Per real constant: it is multiplied by 2 to the power of a
            standard normal number.
        node_mutation_probability: Per node: a weighted node of the same arity takes its place.
        shrink_probability: Per inner node: a weighted leaf takes its subtree's place.
        grow_probability: Per leaf: a weighted function with leaves as operands takes its place.
        max_size: Offspring with more nodes are replaced by their parent.
    """

    crossover_probability: float = 0.8
    integer_mutation_probability: float = 0.05
    constant_mutation_probability: float = 0.2
    node_mutation_probability: float = 0.05
    shrink_probability: float = 0.025
    grow_probability: float = 0.025
    max_size: int = 64

    def __post_init__(self) -> None:
        _check(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class GplearnOptions:
    """Probabilities of gplearn's operators.

    Attributes:
        p_crossover: Probability that an offspring comes from crossover.
        p_subtree_mutation: From subtree mutation.
        p_hoist_mutation: From hoist mutation.
        p_point_mutation: From point mutation. What remains to 1 is reproduction.
        p_point_replace: Per node of a point mutation: the node is replaced.
        max_size: Offspring with more nodes are replaced by their parent.
    """

    p_crossover: float = 0.9
    p_subtree_mutation: float = 0.01
    p_hoist_mutation: float = 0.01
    p_point_mutation: float = 0.01
    p_point_replace: float = 0.05
    max_size: int = GloOptions.max_size

    def __post_init__(self) -> None:
        _check(self)
        if sum(self.methods.values()) > 1.0 + 1e-12:
            raise InvalidArgumentError(
                f"Expected {', '.join(self.methods)} to sum to at most 1. "
                f"Received: {', '.join(f'{name}={p}' for name, p in self.methods.items())}"
            )

    @property
    def methods(self) -> dict[str, float]:
        """The probability of each method by which offspring are made."""
        return {
            "p_crossover": self.p_crossover,
            "p_subtree_mutation": self.p_subtree_mutation,
            "p_hoist_mutation": self.p_hoist_mutation,
            "p_point_mutation": self.p_point_mutation,
        }


@dataclasses.dataclass(frozen=True)
class GloArguments(GloOptions):
    """What `glo_tf.operators.GloOperators` is called with.

    Attributes:
        space: Nodes that mutations draw from.
    """

    space: SearchSpace


@dataclasses.dataclass(frozen=True)
class GplearnArguments(GplearnOptions):
    """What `glo_tf.gplearn_operators.GplearnOperators` is called with.

    Attributes:
        space: Functions and leaves that mutations draw from.
    """

    space: SearchSpace


def _check(options: GloOptions | GplearnOptions) -> None:
    check_types(options)
    check_at_least(1, max_size=options.max_size)
    for field in dataclasses.fields(options):
        if field.type == "float":
            check_probability(**{field.name: getattr(options, field.name)})
