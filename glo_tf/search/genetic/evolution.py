"""The genetic algorithm of the discovery phase: initial population, selection and replacement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.constants import expression_of
from glo_tf.expressions.tree import Expression
from glo_tf.search.ask_tell import AskTell
from glo_tf.search.ranking import Ranking
from glo_tf.search.spaces.space import SearchSpace
from glo_tf.training.trial import Evaluation


@runtime_checkable
class Operators(Protocol):
    """How parents become offspring; `GloOperators` and `GplearnOperators` are two."""

    def breed(
        self, select: Callable[[], Expression], rng: np.random.Generator
    ) -> Sequence[Expression]:
        """Returns one or more offspring.

        Args:
            select: Draws a parent.
            rng: Source of all randomness.
        """
        ...


class Discovery(AskTell):
    """The discovery phase: trees that evolve by selection, crossover and mutation.

    Args:
        population: The trees of the first generation.
        operators: Turn parents into offspring.
        elites: How many of the best go on unchanged into the next generation.
        ranking: Gives each candidate its share of the roulette wheel.
        rng: Source of all randomness.
    """

    def __init__(
        self,
        population: Sequence[Expression],
        operators: Operators,
        *,
        elites: int,
        ranking: Ranking,
        rng: np.random.Generator,
    ):
        super().__init__()
        self._population = population
        self._operators = operators
        self._elites = elites
        self._ranking = ranking
        self._rng = rng
        self._scores: list[float] = []

    def _trees(self) -> list[Expression]:
        if self._scores:  # as late as this: the last generation has no offspring
            self._population = next_generation(
                self._population, self._scores, self._operators, elites=self._elites, rng=self._rng
            )
        # Trees that differ in the order of operands alone are one loss.
        return [tree.canonical() for tree in self._population]

    def _learn(self, evaluations: Sequence[Evaluation]) -> None:
        self._scores = [self._ranking.penalized(one.fitness, one.candidate) for one in evaluations]


def initial_population(space: SearchSpace, size: int, rng: np.random.Generator) -> list[Expression]:
    """Random trees of depth at most the space's `max_initial_depth`, nodes drawn by weight."""
    return [expression_of(space.draw_tree(rng)) for _ in range(size)]


def next_generation(
    population: Sequence[Expression],
    fitnesses: Sequence[float],
    operators: Operators,
    *,
    elites: int,
    rng: np.random.Generator,
) -> list[Expression]:
    """The elites, then offspring of parents chosen by roulette: full generational replacement.

    Args:
        population: The current generation.
        fitnesses: Non-negative finite fitness of each individual.
        operators: Turn parents into offspring.
        elites: How many of the best distinct individuals go on unchanged.
        rng: Source of all randomness.

    Returns:
        A generation of the same size.

    Raises:
        ValueError: If a fitness is negative or not finite.
    """
    size = len(population)
    following = best_distinct(population, fitnesses, elites)
    cumulative = roulette(fitnesses)

    def select() -> Expression:
        place = int(np.searchsorted(cumulative, rng.random(), side="right"))
        return population[min(place, size - 1)]

    while len(following) < size:
        following.extend(operators.breed(select, rng))
    return following[:size]


def roulette(fitnesses: Sequence[float]) -> np.ndarray:
    """Cumulative selection probabilities, proportional to fitness; uniform if all are 0.

    Raises:
        ValueError: If a fitness is negative or not finite.
    """
    values = np.asarray(fitnesses, float)
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise InvalidArgumentError(
            f"Expected non-negative finite fitnesses. Received: fitnesses={fitnesses}"
        )
    total = values.sum()
    if total == 0:
        values, total = np.ones_like(values), len(values)
    return np.cumsum(values / total)


def best_distinct(
    population: Sequence[Expression], fitnesses: Sequence[float], count: int
) -> list[Expression]:
    """The fittest individuals, equal up to operand order counted once; smaller ones win ties."""
    ranked = sorted(
        zip(population, fitnesses, strict=True),
        key=lambda pair: (-pair[1], pair[0].size, str(pair[0])),
    )
    distinct: dict[Expression, Expression] = {}
    for individual, _ in ranked:
        if len(distinct) == count:
            break
        distinct.setdefault(individual.canonical(), individual)
    return list(distinct.values())
