"""Random search in place of evolution, up to as many training steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import glo_tf
from glo_tf.expressions.tree import Expression
from glo_tf.search.genetic.evolution import initial_population
from glo_tf.search.spaces.space import SearchSpace


@dataclasses.dataclass(frozen=True)
class RandomTrees:
    """Genetic operators whose offspring owe nothing to their parents.

    Attributes:
        space: What trees are drawn from, as those of a first generation are.
    """

    space: SearchSpace

    def breed(
        self, select: Callable[[], Expression], rng: np.random.Generator
    ) -> Sequence[Expression]:
        """One more random tree."""
        return initial_population(self.space, 1, rng)


class StepLimit(glo_tf.Callback):
    """Ends a search after the generation in which it reaches a number of training steps.

    Args:
        steps: Of all trainings together.
    """

    def __init__(self, steps: int):
        self._left = steps

    def on_evaluation(self, record: Any) -> None:
        """Counts."""
        self._left -= record.steps

    def on_generation(self, generation: Any) -> None:
        """Ends the search."""
        if self._left <= 0:
            raise glo_tf.StopSearch
