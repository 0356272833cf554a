"""Recommendations: the known losses, each at its best, and which of them to use."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from glo_tf.comparison.folder import ComparisonFolder
from glo_tf.comparison.trainings import Conditions, Entrant, train
from glo_tf.data.split import Split
from glo_tf.display.recommendation import RecommendationDisplay
from glo_tf.display.verbosity import Verbose, Verbosity
from glo_tf.errors import at_the_end
from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.side_by_side import as_trained
from glo_tf.execution.study import Study
from glo_tf.losses.files import as_document as as_loss_file
from glo_tf.losses.for_outputs import by_output, loss_for
from glo_tf.metrics.calibration import ECE, NLL
from glo_tf.recommendation.advice import advise
from glo_tf.recommendation.config import (
    FURTHER_SEEDS,
    RecommendationArguments,
    RecommendationConfig,
)
from glo_tf.recommendation.contenders import contenders, with_settings_that_hold
from glo_tf.recommendation.families import families_of
from glo_tf.recommendation.time_limit import TuningTimeLimit
from glo_tf.recommendation.tuning import TuningProgress, tune_losses
from glo_tf.results.comparison import Comparison
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.recommendation import Recommendation
from glo_tf.results.recommendation_file import as_document
from glo_tf.results.record import Stage
from glo_tf.results.run_files import (
    OUTPUT,
    RECOMMENDATION,
    RECOMMENDATION_FLAGS,
    RECOMMENDATION_LOG,
    RECOMMENDED_LOSS,
    best_loss_name,
)
from glo_tf.results.search_result import OptimizerMaker
from glo_tf.results.tuned_loss import TunedLoss
from glo_tf.strategies.registry import find_strategy
from glo_tf.training.fresh_models import check_builder
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, Request, Status
from glo_tf.utils.keywords import documented, made_of, narrowed, takes

logger = logging.getLogger("glo_tf")


@dataclasses.dataclass(frozen=True)
class Advance:
    """How far a recommendation is.

    Attributes:
        stage: Tuning, whose steps are trials of several trainings, or the comparison of the
            contenders.
        done: Trials, or trainings, of the stage that have ended.
        planned: How many there will be, at most.
        name: Of the loss that was trained last, with its parameters.
        learning_rate: It was trained with.
        fitness: What that gave.
        status: What became of it.
    """

    stage: Stage
    done: int
    planned: int
    name: str
    learning_rate: float
    fitness: float
    status: Status


@documented(RecommendationArguments)
class LossRecommendation:
    """Tunes all known losses alike, and says which one to use.

    Each loss has the same number of trials over its learning rate and its own parameters, on the
    validation data. The best few and the usual loss, each at its best setting, are then trained
    with seeds that nothing was selected on, the same for all, and told apart by paired tests on the
    test data. These are looked at then, and never before.

    Attributes:
        summary: What was understood, such as "3 classes, softmax; fitness: accuracy".
        trained_before: Trainings in the study of an earlier run.

    Raises:
        ValueError: If an argument is out of range or does not fit another, or `output_dir` holds
            trainings of another model, data or setting; before any training.
    """

    @made_of(RecommendationArguments)
    def __init__(self, arguments: RecommendationArguments):
        check_builder(arguments.model)
        self.strategy = find_strategy(arguments.strategy)
        given = arguments.loaded()
        self._policy = narrowed(FailurePolicy, given)  # without the data
        self._config = narrowed(RecommendationConfig, given)
        self.task = TrainingTask.of(given, test_data=given.test_data)
        self._families = families_of(given.losses, self.task.outputs)
        self._seeds_of_trials = given.seeds_of_trials
        self.task = self.task.for_trainings(len(self._families) * len(self._seeds_of_trials))
        self._seeds_of_contenders = given.seeds_of_contenders
        self._further_seeds = given.seeds_that_settings_hold_with
        self._told = [] if given.on_progress is None else [given.on_progress]
        self._verbosity = Verbosity.of(given.verbose)
        # Last, so that a refused argument leaves no folder behind.
        any_loss = loss_for(self.task.outputs, self._families[0].start)
        losses = [best_loss_name(name, RECOMMENDED_LOSS) for name, _ in by_output(any_loss)]
        self._folder = (
            None
            if given.output_dir is None
            else ComparisonFolder(
                given.output_dir,
                {1.0: self.task},
                results=(RECOMMENDATION, *losses),
                beside=(RECOMMENDATION_LOG, RECOMMENDATION_FLAGS),
                overwrite=given.overwrite,
            )
        )
        self.trained_before = 0 if self._folder is None else self._folder.trained_before
        self.suspects = [] if self._folder is None else self._folder.suspects
        found_before = None if self._folder is None else self._folder.lanes
        self.task = as_trained(self.task, self.strategy, self._policy, found_before)
        self.summary = self.task.summary
        self._in_memory = Study.in_memory(self.task.description)

    def __repr__(self) -> str:
        return f"LossRecommendation({len(self._families)} losses; {self.summary})"

    @property
    def understood(self) -> str:
        """What is said before it starts: the summary, and how many losses are tuned."""
        return f"{self.summary}; {len(self._families)} losses"

    @property
    def losses(self) -> list[str]:
        """Names of all losses that are tuned, the usual one first."""
        return [family.name for family in self._families]

    def run(self, verbose: Verbose | None = None) -> Recommendation:
        """Tunes the losses, compares the best, and says which one to use.

        Args:
            verbose: As the argument of the recommendation, which it takes the place of.

        Ctrl-C ends it at once; the same recommendation goes on from there when it is run again.

        Raises:
            TrainingError: If the model or the data raise, or too many trainings in a row fail.
            StudyError: If results cannot be written, or another process has the output folder.
        """
        verbosity = self._verbosity if verbose is None else Verbosity.of(verbose)
        if not verbosity:
            return self._run()
        display = RecommendationDisplay(verbosity=verbosity)
        display.on_understood(self.understood)
        self._told.append(display.on_progress)
        try:
            with display:
                result = self._run()
        finally:
            self._told.remove(display.on_progress)
        display.show(result)
        return result

    def _run(self) -> Recommendation:
        logger.info(self.summary)
        study = self._in_memory if self._folder is None else self._folder.open_study(1.0)
        dispatcher = Dispatcher(self.task, self.strategy, study, self._policy)
        with at_the_end(dispatcher.close):
            tuned = self._tune(dispatcher)
            rows = self._compare(dispatcher, tuned)
        result = self._concluded(tuned, rows)
        logger.info(result.sentence)
        if self._folder is not None:
            self._folder.write(_files(result))
        return result

    def _tune(self, dispatcher: Dispatcher) -> list[TunedLoss]:
        config = self._config
        tuned = tune_losses(
            dispatcher.evaluate,
            self._families,
            self.task,
            trials=config.trials,
            seeds=self._seeds_of_trials,
            limit=None
            if config.max_minutes is None
            else TuningTimeLimit(
                config.max_minutes,
                dispatcher.study,
                trainings_after=config.contenders * (config.fresh_seeds + FURTHER_SEEDS),
                seeds=config.trial_seeds,
            ),
            told=self._tell_of_trial,
        )
        return with_settings_that_hold(
            dispatcher.evaluate,
            tuned,
            config.contenders,
            seeds=self._further_seeds,
            trained=config.trial_seeds,
        )

    def _compare(self, dispatcher: Dispatcher, tuned: Sequence[TunedLoss]) -> list[LossTrainings]:
        """The contenders with fresh seeds, the best first."""
        entrants = [
            Entrant.of_tuned(loss.best.name, loss.best.loss, loss.best.learning_rate)
            for loss in contenders(tuned, self._config.contenders)
        ]
        task, objective = self.task, self.task.objective
        calibration = (NLL, ECE) if task.outputs.num_classes else ()
        measured = {self._split: (*objective.value_names, *calibration)}
        conditions = Conditions(
            seeds=self._seeds_of_contenders,
            objective=objective,
            learning_rate=task.learning_rate,
            split=self._split,
            checkpoints=(task.train_steps,),
            measured={Split.VALIDATION: (objective.name,), **measured},
        )
        rows = train(self._counted(dispatcher, entrants), entrants, conditions)
        return sorted(rows, key=lambda row: -row.mean_fitness)

    @property
    def _split(self) -> Split:
        return Split.VALIDATION if self.task.test_data is None else Split.TEST

    def _concluded(
        self, tuned: Sequence[TunedLoss], rows: Sequence[LossTrainings]
    ) -> Recommendation:
        objective, usual = self.task.objective, tuned[0].best.name
        name, tests, sentence = advise(rows, usual, objective.mode)
        comparison = Comparison(
            metric=objective.name,
            mode=objective.mode,
            steps=(self.task.train_steps,),
            baseline=usual,
            baseline_tuned=True,
            losses=tuple(rows),
            tests=tuple(tests),
            verdict=sentence,
            split=self._split,
        )
        return Recommendation(
            recommended=name,
            sentence=sentence,
            tuned=tuple(sorted(tuned, key=lambda loss: loss.best.order)),
            comparison=comparison,
            outputs=self.task.outputs,
            optimizer_maker=OptimizerMaker(self.task.optimizer_at),
        )

    def _tell_of_trial(self, progress: TuningProgress) -> None:
        trial = progress.trial
        self._tell(
            Advance(
                Stage.TUNING,
                progress.done,
                progress.planned,
                trial.name,
                trial.learning_rate,
                trial.fitness,
                trial.status,
            )
        )

    def _counted(
        self, dispatcher: Dispatcher, entrants: Sequence[Entrant]
    ) -> Callable[[Sequence[Request]], Iterable[Evaluation]]:
        names = {entrant.candidate.loss: entrant for entrant in entrants}

        def evaluate(requests: Sequence[Request]) -> Iterator[Evaluation]:
            for done, evaluation in enumerate(dispatcher.evaluate(requests), start=1):
                entrant = names[evaluation.loss]
                rate = entrant.candidate.hyperparameters.learning_rate or self.task.learning_rate
                self._tell(
                    Advance(
                        Stage.COMPARISON,
                        done,
                        len(requests),
                        entrant.name,
                        rate,
                        evaluation.fitness,
                        evaluation.status,
                    )
                )
                yield evaluation

        return evaluate

    def _tell(self, advance: Advance) -> None:
        for told in self._told:
            told(advance)


@documented(RecommendationArguments)
@takes(LossRecommendation)
def recommend(recommendation: LossRecommendation) -> Recommendation:
    """Which known loss to use for a model and its data, and at which learning rate.

    Raises:
        ValueError: As `glo_tf.LossRecommendation`.
        TrainingError: As `glo_tf.LossRecommendation.run`.

    Example:
        >>> import keras
        >>> import glo_tf
        >>> from glo_tf import datasets
        >>> digits = datasets.digits()
        >>> def build_model():
        ...     return keras.Sequential([
        ...         keras.Input((8, 8, 1)), keras.layers.Flatten(),
        ...         keras.layers.Dense(10, activation="softmax")])
        >>> result = glo_tf.recommend(
        ...     build_model, (digits.x_train, digits.y_train),
        ...     (digits.x_validation, digits.y_validation), (digits.x_test, digits.y_test),
        ...     losses=["mae"], trials=4, trial_seeds=1, fresh_seeds=3, train_steps=20, verbose=0)
        >>> model = build_model()
        >>> model.compile(optimizer=result.best_optimizer(), loss=result.best_loss)
    """
    return recommendation.run()


def _files(result: Recommendation) -> dict[str, bytes]:
    """What is written of it, by the names of the files."""
    files = {RECOMMENDATION: as_document(result.as_dict())}
    if result.recommended is not None:
        metadata = {
            "learning_rate": result.best_learning_rate,
            "name": result.recommended,
            "sentence": result.sentence,
        }
        for output, loss in by_output(result.best_loss):
            of_output = {**metadata, **({OUTPUT: output} if output else {})}
            files[best_loss_name(output, RECOMMENDED_LOSS)] = as_loss_file(loss, of_output)
    return files
