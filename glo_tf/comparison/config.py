"""The settings of a comparison, checked."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from glo_tf.display.verbosity import Verbose, Verbosity
from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.execution.config import FailurePolicy, RunConfig, RunKeywords
from glo_tf.training.config import TaskArguments, TaskKeywords
from glo_tf.utils.checks import check_at_least, check_share, check_types

if TYPE_CHECKING:
    from glo_tf.comparison.loss_comparison import Progress
    from glo_tf.losses.given import Losses


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComparisonConfig:
    """What is trained and measured of each loss.

    Attributes:
        seeds: Trainings of each loss. Their seeds follow those of the tuning, so that no result is
            of a seed that something was selected on.
        evaluate_every: Steps between measurements on the test data; None measures at the end only.
        train_fraction: Shares of the training data to train on, each for itself. A share is drawn
            once, with `seed`, for all losses; where the model has one output of classes, each class
            keeps its share.
        tune_learning_rate: Whether each loss is also trained with the learning rate that suits it
            best, on each part of the training data; see
            `glo_tf.comparison.learning_rates.tune_learning_rates`.
        tuning_seeds: Trainings for each learning rate that is tried. A single one may choose a rate
            at the edge of divergence.

    Raises:
        ValueError: If a value is out of range or of another type.
    """

    seeds: int = 5
    evaluate_every: int | None = None
    train_fraction: float | Sequence[float] = 1.0
    tune_learning_rate: bool = False
    tuning_seeds: int = 3

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(
            1, seeds=self.seeds, tuning_seeds=self.tuning_seeds, evaluate_every=self.evaluate_every
        )
        if not self.fractions:
            raise InvalidArgumentError("Expected a train_fraction. Received: train_fraction=()")
        for fraction in self.fractions:
            check_share(train_fraction=fraction)

    @functools.cached_property
    def fractions(self) -> tuple[float, ...]:
        """The shares of the training data, each once, in their order."""
        given = self.train_fraction
        if isinstance(given, Iterable) and not isinstance(given, str):
            shares = (float(one) if isinstance(one, Real) else one for one in given)
            return tuple(dict.fromkeys(shares))
        return (given,)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ComparisonArguments(RunConfig, FailurePolicy, ComparisonConfig, TaskArguments):
    """What `glo_tf.LossComparison` is called with.

    Attributes:
        validation_data: The same; chooses learning rates.
        test_data: The same; measures what is compared. The validation data does if it is None.
        losses: Losses by name, or losses: each an `Expression`, an `ExpressionLoss`, or text: an
            expression, `"categorical_crossentropy"`, the name of a known loss, such as `"gce"` or
            `"focal(gamma=1)"`, or the path of a `best_loss.json`.
        on_training: Called after each training, also after one that is taken from a study.
        verbose: What is shown, as in `keras.Model.fit`: 0 for nothing, 1 for a bar with the time
            left in terminals and notebooks, and elsewhere a line each training, 2 for the lines
            everywhere; in the end a table and the verdict. `"auto"` is 1.
    """

    test_data: Any
    losses: Losses
    on_training: Callable[[Progress], None] | None = dataclasses.field(default=None, kw_only=True)
    verbose: Verbose = dataclasses.field(default="auto", kw_only=True)

    def __post_init__(self) -> None:
        for config in (TaskArguments, ComparisonConfig, FailurePolicy, RunConfig):
            config.__post_init__(self)
        Verbosity.of(self.verbose)
        if self.on_training is not None and not callable(self.on_training):
            raise InvalidArgumentError(
                "Expected on_training to be a function that takes a Progress of a comparison. "
                f"Received: on_training={shown(self.on_training)}"
            )

    @property
    def steps(self) -> tuple[int, ...]:
        """After which networks are measured, the last one among them."""
        every = self.evaluate_every or self.train_steps
        return (*range(every, self.train_steps, every), self.train_steps)

    @property
    def seeds_of_tuning(self) -> range:
        """Of the trainings that choose learning rates."""
        return range(self.seed, self.seed + self.tuning_seeds)

    @property
    def seeds_of_comparison(self) -> range:
        """Of the trainings that are compared: those after what something was selected on."""
        first = self.seeds_of_tuning.stop
        return range(first, first + self.seeds)


class ComparisonKeywords(RunKeywords, TaskKeywords, total=False):
    """Arguments of `glo_tf.LossComparison`, some of them, without losses and test data."""

    seeds: int
    evaluate_every: int | None
    train_fraction: float | Sequence[float]
    tune_learning_rate: bool
    tuning_seeds: int
    on_training: Callable[[Progress], None] | None
    verbose: Verbose
