"""Where candidates have learning rates of their own, and what finds these."""

from __future__ import annotations

import logging

from glo_tf.comparison.expected_rates import ExpectedRates
from glo_tf.comparison.learning_rates import Evaluate
from glo_tf.screening.screen import Screening
from glo_tf.search.config import RateSource
from glo_tf.search.own_rates import OwnRates
from glo_tf.search.reference_rate import tune_reference
from glo_tf.search.settings import SearchSettings
from glo_tf.training.search_task import SearchTask
from glo_tf.training.step_length import StepLength, measure_step_length

logger = logging.getLogger("glo_tf")


class CandidateRates:
    """The learning rates of a search's candidates.

    Args:
        task: What candidates are trained on.
        settings: Of the search.

    Attributes:
        expected: Where the rates of candidates are looked for; None where all have the same, and
            before `look`.
        steps: How the optimizer's steps grow; likewise.
        up_to_scale: The power of a factor that a rate makes up for; None where losses that differ
            by a factor train differently.
    """

    def __init__(self, task: SearchTask, settings: SearchSettings):
        self._task, self._settings = task, settings
        self.expected: ExpectedRates | None = None
        self.steps: StepLength | None = None
        self.up_to_scale: float | None = None

    @property
    def are_own(self) -> bool:
        """Whether the settings ask for them."""
        return self._settings.learning_rate == RateSource.OWN

    def look(self, retrain: Evaluate) -> None:
        """Finds where they are.

        Args:
            retrain: Trains networks with the usual loss.
        """
        task = self._task
        reference = tune_reference(retrain, task, [self._settings.seed]).learning_rate
        logger.info("Learning rate of the usual loss: %g", reference)
        self.steps = steps = measure_step_length(task.optimizer)
        self.expected = ExpectedRates(reference, steps.exponent, task.outputs)
        self.up_to_scale = steps.exponent if steps.exact and not task.has_penalties else None

    def own(self, evaluate: Evaluate, *, racing: bool) -> OwnRates | None:
        """What finds the learning rate of each candidate; None where all have the same.

        Args:
            evaluate: Trains networks.
            racing: Whether candidates race.
        """
        settings = self._settings
        if self.expected is None:
            return None
        return OwnRates(
            evaluate,
            self.expected,
            grid=settings.learning_rate_grid,
            train_steps=self._task.train_steps,
            seed=settings.seed,
            stop_at_chance=settings.screening == Screening.FULL,
            racing=racing,
        )
