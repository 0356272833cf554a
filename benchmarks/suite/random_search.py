"""Random search in place of evolution."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

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
