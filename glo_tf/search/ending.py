"""The end of a search: its finalists are confirmed, and the best loss stands beside known ones."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

from glo_tf.comparison.learning_rates import Evaluate
from glo_tf.comparison.trainings import Conditions
from glo_tf.comparison.with_references import compare_with_references
from glo_tf.comparison.with_usual import compare_with_usual
from glo_tf.results.bar import Bar
from glo_tf.results.comparison import Comparison
from glo_tf.results.found_loss import FoundLoss
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.record import Record, Stage
from glo_tf.search.candidate_rates import CandidateRates
from glo_tf.search.config import ModelSelection
from glo_tf.search.confirmation import Finalist, confirm, with_rates_of_several_seeds
from glo_tf.search.finalists import FinalistChoice
from glo_tf.search.ranking import Ranking
from glo_tf.search.settings import SearchSettings
from glo_tf.training.search_task import SearchTask


class SearchEnding:
    """What follows the last generation of a search.

    Args:
        task: What candidates are trained on.
        settings: Of the search.
        ranking: Of its candidates.
        rates: Of its candidates, looked for before the first of them.
        retrain: Gives what trains networks in a stage.
    """

    def __init__(
        self,
        task: SearchTask,
        settings: SearchSettings,
        ranking: Ranking,
        rates: CandidateRates,
        retrain: Callable[[Stage], Evaluate],
    ):
        self._task, self._settings, self._ranking = task, settings, ranking
        self._rates, self._retrain = rates, retrain
        self._confirmed: FoundLoss | None = None

    @functools.cached_property
    def _choice(self) -> FinalistChoice:
        return FinalistChoice(self._task, self._settings, self._ranking, self._rates.steps)

    def confirm(
        self, records: Sequence[Record], bar: Bar | None
    ) -> tuple[Record | None, list[LossTrainings]]:
        """Trains the finalists with other seeds.

        Args:
            records: Of all candidates.
            bar: What the search has to beat.

        Returns:
            The best of them, if there are any, and the trainings, the best first.
        """
        settings = self._settings
        chosen = self._choice.records(records, bar)
        evaluate = self._retrain(Stage.CONFIRMATION)
        finalists = (
            [Finalist(record) for record in chosen]
            if self._rates.expected is None
            else with_rates_of_several_seeds(evaluate, chosen, settings.seeds_of_finalists_rates)
        )
        conditions = Conditions(
            seeds=settings.seeds_of_confirmation,
            objective=self._task.objective,
            learning_rate=self._task.learning_rate,
        )
        confirmed = confirm(
            evaluate,
            [dataclasses.replace(one, forms=self._choice.forms(one.record)) for one in finalists],
            self._ranking,
            conditions,
            ModelSelection(settings.model_selection),
        )
        if not confirmed:
            return None, []
        (best, _), *_ = confirmed
        (self._confirmed,) = best.forms
        return best.record, [row for _, row in confirmed]

    def compare(self, best: Record, bar: Bar | None) -> Comparison:
        """Trains the best loss beside known ones, on fresh seeds.

        Args:
            best: The best candidate.
            bar: What the search had to beat.
        """
        settings, evaluate = self._settings, self._retrain(Stage.COMPARISON)
        seeds = settings.fresh_seeds(settings.comparison_seeds)
        found = self.found(best)
        if self._rates.are_own:
            return compare_with_references(
                evaluate, found, bar, self._task, tuning_seeds=settings.seeds_of_rates, seeds=seeds
            )
        return compare_with_usual(
            evaluate,
            dataclasses.replace(best.candidate, loss=found.loss),
            self._task,
            bar,
            tuning_seed=settings.seed,
            seeds=seeds,
        )

    def found(self, best: Record) -> FoundLoss:
        """What the best candidate is for users: as it was confirmed, or with all its digits.

        Args:
            best: The best candidate.
        """
        if self._confirmed is None:
            self._confirmed = self._choice.forms(best)[-1]
        return self._confirmed
