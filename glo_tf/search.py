"""The search: genetic discovery of a tree, then CMA-ES over its coefficients."""

from __future__ import annotations

import collections
import logging
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glo_tf import genetic, plugins
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
from glo_tf.expression import Expression
from glo_tf.first_generation import first_generation, loss_of
from glo_tf.fitness import OK, Evaluation, FitnessCache
from glo_tf.operators import GloOperators
from glo_tf.results import OutputFolder, Record, SearchResult, better
from glo_tf.screening import Screen, trains_alike
from glo_tf.search_spaces import SearchSpace
from glo_tf.training import CandidateTrainer

if TYPE_CHECKING:
    import keras

FULL, EQUIVALENCE, NONE = SCREENING = ("full", "equivalence", "none")
"""How much is left untrained; see `LossSearch`."""

logger = logging.getLogger("glo_tf")


class LossSearch:
    """Searches for a loss function for a Keras model, as in arXiv 1905.11528.

    A tree f(x, y) evolves over the true label x and the prediction y; the loss is -f, summed over
    the classes and averaged over the batch. Fitness is the validation accuracy of a network trained
    for `train_steps` steps. CMA-ES then tunes one coefficient per node of the best trees.

    Args:
        model: Function without arguments that returns a new `keras.Model` with class probabilities
            `(N, C)` as its output.
        train_data: Samples `(N, ...)` and labels, int `(N,)` or one-hot `(N, C)`.
        validation_data: The same; decides the fitness.
        optimizer: Keras optimizer, its name or its configuration.
        search_space: Name of a registered search space, or a `SearchSpace`.
        operators: Genetic operators; the paper's (`GloOperators`) if None.
        train_steps: Training steps per candidate.
        batch_size: Samples per step.
        epsilon: Predictions are clipped to `[epsilon, 1]`.
        population_size: Candidates per generation of the discovery phase.
        elites: Best candidates that go on unchanged.
        generations: Generations of the discovery phase.
        coefficient_expressions: How many of the best expressions get their coefficients tuned; 0
            skips the phase.
        coefficient_generations: CMA-ES generations per expression.
        coefficient_population_size: CMA-ES candidates per generation; None is pycma's default,
            4 + 3 ln(nodes).
        coefficient_sigma0: Initial step size of CMA-ES.
        finalists: How many of the best candidates of both phases are trained again with other
            seeds, to choose the best among them by its mean; 0 takes the fittest as it is. One
            training can flatter a loss that fails with other initial weights.
        finalist_seeds: Trainings of each finalist.
        comparison_seeds: Fresh seeds on which the best loss and cross-entropy are trained at the
            end; 0 skips the comparison.
        screening: `"full"` trains only what can teach: losses with the gradients of an earlier one
            inherit its fitness, losses that cannot learn get 0, and a training at chance after a
            quarter of its steps ends. `"equivalence"` does the first of these only, `"none"`
            nothing: the plain algorithm of the paper.
        racing: Whether the new candidates of a generation run against each other with fewer steps
            first, and only the best are trained in full (successive halving).
        jit_compile: Whether XLA compiles the trainings; `"auto"` does so for dense models on a CPU,
            where it was measured to pay.
        seed: Seed of the search and of every candidate's training.
        output_dir: Folder for `best_loss.json` and `history.csv`; nothing is written if None.
        overwrite: Whether earlier results in `output_dir` may be replaced.
        callbacks: Observers.

    Raises:
        ValueError: If an argument is out of range or does not fit another; before any training.

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
        >>> result = search.run()
        >>> model = build_model()
        >>> model.compile(optimizer="sgd", loss=result.best_loss)
    """

    def __init__(
        self,
        model: Callable[[], keras.Model],
        train_data: tuple[np.ndarray, np.ndarray],
        validation_data: tuple[np.ndarray, np.ndarray],
        *,
        optimizer: keras.Optimizer | str | dict[str, Any] = "sgd",
        search_space: str | SearchSpace = "glo",
        operators: genetic.Operators | None = None,
        train_steps: int = 2000,
        batch_size: int = 100,
        epsilon: float = 1e-7,
        population_size: int = 80,
        elites: int = 6,
        generations: int = 100,
        coefficient_expressions: int = 1,
        coefficient_generations: int = 20,
        coefficient_population_size: int | None = None,
        coefficient_sigma0: float = 1.5,
        finalists: int = 5,
        finalist_seeds: int = 2,
        comparison_seeds: int = 3,
        screening: str = FULL,
        racing: bool = False,
        jit_compile: bool | str = "auto",
        seed: int = 0,
        output_dir: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        callbacks: Sequence[Callback] = (),
    ):
        if screening not in SCREENING:
            raise ValueError(
                f"Expected screening to be one of {', '.join(SCREENING)}. "
                f"Received: screening='{screening}'"
            )
        if jit_compile not in (True, False, "auto"):
            raise ValueError(
                "Expected jit_compile to be True, False or 'auto'. "
                f"Received: jit_compile={jit_compile!r}"
            )
        _check_at_least(
            1,
            population_size=population_size,
            generations=generations,
            finalist_seeds=finalist_seeds,
        )
        _check_at_least(
            0,
            elites=elites,
            coefficient_expressions=coefficient_expressions,
            coefficient_generations=coefficient_generations,
            finalists=finalists,
            comparison_seeds=comparison_seeds,
            seed=seed,
        )
        if elites >= population_size:
            raise ValueError(
                "Expected a population_size larger than elites. "
                f"Received: population_size={population_size}, elites={elites}"
            )
        if coefficient_population_size is not None:
            _check_at_least(2, coefficient_population_size=coefficient_population_size)
        if not coefficient_sigma0 > 0:
            raise ValueError(
                "Expected a positive coefficient_sigma0. "
                f"Received: coefficient_sigma0={coefficient_sigma0}"
            )
        self.search_space: SearchSpace = (
            plugins.load("glo_tf.search_spaces", search_space)()
            if isinstance(search_space, str)
            else search_space
        )
        self.operators = operators if operators is not None else GloOperators(self.search_space)
        self.population_size = population_size
        self.elites = elites
        self.generations = generations
        self.coefficient_expressions = coefficient_expressions
        self.coefficient_generations = coefficient_generations
        self.coefficient_population_size = coefficient_population_size
        self.coefficient_sigma0 = coefficient_sigma0
        self.finalists = finalists
        self.finalist_seeds = finalist_seeds
        self.comparison_seeds = comparison_seeds
        self.seed = seed
        self.callbacks = tuple(callbacks)
        self._trainer = CandidateTrainer(
            model,
            optimizer,
            train_data,
            validation_data,
            train_steps=train_steps,
            batch_size=batch_size,
            epsilon=epsilon,
            jit_compile=None if jit_compile == "auto" else bool(jit_compile),
        )
        # Last, so that a refused argument leaves no folder behind.
        self._output = None if output_dir is None else OutputFolder(output_dir, overwrite=overwrite)
        self._fitness = FitnessCache(self._trainer)
        self._screen = self._make_screen(screening)
        self._candidates = CandidateEvaluator(
            self._trainer,
            self._fitness,
            seed=seed,
            screen=self._screen,
            stop_at_chance=screening == FULL,
            heats=heats(train_steps) if racing else (),
        )
        self._history: list[Record] = []
        self._counts: collections.Counter[str] = collections.Counter()
        self._best: Record | None = None

    def evaluate(
        self, loss: Expression, seed: int | None = None, learning_rate: float | None = None
    ) -> Evaluation:
        """Trains a network with `loss`, or returns the evaluation if that was done before.

        Args:
            loss: Whole loss per class, such as `Expression.parse("-(x*log(y))")`.
            seed: The search's own if None.
            learning_rate: The optimizer's own if None.

        Returns:
            The evaluation, with status `"untrained"` and fitness 0 if x or y is missing.
        """
        seed = self.seed if seed is None else seed
        return self._fitness.evaluate(loss, seed=seed, learning_rate=learning_rate)

    def run(self) -> SearchResult:
        """Runs both phases and the comparison.

        Ctrl-C ends the search at once; what was found until then is written and returned, with
        `interrupted` set. It is written also before an error goes on to the caller.
        """
        started = time.monotonic()
        interrupted = True
        confirmation: list[ComparedLoss] = []
        comparison: list[ComparedLoss] = []
        for callback in self.callbacks:
            callback.on_search_begin(self._planned())
        try:
            self._discover()
            for record in self._best_records(self.coefficient_expressions):
                self._tune_coefficients(record.loss)
            if self.finalists:
                confirmation = self._confirm()
            if self._best is not None and self.comparison_seeds:
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
                epsilon=self._trainer.epsilon,
            )
            self._write(result)
            for callback in self.callbacks:
                callback.on_search_end(result)
        return result

    def _make_screen(self, screening: str) -> Screen | None:
        if screening == NONE:
            return None
        classes, epsilon = self._trainer.num_classes, self._trainer.epsilon
        return Screen(classes, epsilon=epsilon, rejects=screening == FULL)

    def _discover(self) -> None:
        rng = np.random.default_rng([self.seed, 0])
        population = first_generation(
            self.search_space,
            self.population_size,
            rng,
            screen=self._screen,
            able=max(1, self.elites),
        )
        for number in range(1, self.generations + 1):
            losses = [loss_of(tree) for tree in population]
            records = self._evaluate_generation(DISCOVERY, number, self.generations, losses)
            if number < self.generations:
                fitnesses = [record.fitness for record in records]
                population = genetic.next_generation(
                    population, fitnesses, self.operators, elites=self.elites, rng=rng
                )

    def _tune_coefficients(self, loss: Expression) -> None:
        search = CoefficientSearch(
            loss.negated(),
            sigma0=self.coefficient_sigma0,
            population_size=self.coefficient_population_size,
            seed=self.seed,
        )
        for number in range(1, self.coefficient_generations + 1):
            if search.stopped:
                logger.info("CMA-ES on %s has converged", loss)
                break
            losses = [tree.negated() for tree in search.ask()]
            total = self.coefficient_generations
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
            for callback in self.callbacks:
                callback.on_evaluation(record)
            self._history.append(record)
        if self._output is not None:
            self._output.write_history(self._history)
        generation = Generation(
            phase=phase,
            number=number,
            total=total,
            mean_fitness=statistics.fmean(record.fitness for record in records),
            best_so_far=self._best,
            counts=dict(self._counts),
        )
        for callback in self.callbacks:
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
        classes, epsilon = self._trainer.num_classes, self._trainer.epsilon
        return trains_alike(one, other, num_classes=classes, epsilon=epsilon)

    def _confirm(self) -> list[ComparedLoss]:
        """Trains the finalists with other seeds; the best mean makes the best loss."""
        finalists = {str(record.loss): record for record in self._best_records(self.finalists)}
        first = self.seed + 1
        losses = {name: (record.loss, None) for name, record in finalists.items()}
        seeds = range(first, first + self.finalist_seeds)
        rows = compare(self._retrain(CONFIRMATION), losses, seeds)
        rows.sort(key=lambda row: -row.mean)  # stable: the fitter one in the search wins a tie
        if rows:
            self._best = finalists[rows[0].name]
        for row in rows:
            logger.info("Finalist %s  mean fitness %.4f", row.name, row.mean)
        return rows

    def _compare(self, best: Expression) -> list[ComparedLoss]:
        first = self.seed + 1 + self.finalist_seeds  # the finalists were selected on those before
        return compare_with_cross_entropy(
            self._retrain(COMPARISON),
            best,
            learning_rate=self._trainer.learning_rate,
            tuning_seed=self.seed,
            seeds=range(first, first + self.comparison_seeds),
        )

    def _retrain(self, stage: str) -> Evaluate:
        """`evaluate`, with callbacks told of each training."""

        def evaluate(loss: Expression, seed: int, learning_rate: float | None) -> Evaluation:
            evaluation = self.evaluate(loss, seed, learning_rate)
            for callback in self.callbacks:
                callback.on_retraining(stage, evaluation)
            return evaluation

        return evaluate

    def _planned(self) -> int:
        tuned = self.coefficient_generations * (self.coefficient_population_size or 9)
        candidates = self.population_size * self.generations + self.coefficient_expressions * tuned
        compared = len(LEARNING_RATE_FACTORS) + 3 * self.comparison_seeds
        return (
            candidates
            + self.finalists * self.finalist_seeds
            + (compared if self.comparison_seeds else 0)
        )

    def _write(self, result: SearchResult) -> None:
        if self._output is None:
            return
        self._output.write_history(result.history)
        if result.best is not None:
            self._output.write_best_loss(result)


def _check_at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if value < least:
            raise ValueError(f"Expected {name} of at least {least}. Received: {name}={value}")
