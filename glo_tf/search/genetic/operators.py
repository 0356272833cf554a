"""The paper's genetic operators, on flat prefix lists."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from glo_tf.expressions.constants import Part, expression_of, parts_of
from glo_tf.expressions.prefix import MAX_DEPTH, arity, subtree_end
from glo_tf.expressions.tree import Expression
from glo_tf.identity.stable_id import stable_id
from glo_tf.search.genetic.options import GloArguments
from glo_tf.utils.keywords import documented, made_of

if TYPE_CHECKING:
    from glo_tf.search.spaces.space import SearchSpace

_NORMAL = statistics.NormalDist()


@documented(GloArguments)
@stable_id("GloOperators")
class GloOperators:
    """Crossover and the four mutations of Genetic Loss-function Optimization.

    The operators are those of arXiv 1905.11528; the probabilities are the project's default, as the
    paper's appendix is not public.

    Raises:
        ValueError: If a probability is not in [0, 1] or `max_size` is not positive.
    """

    @made_of(GloArguments)
    def __init__(self, options: GloArguments):
        self.space = options.space
        self.crossover_probability = options.crossover_probability
        self.integer_mutation_probability = options.integer_mutation_probability
        self.constant_mutation_probability = options.constant_mutation_probability
        self.node_mutation_probability = options.node_mutation_probability
        self.shrink_probability = options.shrink_probability
        self.grow_probability = options.grow_probability
        self.max_size = options.max_size

    def breed(
        self, select: Callable[[], Expression], rng: np.random.Generator
    ) -> Sequence[Expression]:
        """Two children of two selected parents, crossed over with a probability, then mutated."""
        parents = select(), select()
        if rng.random() < self.crossover_probability:
            lists = self.crossover(parents[0], parents[1], rng)
        else:
            lists = inherited(parents[0], self.space), inherited(parents[1], self.space)
        return [
            within_limits(self.mutate(nodes, rng), parent, self.max_size)
            for nodes, parent in zip(lists, parents, strict=True)
        ]

    def crossover(
        self, left: Expression, right: Expression, rng: np.random.Generator
    ) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        """Swaps a random subtree of one parent with a random subtree of the other."""
        one, two = inherited(left, self.space), inherited(right, self.space)
        start, other = int(rng.integers(len(one))), int(rng.integers(len(two)))
        end, other_end = subtree_end(one, start), subtree_end(two, other)
        return (
            one[:start] + two[other:other_end] + one[end:],
            two[:other] + one[start:end] + two[other_end:],
        )

    def mutate(self, nodes: tuple[Part, ...], rng: np.random.Generator) -> tuple[Part, ...]:
        """Visits every node once, bottom-up, and applies each mutation with its probability."""
        chances = rng.random((len(nodes), 5)).tolist()
        stack: list[list[Part]] = []
        for node, (integer, same, shrink, grow, draw) in zip(
            reversed(nodes), reversed(chances), strict=True
        ):
            operands = [stack.pop() for _ in range(arity(node))]
            if isinstance(node, int) and integer < self.integer_mutation_probability:
                node += 1 if draw < 0.5 else -1
            elif isinstance(node, float) and integer < self.constant_mutation_probability:
                node *= 2.0 ** _NORMAL.inv_cdf(draw or 0.5)
            if same < self.node_mutation_probability:
                node = self.space.draw_same_arity(arity(node), rng.random())
            subtree: list[Part] = [node]
            for operand in operands:
                subtree += operand
            if operands and shrink < self.shrink_probability:
                subtree = [self.space.draw_leaf(rng.random())]
            elif not operands and grow < self.grow_probability:
                subtree = self._small_tree(rng) or subtree
            stack.append(subtree)
        return tuple(stack.pop())

    def _small_tree(self, rng: np.random.Generator) -> list[Part]:
        """A function with leaves as operands; empty if the space has no function."""
        function = self.space.draw_function(rng.random())
        if function is None:
            return []
        return [function, *(self.space.draw_leaf(rng.random()) for _ in range(arity(function)))]


def inherited(parent: Expression, space: SearchSpace) -> tuple[Part, ...]:
    """What offspring are made of: nodes, and factors where the space has real constants."""
    return parent.nodes if space.const_range is None else parts_of(parent)


def within_limits(nodes: Sequence[Part], parent: Expression, max_size: int) -> Expression:
    """The offspring, or its parent if the offspring is too large or too deep."""
    # A constant and its product are no nodes of the tree where they are a factor there.
    if len(nodes) - 2 * sum(isinstance(node, float) for node in nodes) > max_size:
        return parent
    # A tree of n nodes is at most n - 1 deep, so only large ones need a look at their depth.
    if len(nodes) > MAX_DEPTH and _depth(nodes) > MAX_DEPTH:
        return parent
    offspring = expression_of(nodes)
    return offspring if offspring.size <= max_size else parent


def _depth(nodes: Sequence[Part]) -> int:
    stack: list[int] = []
    for node in reversed(nodes):
        operands = [stack.pop() for _ in range(arity(node))]
        stack.append(1 + max(operands) if operands else 0)
    return stack.pop()
