"""One run of a search: discovery, coefficients, confirmation, comparison."""

from __future__ import annotations

import collections
import contextlib
import functools
import logging
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from glo_tf.comparison.learning_rates import Evaluate
from glo_tf.comparison.with_usual import nothing_compared
from glo_tf.display.callbacks import Callback, CallbackList, Generation, StopSearch
from glo_tf.display.live import LivePage
from glo_tf.errors import at_the_end, raise_first
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.expressions.tree import Expression
from glo_tf.report.attempt import try_to_write_report
from glo_tf.results.bar import Bar
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.record import Ending, Phase, Record, Source, Stage
from glo_tf.results.search_result import Compare, Comparer, OptimizerMaker, SearchResult
from glo_tf.screening.screen import Screening, proportional, trains_alike
from glo_tf.search.ask_tell import AskTell
from glo_tf.search.budget import BudgetSpent, Patience, TimeLimit, check_target
from glo_tf.search.candidate_rates import CandidateRates
from glo_tf.search.config import SearchBudget
from glo_tf.search.ending import SearchEnding
from glo_tf.search.evaluator import CandidateEvaluator, Outcome
from glo_tf.search.output_folder import OutputFolder
from glo_tf.search.phases import coefficient_searches, discovery
from glo_tf.search.plan import plan_of
from glo_tf.search.ranking import Ranking
from glo_tf.search.references import set_bar
from glo_tf.search.settings import SearchSettings
from glo_tf.search.warm_start import WarmStart
from glo_tf.training.search_task import SearchTask
from glo_tf.training.trial import Evaluation, Request, Status
from glo_tf.utils.statistics import mean_of

logger = logging.getLogger("glo_tf")


class SearchRun:
    """Runs a search from its beginning; see `glo_tf.LossSearch`.

    All randomness comes from the seed, and fitness from the dispatcher, so the same search gives
    the same history, however its evaluations come about.

    Args:
        task: What candidates are trained on.
        settings: Of the search.
        dispatcher: Gets candidates trained.
        output: Where results are written; None for nowhere.
        budget: How far it goes; None for all its generations.
        references: Losses to beat, by their names.
        start: Known losses that it begins with, and which of them it cannot.
        callbacks: Observers.
        compare: What the result compares losses with, later; None for nothing.
    """

    def __init__(
        self,
        task: SearchTask,
        settings: SearchSettings,
        dispatcher: Dispatcher,
        output: OutputFolder | None = None,
        *,
        budget: SearchBudget | None = None,
        references: Mapping[str, Expression] | None = None,
        start: WarmStart | None = None,
        callbacks: Sequence[Callback] = (),
        compare: Compare | None = None,
    ):
        self._task = task
        self._settings = settings
        self._dispatcher = dispatcher
        self._output = output
        self._live = None
        if output is not None:
            measured = f"validation {task.objective.name}"
            self._live = LivePage(output.path, dispatcher.trainings, measured)
        self._callbacks = CallbackList([*callbacks, *([self._live] if self._live else [])])
        self._comparer = Comparer(compare)
        self._ranking = Ranking(settings.parsimony_coefficient)
        self._records: list[Record] = []
        self._counts: collections.Counter[Source] = collections.Counter()
        self._written = 0  # records that are in the output
        self._best: Record | None = None
        self._stopped = False
        self._budget = budget or SearchBudget()
        self._time_limit = TimeLimit(self._budget.max_minutes, dispatcher.study, self._end_takes)
        self._ended_by: Ending | None = None
        self._seconds_per_step: list[float] = []
        self._rates = CandidateRates(task, settings)
        self._ending = SearchEnding(task, settings, self._ranking, self._rates, self._retrain)
        self._references = dict(references or {})
        self._summary = "\n".join([task.summary, *([str(start)] if start and start.losses else [])])
        self._bar: Bar | None = None

    def execute(self) -> SearchResult:
        """Runs both phases, the confirmation and the comparison; see `glo_tf.LossSearch.run`."""
        started = time.monotonic()
        logger.info(self._summary)
        interrupted = True
        failure: list[BaseException] = []
        confirmation: list[LossTrainings] = []
        comparison = nothing_compared(self._task)
        try:
            with self._stoppable(), self._watched(self._time_limit.check):
                self._callbacks.on_understood(self._summary)
                folder = None if self._output is None else self._output.path
                plan = plan_of(
                    self._task, self._settings, self._budget, len(self._references), folder
                )
                self._callbacks.on_plan(plan)
                self._callbacks.on_search_begin(plan.most_told)
                self._time_limit.check()
                if self._rates.are_own:
                    self._rates.look(self._retrain(Stage.TUNING))
                    self._time_limit.step_done()
                if self._references:
                    self._bar = self._set_bar()
                    self._time_limit.step_done()
                candidates = CandidateEvaluator.of(
                    self._task,
                    self._settings,
                    self._dispatcher,
                    self._rates.own(self._dispatcher.evaluate, racing=self._settings.racing),
                    self._rates.up_to_scale,
                )
                for phase, generations, search in self._phases(candidates):
                    self._search(candidates, phase, generations, search)
            with self._stoppable(), self._watched():
                if self._settings.finalists:
                    best, confirmation = self._ending.confirm(self._records, self._bar)
                    self._best = best or self._best
                if self._best is not None and self._settings.comparison_seeds:
                    comparison = self._ending.compare(self._best, self._bar)
            interrupted = False
        except KeyboardInterrupt:
            logger.info("Interrupted")
        except BaseException as error:
            failure.append(error)
        result = SearchResult(
            best=self._best,
            found=None if self._best is None else self._ending.found(self._best),
            bar=self._bar,
            optimizer_maker=OptimizerMaker(self._task.optimizer_at),
            confirmation=confirmation,
            comparison=comparison,
            records=self._records,
            counts={str(source): count for source, count in self._counts.items()},
            seconds=time.monotonic() - started,
            interrupted=interrupted,
            stopped=self._stopped,
            ended_by=self._ended_by,
            folder=None if self._output is None else self._output.path,
            outputs=self._task.outputs,
            objective=self._task.objective,
            comparer=self._comparer,
        )
        # Whatever ended the search, what it found is kept.
        with at_the_end(
            functools.partial(self._write, result),
            functools.partial(self._callbacks.on_search_end, result),
        ):
            raise_first(failure)
        return result

    @contextlib.contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Steps that a callback may end."""
        try:
            yield
        except StopSearch:
            logger.info("Stopped by a callback")
            self._stopped = True
        except BudgetSpent as spent:
            self._ended_by = spent.ending
            self._end_early(str(spent))

    def _watched(
        self, before: Callable[[], None] = lambda: None
    ) -> contextlib.AbstractContextManager[None]:
        """All that is trained is told of, and what raises before a training ends the search."""
        return self._dispatcher.watched(before, self._on_training)

    def _on_training(self, evaluation: Evaluation) -> None:
        if evaluation.status == Status.OK and evaluation.steps:
            self._seconds_per_step.append(evaluation.seconds / evaluation.steps)
        self._callbacks.on_training(evaluation)

    def _end_takes(self) -> float:
        """Seconds that confirmation and comparison are expected to take, by the trainings so far.

        Of these the middle one: the first compiles, and others may share the processor.
        """
        if not self._seconds_per_step:
            return 0.0
        a_training = statistics.median(self._seconds_per_step) * self._task.train_steps
        return self._settings.trainings_at_the_end * a_training / self._dispatcher.workers

    def _end_early(self, reason: str) -> None:
        logger.info(reason)
        self._callbacks.on_early_end(reason)

    def _set_bar(self) -> Bar:
        """What is to beat, tuned as candidates are, of which nothing is known by it."""
        told = functools.partial(self._callbacks.on_retraining, Stage.REFERENCES)
        bar = set_bar(
            self._references,
            self._task,
            self._settings,
            CandidateEvaluator(
                self._dispatcher,
                seeds=self._settings.seeds_of_fitness,
                stop_at_chance=self._settings.screening == Screening.FULL,
                own_rates=self._rates.own(self._dispatcher.evaluate, racing=False),
            ),
            self._retrain(Stage.REFERENCES),
            told,
        )
        for line in bar.lines():
            logger.info(line)
        self._callbacks.on_references(bar)
        return bar

    def _phases(self, evaluator: CandidateEvaluator) -> Iterator[tuple[Phase, int, AskTell]]:
        """The phases, one after the other, with the generations that each may take."""
        settings = self._settings
        if settings.search_space.has_discovery:
            search = discovery(settings, self._ranking, evaluator.screen, self._task.outputs)
            yield Phase.DISCOVERY, settings.generations, search
        best = self._best_records(settings.tuned_expressions)
        expected = self._rates.expected
        for tuning in coefficient_searches(settings, best, expected, evaluator.passing):
            yield Phase.COEFFICIENTS, settings.coefficient_generations, tuning

    def _search(
        self, evaluator: CandidateEvaluator, phase: Phase, generations: int, search: AskTell
    ) -> None:
        patience = Patience(self._budget.patience, self._ranking)
        for number in range(1, generations + 1):
            if search.stopped:
                self._end_early(f"The search has converged in generation {number - 1}")
                break
            if patience.lost:
                self._end_early(
                    f"No better candidate in {self._budget.patience} generations (patience): "
                    f"{phase} ends after {number - 1} of {generations}"
                )
                break
            first = len(self._records)
            outcomes = evaluator.evaluate(search.ask())
            search.tell(self._evaluate_generation(phase, number, generations, outcomes))
            patience.see(self._records[first:])

    def _evaluate_generation(
        self, phase: Phase, number: int, total: int, outcomes: Iterable[Outcome]
    ) -> list[Evaluation]:
        evaluations = []
        for individual, outcome in enumerate(outcomes, start=1):
            record = Record(
                phase=phase,
                generation=number,
                individual=individual,
                candidate=outcome.candidate,
                fitness=outcome.evaluation.fitness,
                values=outcome.evaluation.values,
                status=outcome.evaluation.status,
                source=outcome.source,
                steps=outcome.steps,
                inherited_from=outcome.evaluation.inherited_from,
            )
            self._counts[outcome.source] += 1
            if self._ranking.better(record, self._best):
                self._best = record
            evaluations.append(outcome.evaluation)
            self._records.append(record)
            self._callbacks.on_evaluation(record)
            check_target(record, self._budget.target_fitness)
            self._time_limit.step_done()
        self._write_history()
        generation = Generation(
            phase=phase,
            number=number,
            total=total,
            mean_fitness=mean_of(one.fitness for one in evaluations),
            best_so_far=self._best,
            counts=dict(self._counts),
            bar=self._bar,
        )
        self._callbacks.on_generation(generation)
        return evaluations

    def _best_records(self, count: int) -> list[Record]:
        """The best losses so far that train differently, if each has a rate of its own."""
        outputs = self._task.outputs
        if self._rates.expected is not None:
            return self._ranking.best(
                self._records, count, lambda one, other: proportional(one.loss, other.loss, outputs)
            )
        return self._ranking.best(
            self._records, count, lambda one, other: trains_alike(one, other, outputs)
        )

    def _retrain(self, stage: Stage) -> Evaluate:
        """Trains, with callbacks told of each training."""

        def evaluate(requests: Sequence[Request]) -> Iterable[Evaluation]:
            for evaluation in self._dispatcher.evaluate(requests):
                self._callbacks.on_retraining(stage, evaluation)
                yield evaluation

        return evaluate

    def _write_history(self) -> None:
        if self._output is not None:
            self._dispatcher.study.check_place()
            if not self._written:
                self._output.begin_history()
            self._output.append_history(self._records[self._written :])
            self._written = len(self._records)

    def _write(self, result: SearchResult) -> None:
        if self._output is None:
            return
        if self._live is not None:
            self._live.close()
        self._write_history()
        if result.best is not None:
            self._output.write_best_loss(result)
        if self._records or not result.interrupted:  # nothing to tell, and Ctrl-C waits for it
            try_to_write_report(self._output.path)
