"""One run of a search: discovery, coefficients, confirmation, comparison."""

from __future__ import annotations

import collections
import logging
import statistics
import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from glo_tf import genetic
from glo_tf.callbacks import COEFFICIENTS, COMPARISON, CONFIRMATION, DISCOVERY, Callback, Generation
from glo_tf.candidates import CandidateEvaluator, heats
from glo_tf.coefficients import CoefficientSearch
from glo_tf.compare import (
    LEARNING_RATE_FACTORS,
    ComparedLoss,
    Evaluate,
    compare,
    compare_with_cross_entropy,
)
from glo_tf.dispatch import Dispatcher
from glo_tf.expression import Expression
from glo_tf.first_generation import first_generation, loss_of
from glo_tf.fitness import OK, Evaluation, Request
from glo_tf.output_folder import OutputFolder
from glo_tf.parameterization import Parameterization
from glo_tf.results import Record, SearchResult, better
from glo_tf.screening import Screen, trains_alike
from glo_tf.settings import FULL, NONE, SearchSettings
from glo_tf.task import TrainingTask

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
        callbacks: Observers.
    """

    def __init__(
        self,
        task: TrainingTask,
        settings: SearchSettings,
        dispatcher: Dispatcher,
        output: OutputFolder | None = None,
        *,
        callbacks: Sequence[Callback] = (),
    ):
        self._task = task
        self._settings = settings
        self._dispatcher = dispatcher
        self._output = output
        self._callbacks = callbacks
        self._screen = self._make_screen()
        self._candidates = CandidateEvaluator(
            dispatcher,
            seed=settings.seed,
            screen=self._screen,
            stop_at_chance=settings.screening == FULL,
            heats=heats(task.train_steps) if settings.racing else (),
            invariant=self._invariant(),
        )
        self._history: list[Record] = []
        self._counts: collections.Counter[str] = collections.Counter()
        self._written = 0  # records that are in the output
        self._best: Record | None = None

    def execute(self) -> SearchResult:
        """Runs both phases, the confirmation and the comparison; see `glo_tf.LossSearch.run`."""
        started = time.monotonic()
        interrupted = True
        confirmation: list[ComparedLoss] = []
        comparison: list[ComparedLoss] = []
        for callback in self._callbacks:
            callback.on_search_begin(self._planned())
        try:
            if self._settings.search_space.has_discovery:
                self._discover()
            for parameterization in self._parameterizations():
                self._tune_coefficients(parameterization)
            if self._settings.finalists:
                confirmation = self._confirm()
            if self._best is not None and self._settings.comparison_seeds:
                comparison = self._compare(self._best.loss)
            interrupted = False
        except KeyboardInterrupt:
            logger.info("Interrupted")
        finally:  # whatever ended the search, what it found is kept
            result = SearchResult(
                best=self._best,
                confirmation=confirmation,
                comparison=comparison,
                history=self._history,
                counts=dict(self._counts),
                seconds=time.monotonic() - started,
                interrupted=interrupted,
                epsilon=self._task.epsilon,
            )
            try:
                self._write(result)
            finally:
                for callback in self._callbacks:
                    callback.on_search_end(result)
        return result

    def _make_screen(self) -> Screen | None:
        if self._settings.screening == NONE:
            return None
        classes, epsilon = self._task.num_classes, self._task.epsilon
        return Screen(classes, epsilon=epsilon, rejects=self._settings.screening == FULL)

    def _invariant(self) -> Callable[[Expression], bool] | None:
        """That of the search space, where losses are rejected at all."""
        invariant = self._settings.search_space.invariant
        if invariant is None or self._settings.screening != FULL:
            return None
        classes = self._task.num_classes
        return lambda loss: invariant(loss, classes)

    def _discover(self) -> None:
        rng = np.random.default_rng([self._settings.seed, 0])
        population = first_generation(
            self._settings.search_space,
            self._settings.population_size,
            rng,
            screen=self._screen,
            able=max(1, self._settings.elites),
        )
        for number in range(1, self._settings.generations + 1):
            losses = [loss_of(tree) for tree in population]
            records = self._evaluate_generation(
                DISCOVERY, number, self._settings.generations, losses
            )
            if number < self._settings.generations:
                fitnesses = [record.fitness for record in records]
                population = genetic.next_generation(
                    population,
                    fitnesses,
                    self._settings.operators,
                    elites=self._settings.elites,
                    rng=rng,
                )

    def _parameterizations(self) -> list[Parameterization]:
        """What the coefficient phase searches, one after the other."""
        space = self._settings.search_space
        if space.parameterization is not None:
            return [space.parameterization]
        best = self._best_records(self._settings.tuned_expressions)
        return [Parameterization.of_coefficients(record.loss.negated()) for record in best]

    def _tune_coefficients(self, parameterization: Parameterization) -> None:
        search = CoefficientSearch(
            parameterization,
            sigma0=self._settings.coefficient_sigma0,
            population_size=self._settings.coefficient_population_size,
            seed=self._settings.seed,
        )
        for number in range(1, self._settings.coefficient_generations + 1):
            if search.stopped:
                logger.info("CMA-ES has converged in generation %d", number - 1)
                break
            losses = [tree.negated() for tree in search.ask()]
            total = self._settings.coefficient_generations
            records = self._evaluate_generation(COEFFICIENTS, number, total, losses)
            search.tell([r.fitness if r.status == OK else None for r in records])

    def _evaluate_generation(
        self, phase: str, number: int, total: int, losses: Sequence[Expression]
    ) -> list[Record]:
        records = []
        outcomes = self._candidates.evaluate(losses)
        for individual, (loss, outcome) in enumerate(zip(losses, outcomes, strict=True), start=1):
            record = Record(
                phase=phase,
                generation=number,
                individual=individual,
                loss=loss,
                fitness=outcome.evaluation.fitness,
                status=outcome.evaluation.status,
                source=outcome.source,
                steps=outcome.steps,
                inherited_from=outcome.evaluation.inherited_from,
            )
            self._counts[outcome.source] += 1
            if better(record, self._best):
                self._best = record
            records.append(record)
            for callback in self._callbacks:
                callback.on_evaluation(record)
            self._history.append(record)
        self._write_history()
        generation = Generation(
            phase=phase,
            number=number,
            total=total,
            mean_fitness=statistics.fmean(record.fitness for record in records),
            best_so_far=self._best,
            counts=dict(self._counts),
        )
        for callback in self._callbacks:
            callback.on_generation(generation)
        return records

    def _best_records(self, count: int) -> list[Record]:
        """The best losses so far that train differently, smaller trees first among equals."""
        finished = {str(r.loss): r for r in self._history if r.status == OK and r.fitness > 0}
        best: list[Record] = []
        for record in sorted(
            finished.values(), key=lambda r: (-r.fitness, r.loss.size, str(r.loss))
        ):
            if len(best) == count:
                break
            if not any(self._trains_alike(record.loss, chosen.loss) for chosen in best):
                best.append(record)
        return best

    def _trains_alike(self, one: Expression, other: Expression) -> bool:
        classes, epsilon = self._task.num_classes, self._task.epsilon
        return trains_alike(one, other, num_classes=classes, epsilon=epsilon)

    def _confirm(self) -> list[ComparedLoss]:
        """Trains the finalists with other seeds; the best mean makes the best loss."""
        finalists = {
            str(record.loss): record for record in self._best_records(self._settings.finalists)
        }
        first = self._settings.seed + 1
        losses = {name: (record.loss, None) for name, record in finalists.items()}
        seeds = range(first, first + self._settings.finalist_seeds)
        rows = compare(self._retrain(CONFIRMATION), losses, seeds)
        rows.sort(key=lambda row: -row.mean)  # stable: the fitter one in the search wins a tie
        if rows:
            self._best = finalists[rows[0].name]
        for row in rows:
            logger.info("Finalist %s  mean fitness %.4f", row.name, row.mean)
        return rows

    def _compare(self, best: Expression) -> list[ComparedLoss]:
        first = (
            self._settings.seed + 1 + self._settings.finalist_seeds
        )  # the finalists were selected on those before
        return compare_with_cross_entropy(
            self._retrain(COMPARISON),
            best,
            learning_rate=self._task.learning_rate,
            tuning_seed=self._settings.seed,
            seeds=range(first, first + self._settings.comparison_seeds),
        )

    def _retrain(self, stage: str) -> Evaluate:
        """Trains, with callbacks told of each training."""

        def evaluate(requests: Sequence[Request]) -> Iterable[Evaluation]:
            for evaluation in self._dispatcher.evaluate(requests):
                for callback in self._callbacks:
                    callback.on_retraining(stage, evaluation)
                yield evaluation

        return evaluate

    def _planned(self) -> int:
        settings = self._settings
        tuned = settings.coefficient_generations * (settings.coefficient_population_size or 9)
        candidates = settings.tuned_expressions * tuned
        if settings.search_space.has_discovery:
            candidates += settings.population_size * settings.generations
        compared = len(LEARNING_RATE_FACTORS) + 3 * self._settings.comparison_seeds
        return (
            candidates
            + self._settings.finalists * self._settings.finalist_seeds
            + (compared if self._settings.comparison_seeds else 0)
        )

    def _write_history(self) -> None:
        if self._output is not None:
            if not self._written:
                self._output.begin_history()
            self._output.append_history(self._history[self._written :])
            self._written = len(self._history)

    def _write(self, result: SearchResult) -> None:
        if self._output is None:
            return
        self._write_history()
        if result.best is not None:
            self._output.write_best_loss(result)
