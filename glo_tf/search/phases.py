"""The phases of a search, as its settings ask for them: both are asked for candidates, and told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from glo_tf.comparison.expected_rates import ExpectedRates
from glo_tf.data.outputs import Outputs
from glo_tf.expressions.tree import Expression
from glo_tf.results.record import Record
from glo_tf.screening.screen import Screen
from glo_tf.search.ask_tell import tree_of
from glo_tf.search.coefficients.cma_es import CoefficientSearch, Passing
from glo_tf.search.coefficients.parameterization import Parameterization
from glo_tf.search.genetic.evolution import Discovery
from glo_tf.search.genetic.first_generation import first_generation, known_trees
from glo_tf.search.ranking import Ranking
from glo_tf.search.settings import SearchSettings
from glo_tf.search.warm_start import known_starts
from glo_tf.training.candidate import Hyperparameters


def discovery(
    settings: SearchSettings, ranking: Ranking, screen: Screen | None, outputs: Outputs
) -> Discovery:
    """The discovery phase, with its first generation drawn.

    Args:
        settings: Of the search.
        ranking: Of its candidates.
        screen: What tells which trees can learn; None for the plain algorithm.
        outputs: Of the model.
    """
    space = settings.search_space
    given = settings.first_trees
    known = [tree for tree in known_trees(outputs, space) if tree not in given]
    rng = np.random.default_rng([settings.seed, 0])
    population = first_generation(
        space,
        settings.population_size,
        rng,
        initial=[*given, *known][: settings.population_size],
        screen=screen,
        able=max(1, settings.elites),
    )
    return Discovery(
        population, settings.operators, elites=settings.elites, ranking=ranking, rng=rng
    )


def coefficient_searches(
    settings: SearchSettings,
    best: Iterable[Record],
    expected: ExpectedRates | None = None,
    passing: Passing | None = None,
) -> list[CoefficientSearch]:
    """The coefficient phase: of the space's own expression, or one for each of the best so far.

    Where known losses have other coefficients in the shape of one of the best, there is one more,
    which starts from these. Trees that evolved with coefficients start from them alone.

    Args:
        settings: Of the search.
        best: What the discovery phase found, to be tuned.
        expected: Where learning rates are looked for; None leaves them as they are.
        passing: Says which candidates CMA-ES may give; None for all that it draws.
    """

    def search(
        parameterization: Parameterization, hyperparameters: Hyperparameters | None = None
    ) -> CoefficientSearch:
        return CoefficientSearch(
            parameterization,
            sigma0=settings.coefficient_sigma0,
            population_size=settings.coefficient_population_size,
            seed=settings.seed,
            hyperparameters=hyperparameters,
            expected=expected,
            passing=passing,
        )

    if settings.search_space.parameterization is not None:
        return [search(settings.search_space.parameterization)]
    known, space = list(settings.initial_losses.values()), settings.search_space
    trees = {record: tree_of(record.loss) for record in best}

    def starts(tree: Expression) -> Sequence[tuple[float, ...] | None]:
        if space.const_range is not None:
            return [tree.coefficients]
        return [*(known_starts(tree, known, space) if known else []), None]

    return [
        search(Parameterization.of_coefficients(tree, start), record.candidate.hyperparameters)
        for record, tree in trees.items()
        for start in starts(tree)
    ]
