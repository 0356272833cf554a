"""The first generation: random trees, of which enough can learn for evolution to select among."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glo_tf import genetic
from glo_tf.expression import Expression
from glo_tf.screening import Screen, Verdict
from glo_tf.search_spaces import SearchSpace

_LARGEST_DRAW = 20_000  # trees, before a space is taken for one in which few can learn


def loss_of(tree: Expression) -> Expression:
    """The loss -f of a tree f; trees that differ in the order of operands alone are one loss."""
    return tree.canonical().negated()


def first_generation(
    space: SearchSpace,
    size: int,
    rng: np.random.Generator,
    *,
    screen: Screen | None = None,
    able: int = 1,
) -> list[Expression]:
    """Random trees; if the screen rejects, at least `able` of them can learn.

    Hardly one random tree in a hundred can. To draw and examine a tree takes a fraction of a
    millisecond, so trees are drawn until enough are found; they replace others of the first draw.

    Args:
        space: What trees are made of.
        size: Trees in the generation.
        rng: Source of all randomness.
        screen: Of the search; None for the plain algorithm.
        able: How many trees have to pass the screen.
    """
    population = genetic.initial_population(space, size, rng)
    if screen is None or not screen.rejects:
        return population
    passing = _passing(population, screen)
    for _ in range(_LARGEST_DRAW // size):
        if len(passing) >= able:
            break
        drawn = genetic.initial_population(space, size, rng)
        passing = _passing(passing + drawn, screen)
    others = [tree for tree in population if tree not in passing]
    return (passing + others)[:size]


def _passing(trees: Sequence[Expression], screen: Screen) -> list[Expression]:
    """The distinct ones that the screen lets through."""
    losses = {tree: loss_of(tree) for tree in trees if tree.has_x_and_y}
    verdicts = screen.examine(list(losses.values()))
    return [tree for tree, verdict in zip(losses, verdicts, strict=True) if verdict == Verdict()]
