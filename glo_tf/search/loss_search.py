"""The search: genetic discovery of a tree, then CMA-ES over its coefficients."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from glo_tf import plugins
from glo_tf.comparison.learning_rates import check_learning_rate
from glo_tf.comparison.loss_comparison import LossComparison
from glo_tf.data import arrays
from glo_tf.data.found_outputs import OutputKinds
from glo_tf.data.outputs import Activation
from glo_tf.errors import at_the_end
from glo_tf.execution.dispatcher import Dispatcher, FailurePolicy
from glo_tf.execution.study import Study
from glo_tf.expressions.tree import Expression
from glo_tf.losses.given import Loss, Losses, as_expressions
from glo_tf.losses.lookup import by_name
from glo_tf.results.comparison import Comparison
from glo_tf.results.search_result import SearchResult
from glo_tf.screening.screen import Screening
from glo_tf.search.callbacks import Callback, checked_callbacks
from glo_tf.search.genetic import evolution
from glo_tf.search.genetic.operators import GloOperators
from glo_tf.search.output_folder import OutputFolder
from glo_tf.search.run import SearchRun
from glo_tf.search.settings import SearchSettings
from glo_tf.search.spaces.space import SearchSpace
from glo_tf.strategies import Strategy
from glo_tf.strategies.registry import make_strategy
from glo_tf.training.fresh_models import check_builder
from glo_tf.training.optimizers import Given as GivenOptimizer
from glo_tf.training.task import TrainingTask, true_false_or_auto
from glo_tf.training.trial import Evaluation, Request
from glo_tf.utils.choice import choice

if TYPE_CHECKING:
    import keras


class LossSearch:
    """Searches for a loss function for a Keras model, as in arXiv 1905.11528.

    A tree f(x, y) evolves over the true label x and the prediction y; the loss is -f, summed over
    the classes and averaged over the batch. Fitness is the validation accuracy, or another metric,
    of a network trained for `train_steps` steps. CMA-ES then tunes one coefficient per node of the
    best trees. A search space may have one of these two phases only.

    Labels and the model's last activation say what x and y are: class indices or one-hot labels
    beside a softmax, labels of 0 and 1 beside a sigmoid (one unit stands for two classes), or
    numbers (regression; standardise the targets). Logits are trained with their log-softmax, where
    `from_logits` says that they are logits. The terms of several outputs are summed.

    Args:
        model: Function without arguments that returns a new `keras.Model` each time, functional or
            subclassed, compiled or not, with the same weights from the same seed
            (`keras.utils.set_random_seed`); its outputs, one or a list or dict of several, have
            shape `(N, units)`.
        train_data: Samples and targets, arrays or what a model of several inputs and outputs takes
            (lists, tuples, dicts of arrays): int labels `(N,)`, or rows `(N, units)`; also of
            text, `pandas` and other libraries. Or batches of such pairs that end, such as a
            `tf.data.Dataset`, which are read into memory; those that shuffle give another order
            each time, and cannot be resumed. NaN and infinity are refused.
        validation_data: The same; decides the fitness.
        outputs: What the model's outputs are, where labels and last activation leave it open or
            should not decide it: `"softmax"`, `"sigmoid"` or `"linear"`; for several outputs also a
            list or dict of them, with None for what is to be found.
        from_logits: Whether outputs without softmax and sigmoid, beside labels of classes, are
            logits. Metrics are given their probabilities.
        optimizer: Keras optimizer, its name or its configuration; or a function without arguments
            that makes a new one each time, for one that its configuration does not describe in
            full.
        metric: What fitness measures: name of a Keras metric, a `keras.metrics.Metric`, or a
            function of `y_true` and `y_pred`; for several outputs also a list or dict of them, of
            which the mean counts, with None for outputs that do not. By default accuracy, or the
            mean absolute error where the model has numbers as outputs. A metric v that is to be
            small gives the fitness 1 / (1 + v).
        metric_mode: `"max"` or `"min"`; `"auto"` for Keras's own direction of the metric.
        search_space: Name of a registered search space, with its default options, or a
            `SearchSpace`, such as that which the registered function returns with others.
        operators: Genetic operators; those of the search space if None, by default the paper's
            (`glo_tf.operators.GloOperators`).
        train_steps: Training steps per candidate.
        batch_size: Samples per step.
        epsilon: Predictions that are probabilities are clipped to `[epsilon, 1]`.
        initial_expressions: Whole losses that the first generation begins with, before random
            trees: text, `Expression` or `ExpressionLoss`. They have x and y, the nodes of the
            search space and no coefficients; duplicates are dropped.
        population_size: Candidates per generation of the discovery phase. A search space without
            that phase ignores this, `elites`, `generations`, `operators` and
            `coefficient_expressions`.
        elites: Best candidates that go on unchanged.
        generations: Generations of the discovery phase.
        fitness_seeds: Trainings of each candidate, with `seed` and the integers after it; their
            mean is its fitness. A candidate whose training fails or is stopped with one of them
            has that training's result, and is not trained with the rest.
        parsimony_coefficient: What each node of a tree costs, in fitness, as in gplearn: selection,
            elites, finalists and the best loss go by the fitness less this times the size, at least
            0. Reported fitnesses are without it.
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
        comparison_seeds: Fresh seeds on which the best loss and the usual one (cross-entropy, or
            squared error) are trained at the end; 0 skips the comparison.
        screening: `"full"` trains only what can teach: losses with the gradients of an earlier one
            inherit its fitness, losses that cannot learn get 0, and early stopping ends a training
            that is at chance after a quarter of its steps. `"equivalence"` does the first of these
            only, `"none"` nothing: the plain algorithm of the paper.
        racing: Whether the new candidates of a generation run against each other with fewer steps
            first, in which all but the best are pruned (successive halving).
        jit_compile: Whether XLA compiles the trainings; `"auto"` does so for dense models on a CPU,
            where it was measured to pay.
        seed: Seed of the search and of every candidate's training.
        strategy: Where candidates are trained: name of a registered strategy (`"local"`,
            `"devices"`, `"ray"`), with its default options, or a `glo_tf.strategies.Strategy`, such
            as that which the registered function returns with others. `"auto"` is `"devices"` where
            there are several GPUs, else `"local"`. What is found does not depend on it.
        candidate_timeout: Seconds that one training may take; None for no limit.
        candidate_retries: How often a training is tried again, on another worker where there is
            one, after its worker died or it ran out of memory or time. Then it is recorded as
            failed, with fitness 0.
        max_consecutive_failures: How many trainings in a row may fail before the search ends.
        output_dir: Folder for `study.db`, `history.csv` and `best_loss.json`; nothing is written if
            None. A search that was made with the same settings is resumed: what is in its study
            is not trained again.
        overwrite: Whether earlier results in `output_dir` may be replaced instead.
        callbacks: Observers, each a `glo_tf.Callback`; one may end the search (`StopSearch`).

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
        train_data: Any,
        validation_data: Any,
        *,
        outputs: OutputKinds | None = None,
        from_logits: bool = False,
        optimizer: GivenOptimizer = "sgd",
        search_space: str | SearchSpace = "glo",
        operators: evolution.Operators | None = None,
        metric: Any = None,
        metric_mode: str = "auto",
        train_steps: int = 2000,
        batch_size: int = 100,
        epsilon: float = 1e-7,
        initial_expressions: Sequence[Loss] = (),
        population_size: int = 80,
        elites: int = 6,
        generations: int = 100,
        fitness_seeds: int = 1,
        parsimony_coefficient: float = 0.0,
        coefficient_expressions: int = 1,
        coefficient_generations: int = 20,
        coefficient_population_size: int | None = None,
        coefficient_sigma0: float | None = None,
        finalists: int = 5,
        finalist_seeds: int = 2,
        comparison_seeds: int = 3,
        screening: str = Screening.FULL,
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
        check_builder(model)
        self.callbacks = checked_callbacks(callbacks)
        compiled_by_xla = true_false_or_auto(jit_compile)
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
            initial_expressions=tuple(
                as_expressions(
                    initial_expressions,
                    "initial_expressions",
                    options=[
                        {
                            "epsilon": epsilon,
                            "from_logits": False,
                            "activation": Activation.SOFTMAX,
                        },
                        {
                            "epsilon": None,
                            "from_logits": from_logits,
                            "activation": Activation.SIGMOID,
                        },
                    ],
                )
            ),
            population_size=population_size,
            elites=elites,
            generations=generations,
            fitness_seeds=fitness_seeds,
            parsimony_coefficient=parsimony_coefficient,
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
            screening=choice(Screening, "screening", screening),
            racing=racing,
            seed=seed,
        )
        self.strategy = make_strategy(strategy) if isinstance(strategy, str) else strategy
        training: dict[str, Any] = {
            "model": model,
            "optimizer": optimizer,
            "train_data": arrays.load("train_data", train_data),
            "validation_data": arrays.load("validation_data", validation_data),
            "train_steps": train_steps,
            "batch_size": batch_size,
            "epsilon": epsilon,
            "outputs": outputs,
            "from_logits": from_logits,
            "metric": metric,
            "metric_mode": metric_mode,
        }
        self.task = task = TrainingTask.define(**training, jit_compile=compiled_by_xla)
        # Last, so that a refused argument leaves no folder behind.
        self._output = (
            None
            if output_dir is None
            else OutputFolder(
                output_dir,
                task.description,
                settings.description(),
                outputs=task.outputs.with_own_loss,
                overwrite=overwrite,
            )
        )
        self.trained_before = 0 if self._output is None else self._output.trained_before
        self.suspects = [] if self._output is None else self._output.suspects
        self._in_memory = Study.in_memory(task.description)
        self._dispatcher: Dispatcher | None = None
        self._searching = False
        self._comparison = {
            **training,
            "jit_compile": jit_compile,
            "seed": settings.fresh_seeds(1)[0],
            "strategy": self.strategy,
            "candidate_timeout": candidate_timeout,
            "candidate_retries": candidate_retries,
            "max_consecutive_failures": max_consecutive_failures,
            "output_dir": output_dir,
        }

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
            learning_rate: Positive; the optimizer's own if None, as it has to be with a schedule.

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
            width=self.task.outputs.common_width,
        )
        if learning_rate is not None:
            check_learning_rate(learning_rate)
            if self.task.learning_rate is None:
                raise ValueError(
                    "Expected no learning_rate beside an optimizer with a schedule. "
                    f"Received: learning_rate={learning_rate}"
                )
        seed = self.settings.seed if seed is None else seed
        if seed < 0:
            raise ValueError(f"Expected seed of at least 0. Received: seed={seed}")
        requests = [Request(loss, seed, learning_rate) for loss in losses]
        return list(self._open().evaluate(requests))

    def compare(self, losses: Losses, test_data: Any = None, **settings: Any) -> Comparison:
        """Trains losses beside each other, with seeds that the search selects nothing on.

        It frees the workers of the search, as `close` does.

        Args:
            losses: As for `glo_tf.LossComparison`.
            test_data: Samples and targets to measure on; the validation data if None.
            **settings: Others of `glo_tf.LossComparison`, such as `tune_learning_rate` or
                `train_fraction`. What is not given is as in the search, the output folder too.

        Raises:
            ValueError: As `glo_tf.LossComparison`, and while the search runs.
            TrainingError: As `glo_tf.LossComparison.run`.
        """
        if self._searching:
            raise ValueError(
                "Expected a search that has ended; its on_search_end may use result.compare. "
                "Received: compare while it runs"
            )
        return self._compare(losses, test_data, settings)

    def run(self) -> SearchResult:
        """Runs both phases, the confirmation and the comparison.

        Ctrl-C ends the search at once; what was found until then is written and returned, with
        `interrupted` set. It is written also before an error goes on to the caller. A callback that
        raises `StopSearch` ends the phases in order, and sets `stopped`. In either case, the same
        search goes on from there when it is run again.

        Raises:
            ValueError: While it runs.
            TrainingError: If the model or the data raise, or too many trainings in a row fail.
            StudyError: If results cannot be written, or another process has the output folder.
        """
        if self._searching:
            raise ValueError("Expected a search that does not run. Received: run while it runs")
        self._searching = True
        with at_the_end(self._end_run):
            run = SearchRun(
                self.task,
                self.settings,
                self._open(),
                self._output,
                callbacks=self.callbacks,
                compare=self._compare_found,
            )
            result = run.execute()
        return result

    def close(self) -> None:
        """Frees workers and output folder, as `run` does; `evaluate` takes them again."""
        if self._dispatcher is not None:
            dispatcher, self._dispatcher = self._dispatcher, None
            dispatcher.close()

    def _end_run(self) -> None:
        self._searching = False
        self.close()

    def _compare_found(
        self, best: Expression, losses: Losses, test_data: Any, settings: Mapping[str, Any]
    ) -> Comparison:
        named = {"best loss": best, **by_name(losses, self.task.outputs)}
        return self._compare(named, test_data, settings)

    def _compare(self, losses: Losses, test_data: Any, settings: Mapping[str, Any]) -> Comparison:
        self.close()  # workers are for one task at a time
        arguments = {**self._comparison, **settings}
        return LossComparison(losses=losses, test_data=test_data, **arguments).run()

    def _open(self) -> Dispatcher:
        if self._dispatcher is None:
            study = self._in_memory if self._output is None else self._output.open_study()
            self._dispatcher = Dispatcher(self.task, self.strategy, study, self._failure_policy)
        return self._dispatcher


def _own_operators(space: SearchSpace) -> evolution.Operators:
    return GloOperators(space) if space.operators is None else space.operators(space)
