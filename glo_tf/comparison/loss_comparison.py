"""Comparisons of losses: n trainings each, on paired seeds, measured on test data."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

from glo_tf.comparison.config import ComparisonArguments
from glo_tf.comparison.folder import ComparisonFolder
from glo_tf.comparison.learning_rates import LEARNING_RATE_FACTORS, TunedRate, tune_learning_rates
from glo_tf.comparison.trainings import Conditions, Entrant, train
from glo_tf.comparison.verdict import conclude
from glo_tf.data.split import Split
from glo_tf.data.subset import take_fraction
from glo_tf.display.comparison import ComparisonDisplay
from glo_tf.display.verbosity import Verbose, Verbosity
from glo_tf.errors import at_the_end
from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.side_by_side import as_trained
from glo_tf.execution.study import Study
from glo_tf.expressions.tree import Expression
from glo_tf.losses.lookup import with_baseline
from glo_tf.metrics.calibration import ECE, NLL
from glo_tf.results.comparison import Comparison
from glo_tf.results.comparison_file import as_document
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.record import Stage
from glo_tf.results.run_files import COMPARISON
from glo_tf.strategies.registry import find_strategy
from glo_tf.training.candidate import Candidate
from glo_tf.training.fresh_models import check_builder
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, Request
from glo_tf.utils.keywords import documented, made_of, narrowed, takes

logger = logging.getLogger("glo_tf")


@dataclasses.dataclass(frozen=True)
class Progress:
    """A training that has ended.

    Attributes:
        stage: Of the comparison: tuning, or the comparison itself.
        done: Trainings of the stage that have ended.
        planned: Trainings of the stage that are known to be needed.
        request: What was asked for.
        evaluation: What it gave.
        name: Of the loss, as it was given.
    """

    stage: Stage
    done: int
    planned: int
    request: Request
    evaluation: Evaluation
    name: str


@documented(ComparisonArguments)
class LossComparison:
    """Trains networks with several losses, and says whether one leads.

    With each seed, all losses have the same initial weights and the same batches. The usual loss of
    the model, such as cross-entropy, is the baseline; it is added where it is not among the losses.
    Learning rates are tuned on the validation data; the trainings that are compared are measured
    on the test data, and by their metric also on the validation data.

    Attributes:
        summary: What was understood, such as "3 classes, softmax; fitness: accuracy".
        trained_before: Trainings in the studies of an earlier run.

    Raises:
        ValueError: If an argument is out of range or does not fit another, or `output_dir` holds
            trainings of another model, data or setting; before any training.
    """

    @made_of(ComparisonArguments)
    def __init__(self, arguments: ComparisonArguments):
        check_builder(arguments.model)
        self.strategy = find_strategy(arguments.strategy)
        given = arguments.loaded()
        self._policy = narrowed(FailurePolicy, given)  # without the data
        whole = TrainingTask.of(given, test_data=given.test_data)
        self._objective = whole.objective
        self._losses, self._baseline = with_baseline(given.losses, whole.outputs)
        self._learning_rate = whole.learning_rate
        self._tune = given.tune_learning_rate
        self._fractions = given.fractions
        self._tuning_seeds, self._seeds = given.seeds_of_tuning, given.seeds_of_comparison
        of_rates = len(self._tuning_seeds) * len(LEARNING_RATE_FACTORS) * self._tune
        at_once = len(self._losses) * max(len(self._seeds), of_rates)
        whole = whole.for_trainings(at_once)
        kinds = whole.outputs.restore([output.activation for output in whole.outputs.each])
        self._tasks: dict[float, TrainingTask] = {}
        for fraction in self._fractions:
            part = take_fraction(
                given.train_data,
                fraction,
                labels=whole.train_data[1],
                outputs=whole.outputs,
                batch_size=given.batch_size,
                seed=given.seed,
            )
            of_part = dataclasses.replace(given, train_data=part, outputs=kinds)
            self._tasks[fraction] = (
                whole
                if part is given.train_data
                else TrainingTask.of(of_part, test_data=given.test_data).in_lanes(whole.lanes)
            )
        self._steps = given.steps
        self._told = [] if given.on_training is None else [given.on_training]
        self._verbosity = Verbosity.of(given.verbose)
        self._split = Split.VALIDATION if given.test_data is None else Split.TEST
        metric = whole.objective.name
        calibration = (NLL, ECE) if whole.outputs.num_classes else ()
        names = (*whole.objective.value_names, *calibration)
        self._measured = {self._split: names}
        if given.test_data is not None:
            self._measured[Split.VALIDATION] = (metric,)
        # Last, so that a refused argument leaves no folder behind.
        self._folder = (
            None
            if given.output_dir is None
            else ComparisonFolder(given.output_dir, self._tasks, overwrite=given.overwrite)
        )
        self.trained_before = 0 if self._folder is None else self._folder.trained_before
        self.suspects = [] if self._folder is None else self._folder.suspects
        found_before = None if self._folder is None else self._folder.lanes
        where = self.strategy, self._policy, found_before
        self._tasks = {part: as_trained(task, *where) for part, task in self._tasks.items()}
        self.summary = as_trained(whole, *where).summary
        self._in_memory = {
            fraction: Study.in_memory(task.description) for fraction, task in self._tasks.items()
        }

    @property
    def understood(self) -> str:
        """What is said before it starts: the summary."""
        return self.summary

    def run(self, verbose: Verbose | None = None) -> Comparison:
        """Tunes learning rates, trains, measures, tests.

        Args:
            verbose: As the argument of the comparison, which it takes the place of.

        Ctrl-C ends it at once; the same comparison goes on from there when it is run again.

        Raises:
            TrainingError: If the model or the data raise, or too many trainings in a row fail.
            StudyError: If results cannot be written, or another process has the output folder.
        """
        verbosity = self._verbosity if verbose is None else Verbosity.of(verbose)
        if not verbosity:
            return self._run()
        display = ComparisonDisplay(verbosity=verbosity)
        display.on_understood(self.understood)
        self._told.append(display.on_training)
        try:
            with display:
                comparison = self._run()
        finally:
            self._told.remove(display.on_training)
        display.show(comparison)
        return comparison

    def __repr__(self) -> str:
        return f"LossComparison({', '.join(self._losses)}; {self.summary})"

    def _run(self) -> Comparison:
        logger.info(self.summary)
        tuned = self._tuned() if self._tune else {}
        others = sum(rate.learning_rate != self._learning_rate for rate in tuned.values())
        planned = (len(self._losses) * len(self._fractions) + others) * len(self._seeds)
        counted = self._counted(Stage.COMPARISON, planned)
        entries = [
            entry for fraction in self._fractions for entry in self._train(fraction, tuned, counted)
        ]
        comparison = conclude(
            entries,
            metric=self._objective.name,
            mode=self._objective.mode,
            split=self._split,
            steps=self._steps,
            baseline=self._baseline,
            at_edge=list(dict.fromkeys(name for (name, _), r in tuned.items() if r.at_edge)),
            rate_curves=[rate.curve(*of) for of, rate in tuned.items()],
        )
        if self._folder is not None:
            self._folder.write({COMPARISON: as_document(comparison.as_dict())})
        return comparison

    def _counted(self, stage: Stage, planned: int) -> _Counted:
        return _Counted(stage, planned, self._tell, self._losses)

    def _tell(self, progress: Progress) -> None:
        for told in self._told:
            told(progress)

    def _tuned(self) -> dict[tuple[str, float], TunedRate]:
        """The learning rate of each loss, on each part of the training data."""
        tuned: dict[tuple[str, float], TunedRate] = {}
        first = len(self._losses) * len(LEARNING_RATE_FACTORS) * len(self._tuning_seeds)
        counted = self._counted(Stage.TUNING, first * len(self._fractions))
        for fraction in self._fractions:
            with self._dispatcher(fraction) as dispatcher:
                found = tune_learning_rates(
                    functools.partial(counted.evaluate, dispatcher),
                    list(self._losses.values()),
                    self._learning_rate,
                    self._tuning_seeds,
                )
            tuned |= {(n, fraction): r for n, r in zip(self._losses, found, strict=True)}
        return tuned

    def _train(
        self, fraction: float, tuned: Mapping[tuple[str, float], TunedRate], counted: _Counted
    ) -> list[LossTrainings]:
        """The trainings that are compared, on one part of the training data."""
        entrants: list[Entrant] = []
        for name, loss in self._losses.items():
            entrants.append(Entrant(name, Candidate(loss)))
            if self._tune:
                rate = tuned[name, fraction].learning_rate
                entrants.append(Entrant.of_tuned(name, loss, rate))
        conditions = Conditions(
            seeds=self._seeds,
            objective=self._objective,
            learning_rate=self._learning_rate,
            split=self._split,
            checkpoints=self._steps,
            measured=self._measured,
            train_fraction=fraction,
        )
        with self._dispatcher(fraction) as dispatcher:
            return train(functools.partial(counted.evaluate, dispatcher), entrants, conditions)

    @contextlib.contextmanager
    def _dispatcher(self, fraction: float) -> Iterator[Dispatcher]:
        study = (
            self._in_memory[fraction] if self._folder is None else self._folder.open_study(fraction)
        )
        dispatcher = Dispatcher(self._tasks[fraction], self.strategy, study, self._policy)
        with at_the_end(dispatcher.close):
            yield dispatcher


@documented(ComparisonArguments)
@takes(LossComparison)
def compare(comparison: LossComparison) -> Comparison:
    """Trains networks with several losses, and says whether one leads.

    Raises:
        ValueError: As `glo_tf.LossComparison`.
        TrainingError: As `glo_tf.LossComparison.run`.

    Example:
        >>> import keras
        >>> import glo_tf
        >>> from glo_tf import datasets
        >>> digits = datasets.digits()
        >>> def build_model():
        ...     return keras.Sequential([
        ...         keras.Input((8, 8, 1)), keras.layers.Flatten(),
        ...         keras.layers.Dense(10, activation="softmax")])
        >>> comparison = glo_tf.compare(
        ...     build_model, (digits.x_train, digits.y_train),
        ...     (digits.x_validation, digits.y_validation), (digits.x_test, digits.y_test),
        ...     ["categorical_crossentropy", "baikal"], seeds=3, train_steps=20, verbose=0)
        >>> [entry.name for entry in comparison.losses]
        ['cross-entropy', 'baikal']
    """
    return comparison.run()


class _Counted:
    """Evaluates, and tells how far a stage is."""

    def __init__(
        self,
        stage: Stage,
        planned: int,
        tell: Callable[[Progress], None],
        losses: Mapping[str, Expression],
    ):
        self._stage, self._planned, self._done = stage, planned, 0
        self._tell = tell
        self._names = {loss: name for name, loss in reversed([*losses.items()])}

    def evaluate(self, dispatcher: Dispatcher, requests: Sequence[Request]) -> Iterator[Evaluation]:
        self._planned = max(self._planned, self._done + len(requests))
        evaluations = dispatcher.evaluate(requests)
        for request, evaluation in zip(requests, evaluations, strict=True):
            self._done += 1
            name = self._names[request.loss]
            self._tell(Progress(self._stage, self._done, self._planned, request, evaluation, name))
            yield evaluation
