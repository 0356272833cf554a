"""The settings of a recommendation, checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from glo_tf.display.verbosity import Verbose, Verbosity
from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.execution.config import FailurePolicy, RunConfig, RunKeywords
from glo_tf.training.config import TaskArguments, TaskKeywords
from glo_tf.utils.checks import check_at_least, check_losses, check_positive, check_types

if TYPE_CHECKING:
    from glo_tf.losses.given import Losses
    from glo_tf.recommendation.loss_recommendation import Advance


FURTHER_SEEDS = 4
"""With which the best setting of a contender is trained again, before it is settled."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecommendationConfig:
    """How long losses are tuned, and how surely the best are told apart.

    Attributes:
        trials: Settings that are tried of each loss, of its learning rate and its own parameters;
            as many for each.
        trial_seeds: Trainings of each setting.
        contenders: How many losses meet in the end, the best and the usual one, each at its best
            setting.
        fresh_seeds: Trainings of each of them, with seeds that nothing was selected on.
        max_minutes: Minutes that it may take, with what the end is expected to take of them; None
            for no limit. Where time is short, fewer losses are tuned in full, the best so far, the
            usual one always. Which they are is kept in `output_dir`, so that a run with the same
            limit goes the same way when it is resumed.

    Raises:
        ValueError: If a value is out of range or of another type.
    """

    trials: int = 16
    trial_seeds: int = 2
    contenders: int = 4
    fresh_seeds: int = 10
    max_minutes: float | None = None

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(
            1, trials=self.trials, trial_seeds=self.trial_seeds, fresh_seeds=self.fresh_seeds
        )
        check_at_least(2, contenders=self.contenders)
        check_positive(max_minutes=self.max_minutes)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RecommendationArguments(RunConfig, FailurePolicy, RecommendationConfig, TaskArguments):
    """What `glo_tf.LossRecommendation` is called with.

    Attributes:
        validation_data: The same; everything is selected by it.
        test_data: The same; what the contenders are told apart by, and looked at for nothing else.
            The validation data take its place if it is None.
        losses: What is tried beside the usual loss: names, expressions or losses as for
            `glo_tf.compare`. A name without parameters, as `"gce"`, stands for all of its values;
            `"gce(q=0.7)"` for one. None for all known losses that fit the model's outputs.
        on_progress: Called after each trial, and after each training of the contenders.
        verbose: What is shown, as in `keras.Model.fit`: 0 for nothing, 1 for a bar with the time
            left in terminals and notebooks, and elsewhere a line each trial, 2 for the lines
            everywhere; in the end a table and what to use. `"auto"` is 1.
    """

    test_data: Any = None
    losses: Losses | None = dataclasses.field(default=None, kw_only=True)
    on_progress: Callable[[Advance], None] | None = dataclasses.field(default=None, kw_only=True)
    verbose: Verbose = dataclasses.field(default="auto", kw_only=True)

    def __post_init__(self) -> None:
        for config in (TaskArguments, RecommendationConfig, FailurePolicy, RunConfig):
            config.__post_init__(self)
        Verbosity.of(self.verbose)
        if self.losses is not None:
            check_losses(self.losses, "losses", "['gce', 'focal'], or None for all that are known")
        if self.on_progress is not None and not callable(self.on_progress):
            raise InvalidArgumentError(
                "Expected on_progress to be a function that takes an Advance of a recommendation. "
                f"Received: on_progress={shown(self.on_progress)}"
            )

    @property
    def seeds_of_trials(self) -> range:
        """Of the trainings that settings are chosen by."""
        return range(self.seed, self.seed + self.trial_seeds)

    @property
    def seeds_of_contenders(self) -> range:
        """Of the trainings that the contenders are compared by: those after."""
        first = self.seeds_of_trials.stop
        return range(first, first + self.fresh_seeds)

    @property
    def seeds_that_settings_hold_with(self) -> range:
        """Of further trainings that the contenders' settings are chosen by: those after."""
        first = self.seeds_of_contenders.stop
        return range(first, first + FURTHER_SEEDS)


class RecommendationKeywords(RunKeywords, TaskKeywords, total=False):
    """Arguments of `glo_tf.LossRecommendation`, some of them, without losses and test data."""

    trials: int
    trial_seeds: int
    contenders: int
    fresh_seeds: int
    max_minutes: float | None
    verbose: Verbose
    on_progress: Callable[[Advance], None] | None
