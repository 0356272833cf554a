"""The search: genetic discovery of a tree, then CMA-ES over its coefficients."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from glo_tf.comparison.config import ComparisonKeywords
from glo_tf.comparison.loss_comparison import LossComparison
from glo_tf.comparison.with_usual import FOUND
from glo_tf.display.callbacks import checked_callbacks
from glo_tf.display.search import ProgressDisplay
from glo_tf.display.verbosity import Verbose, Verbosity
from glo_tf.errors import InvalidArgumentError, UsageError, at_the_end
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.side_by_side import as_trained
from glo_tf.execution.study import Study
from glo_tf.expressions.leaves_seen import check_leaves
from glo_tf.expressions.tree import Expression
from glo_tf.losses.given import Loss, Losses, as_expressions
from glo_tf.losses.lookup import by_name
from glo_tf.results.comparison import Comparison
from glo_tf.results.search_result import SearchResult
from glo_tf.search.config import RateSource, SearchArguments
from glo_tf.search.output_folder import OutputFolder
from glo_tf.search.references import reference_losses
from glo_tf.search.run import SearchRun
from glo_tf.search.settings import SearchSettings
from glo_tf.search.warm_start import warm_start
from glo_tf.strategies.registry import find_strategy
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.config import TaskArguments
from glo_tf.training.fresh_models import check_builder
from glo_tf.training.schedules import at_rate
from glo_tf.training.search_task import SearchTask
from glo_tf.training.several_tasks import SeveralTasks
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, Request
from glo_tf.utils.checks import check_at_least
from glo_tf.utils.keywords import documented, keywords, made_of


@documented(SearchArguments)
class LossSearch:
    """Searches for a loss function for a Keras model, as in arXiv 1905.11528.

    A tree f(x, y) evolves over the true label x and the prediction y; the loss is -f, summed over
    the classes and averaged over the batch. Fitness is the validation accuracy, or another metric,
    of a network trained for `train_steps` steps. CMA-ES then tunes one coefficient per node of the
    best trees. A search space may have one of these two phases only.

    Labels and the model's last activation say what x and y are: class indices or one-hot labels
    beside a softmax, labels of 0 and 1 beside a sigmoid (one unit stands for two classes), or
    numbers (regression; they are standardised for the trainings). Logits are trained with their
    log-softmax, where `from_logits` says that they are logits. The terms of several outputs are
    summed.

    Raises:
        ValueError: If an argument is out of range or does not fit another, or `output_dir` holds
            another search; before any training.

    Example:
        >>> import keras
        >>> from glo_tf import LossSearch, datasets
        >>> digits = datasets.digits()
        >>> def build_model():
        ...     return keras.Sequential([
        ...         keras.Input((8, 8, 1)), keras.layers.Flatten(),
        ...         keras.layers.Dense(10, activation="softmax")])
        >>> search = LossSearch(
        ...     build_model, (digits.x_train, digits.y_train),
        ...     (digits.x_validation, digits.y_validation),
        ...     train_steps=50, population_size=8, elites=2, generations=2,
        ...     coefficient_expressions=0, comparison_seeds=0)
        >>> result = search.run(verbose=0)
        >>> model = build_model()
        >>> model.compile(optimizer="sgd", loss=result.best_loss)
    """

    @made_of(SearchArguments)
    def __init__(self, arguments: SearchArguments):
        for one in _trained_on(arguments):
            check_builder(one.model)
        self.callbacks = checked_callbacks(arguments.callbacks)
        self.settings = SearchSettings.of(arguments)
        self.strategy = find_strategy(arguments.strategy)
        if arguments.tasks:
            self.task: SearchTask = SeveralTasks.of(arguments.tasks)
        else:
            arguments = _at_given_rate(arguments.loaded())
            self.task = TrainingTask.of(arguments).for_trainings(self.settings.trainings_at_once)
        if self.settings.search_space.const_range is not None:
            self.task = self.task.interpreting()
        self._arguments = arguments
        check_leaves(self.settings.search_space.leaves, self.task.outputs, "search_space")
        for loss in self.settings.initial_expressions:
            check_leaves(loss.surroundings, self.task.outputs, "initial_expressions")
        self._start = warm_start(
            arguments.initial_losses, self.settings.search_space, self.task.outputs
        )
        self.settings = dataclasses.replace(self.settings, initial_losses=self._start.losses)
        self._references = reference_losses(
            self.settings.reference_losses,
            self.task.outputs,
            self.settings.search_space,
            own=self.settings.learning_rate == RateSource.OWN,
        )
        # Last, so that a refused argument leaves no folder behind.
        self._output = (
            None
            if arguments.output_dir is None
            else OutputFolder(
                arguments.output_dir,
                self.task.description,
                self.settings.description(),
                outputs=self.task.outputs.with_own_loss(
                    frequencies=self.settings.search_space.needs("frequencies")
                ),
                own_rates=self.settings.learning_rate == RateSource.OWN,
                overwrite=arguments.overwrite,
            )
        )
        self.trained_before = 0 if self._output is None else self._output.trained_before
        self.suspects = [] if self._output is None else self._output.suspects
        found_before = None if self._output is None else self._output.lanes
        self.task = as_trained(self.task, self.strategy, arguments, found_before)
        self._in_memory = Study.in_memory(self.task.description)
        self._dispatcher: Dispatcher | None = None
        self._searching = False

    def evaluate(
        self,
        expressions: Sequence[Loss],
        *,
        seed: int | None = None,
        learning_rate: float | None = None,
    ) -> list[Evaluation]:
        """Trains a network with each of the given losses, side by side where the strategy can.

        What was trained before, by this method or by the search, is not trained again.

        Args:
            expressions: Whole losses per class: text such as `"-(x*log(y))"`, `Expression` or
                `ExpressionLoss`.
            seed: Of the trainings; the search's own if None.
            learning_rate: Positive; the optimizer's own if None. Of a schedule it is the peak: all
                of it is multiplied.

        Returns:
            One evaluation of one training per loss, in order; with status `"untrained"` and fitness
            0 if x or y is missing.

        Raises:
            ValueError: If an argument does not fit, or an `ExpressionLoss` has options that a
                training does not heed; before any training.
            TrainingError: If the model or the data raise, or too many trainings in a row fail.
        """
        losses = as_expressions(
            expressions,
            "expressions",
            options=self.task.outputs.loss_options,
            outputs=self.task.outputs,
        )
        hyperparameters = Hyperparameters(learning_rate)
        seed = self.settings.seed if seed is None else seed
        check_at_least(0, seed=seed)
        requests = [Request(Candidate(loss, hyperparameters), seed) for loss in losses]
        return list(self._open().evaluate(requests))

    def compare(
        self, losses: Losses, test_data: Any = None, **settings: Unpack[ComparisonKeywords]
    ) -> Comparison:
        """Trains losses beside each other, with seeds that the search selects nothing on.

        It frees the workers of the search, as `close` does.

        Args:
            losses: As for `glo_tf.LossComparison`.
            test_data: Samples and targets to measure on; the validation data if None.
            **settings: All others of `glo_tf.LossComparison`, such as `tune_learning_rate` or
                `train_fraction`. What is not given is as in the search, the output folder too.

        Raises:
            ValueError: As `glo_tf.LossComparison`, and while the search runs.
            TrainingError: As `glo_tf.LossComparison.run`.
        """
        if self._searching:
            raise InvalidArgumentError(
                "Expected a search that has ended; its on_search_end may use result.compare. "
                "Received: compare while it runs"
            )
        return self._compare(losses, test_data, settings)

    def run(self, verbose: Verbose = "auto") -> SearchResult:
        """Runs both phases, the confirmation and the comparison.

        Args:
            verbose: What is shown, as in `keras.Model.fit`: 0 for nothing, 1 for a line each
                generation and, in terminals and notebooks, a bar with the time left, 2 for the
                lines alone; `"auto"` is 1.

        Ctrl-C ends the search at once; what was found until then is written and returned, with
        `interrupted` set. It is written also before an error goes on to the caller. A callback that
        raises `StopSearch` ends the phases in order, and sets `stopped`. In either case, the same
        search goes on from there when it is run again. A budget that is spent ends the phases in
        order, too, and is `ended_by`.

        Raises:
            ValueError: While it runs, or for another `verbose`.
            TrainingError: If the model or the data raise, or too many trainings in a row fail.
            StudyError: If results cannot be written, or another process has the output folder.
        """
        if self._searching:
            raise InvalidArgumentError(
                "Expected a search that does not run. Received: run while it runs"
            )
        verbosity = Verbosity.of(verbose)
        display = [ProgressDisplay(verbosity=verbosity)] if verbosity else []
        self._searching = True
        with at_the_end(self._end_run):
            run = SearchRun(
                self.task,
                self.settings,
                self._open(),
                self._output,
                budget=self._arguments,
                references=self._references,
                start=self._start,
                callbacks=[*display, *self.callbacks],
                compare=self._compare_found,
            )
            result = run.execute()
        return result

    def __repr__(self) -> str:
        phases = " and ".join(self.settings.search_space.phases)
        return f"LossSearch({phases} in '{self.settings.search_space.name}', {self.task.summary})"

    def close(self) -> None:
        """Frees workers and output folder, as `run` does; `evaluate` takes them again."""
        if self._dispatcher is not None:
            dispatcher, self._dispatcher = self._dispatcher, None
            dispatcher.close()

    def _end_run(self) -> None:
        self._searching = False
        self.close()

    def _compare_found(
        self, best: Expression, losses: Losses, test_data: Any, settings: ComparisonKeywords
    ) -> Comparison:
        given = by_name(losses, self.task.outputs)
        same = [name for name, loss in given.items() if loss == best]
        others = {name: loss for name, loss in given.items() if name not in same}
        found = f"{FOUND} ({', '.join(same)})" if same else FOUND
        return self._compare({found: best, **others}, test_data, settings)

    def _compare(self, losses: Losses, test_data: Any, settings: ComparisonKeywords) -> Comparison:
        if self._arguments.tasks:
            raise UsageError(
                "Expected a search of one task. Received: compare after a search of several; "
                "compare on each of them with glo_tf.LossComparison"
            )
        self.close()  # workers are for one task at a time
        arguments: ComparisonKeywords = {
            **keywords(ComparisonKeywords, self._arguments),
            "seed": self.settings.fresh_seeds(1)[0],
            "strategy": self.strategy,
            "overwrite": False,
            **settings,
        }
        return LossComparison(losses=losses, test_data=test_data, **arguments).run()

    def _open(self) -> Dispatcher:
        if self._dispatcher is None:
            study = self._in_memory if self._output is None else self._output.open_study()
            self._dispatcher = Dispatcher(self.task, self.strategy, study, self._arguments)
        return self._dispatcher


def _trained_on(arguments: SearchArguments) -> list[TaskArguments]:
    tasks = arguments.tasks
    each = list(tasks.values() if isinstance(tasks, Mapping) else tasks)
    return each or [arguments]


def _at_given_rate(arguments: SearchArguments) -> SearchArguments:
    """The same with the learning rate, where that is a number, as the optimizer's."""
    rate = arguments.learning_rate
    if isinstance(rate, str):
        return arguments
    optimizer = at_rate(arguments.optimizer, rate, arguments.train_steps)
    return dataclasses.replace(arguments, optimizer=optimizer)
