"""The search: genetic discovery of a tree, then CMA-ES over its coefficients."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glo_tf import genetic, plugins
from glo_tf.callbacks import Callback
from glo_tf.dispatch import Dispatcher, FailurePolicy
from glo_tf.expression import Expression
from glo_tf.fitness import Evaluation, Request
from glo_tf.operators import GloOperators
from glo_tf.output_folder import OutputFolder
from glo_tf.results import SearchResult
from glo_tf.search_run import SearchRun
from glo_tf.search_spaces import SearchSpace
from glo_tf.settings import FULL, SearchSettings
from glo_tf.strategies import Strategy
from glo_tf.strategies.devices import several_gpus
from glo_tf.study import Study
from glo_tf.task import TrainingTask

if TYPE_CHECKING:
    import keras


class LossSearch:
    """Searches for a loss function for a Keras model, as in arXiv 1905.11528.

    A tree f(x, y) evolves over the true label x and the prediction y; the loss is -f, summed over
    the classes and averaged over the batch. Fitness is the validation accuracy of a network trained
    for `train_steps` steps. CMA-ES then tunes one coefficient per node of the best trees. A search
    space may have one of these two phases only.

    Args:
        model: Function without arguments that returns a new `keras.Model` with class probabilities
            `(N, C)` as its output.
        train_data: Samples `(N, ...)` and labels, int `(N,)` or one-hot `(N, C)`.
        validation_data: The same; decides the fitness.
        optimizer: Keras optimizer, its name or its configuration.
        search_space: Name of a registered search space, or a `SearchSpace`.
        operators: Genetic operators; those of the search space if None, by default the paper's
            (`GloOperators`).
        train_steps: Training steps per candidate.
        batch_size: Samples per step.
        epsilon: Predictions are clipped to `[epsilon, 1]`.
        population_size: Candidates per generation of the discovery phase. A search space without
            that phase ignores this, `elites`, `generations`, `operators` and
            `coefficient_expressions`.
        elites: Best candidates that go on unchanged.
        generations: Generations of the discovery phase.
        coefficient_expressions: How many of the best expressions get their coefficients tuned; 0
            skips the phase. A search space without the coefficient phase ignores all of
            `coefficient_...`.
        coefficient_generations: CMA-ES generations per expression.
        coefficient_population_size: CMA-ES candidates per generation; that of the search space if
            None, by default pycma's, 4 + 3 ln(nodes).
        coefficient_sigma0: Initial step size of CMA-ES; that of the search space if None, by
            default 1.5.
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
        strategy: Where candidates are trained: name of a registered strategy (`"local"`,
            `"devices"`, `"ray"`), or a `glo_tf.strategies.Strategy`. `"auto"` is `"devices"` where
            there are several GPUs, else `"local"`. What is found does not depend on it.
        candidate_timeout: Seconds that one training may take; None for no limit.
        candidate_retries: How often a training is tried again, on another worker where there is
            one, after its worker died or it ran out of memory or time. Then it is recorded as
            failed, with fitness 0.
        max_consecutive_failures: How many trainings in a row may fail before the search ends.
        output_dir: Folder for `study.db`, `history.csv` and `best_loss.json`; nothing is written if
            None. A search that was made with the same settings is continued: what is in its study
            is not trained again.
        overwrite: Whether earlier results in `output_dir` may be replaced instead.
        callbacks: Observers.

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
        coefficient_sigma0: float | None = None,
        finalists: int = 5,
        finalist_seeds: int = 2,
        comparison_seeds: int = 3,
        screening: str = FULL,
        racing: bool = False,
        jit_compile: bool | str = "auto",
        seed: int = 0,
        strategy: str | Strategy = "auto",
        candidate_timeout: float | None = None,
        candidate_retries: int = 1,
        max_consecutive_failures: int = 10,
        output_dir: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        callbacks: Sequence[Callback] = (),
    ):
        if jit_compile not in (True, False, "auto"):
            raise ValueError(
                "Expected jit_compile to be True, False or 'auto'. "
                f"Received: jit_compile={jit_compile!r}"
            )
        self._failure_policy = FailurePolicy(
            candidate_timeout=candidate_timeout,
            candidate_retries=candidate_retries,
            max_consecutive_failures=max_consecutive_failures,
        )
        space: SearchSpace = (
            plugins.load("glo_tf.search_spaces", search_space)()
            if isinstance(search_space, str)
            else search_space
        )
        self.settings = settings = SearchSettings(
            search_space=space,
            operators=operators if operators is not None else _own_operators(space),
            population_size=population_size,
            elites=elites,
            generations=generations,
            coefficient_expressions=coefficient_expressions,
            coefficient_generations=coefficient_generations,
            coefficient_population_size=(
                space.coefficient_population_size
                if coefficient_population_size is None
                else coefficient_population_size
            ),
            coefficient_sigma0=(
                space.coefficient_sigma0 if coefficient_sigma0 is None else coefficient_sigma0
            ),
            finalists=finalists,
            finalist_seeds=finalist_seeds,
            comparison_seeds=comparison_seeds,
            screening=screening,
            racing=racing,
            seed=seed,
        )
        self.callbacks = tuple(callbacks)
        self.strategy = _make(strategy) if isinstance(strategy, str) else strategy
        self.task = task = TrainingTask.define(
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
        self._output = (
            None
            if output_dir is None
            else OutputFolder(
                output_dir, task.description, settings.description(), overwrite=overwrite
            )
        )
        self.trained_before = 0 if self._output is None else self._output.trained_before
        self._in_memory = Study.in_memory(task.description)
        self._dispatcher: Dispatcher | None = None

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
        request = Request(loss, self.settings.seed if seed is None else seed, learning_rate)
        (evaluation,) = self._open().evaluate([request])
        return evaluation

    def run(self) -> SearchResult:
        """Runs both phases, the confirmation and the comparison.

        Ctrl-C ends the search at once; what was found until then is written and returned, with
        `interrupted` set. It is written also before an error goes on to the caller.

        Raises:
            TrainingError: If the model or the data raise, or too many trainings in a row fail.
            StudyError: If results cannot be written, or another process has the output folder.
        """
        try:
            run = SearchRun(
                self.task, self.settings, self._open(), self._output, callbacks=self.callbacks
            )
            return run.execute()
        finally:
            self.close()

    def close(self) -> None:
        """Frees workers and output folder, as `run` does; `evaluate` takes them again."""
        if self._dispatcher is not None:
            dispatcher, self._dispatcher = self._dispatcher, None
            dispatcher.close()

    def _open(self) -> Dispatcher:
        if self._dispatcher is None:
            study = self._in_memory if self._output is None else self._output.open_study()
            self._dispatcher = Dispatcher(self.task, self.strategy, study, self._failure_policy)
        return self._dispatcher


def _own_operators(space: SearchSpace) -> genetic.Operators:
    return GloOperators(space) if space.operators is None else space.operators(space)


def _make(name: str) -> Strategy:
    if name == "auto":
        name = "devices" if several_gpus() else "local"
    strategy: Strategy = plugins.load("glo_tf.strategies", name)()
    return strategy
