"""The settings of a search, checked, as users give them."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.execution.config import FailurePolicy, RunConfig, RunKeywords
from glo_tf.screening.screen import Screening
from glo_tf.search.spaces.space import SearchSpace
from glo_tf.training.candidate import Hyperparameters
from glo_tf.training.config import TaskArguments, TaskKeywords, check_tasks
from glo_tf.utils.checks import (
    check_at_least,
    check_losses,
    check_named_or,
    check_not_negative,
    check_positive,
    check_types,
)
from glo_tf.utils.choice import choice

if TYPE_CHECKING:
    import keras

    from glo_tf.display.callbacks import Callback
    from glo_tf.losses.given import Loss, Losses
    from glo_tf.search.genetic.evolution import Operators


class RateSource(enum.StrEnum):
    """At which learning rate candidates are judged, where that is no number.

    Attributes:
        OWN: Each at one that suits it.
        GIVEN: All at the optimizer's.
    """

    OWN = "own"
    GIVEN = "given"


class ModelSelection(enum.StrEnum):
    """Which finalist becomes the best loss.

    Attributes:
        BEST: The simplest of those within the noise of the best mean.
        ACCURACY: That with the best mean.
    """

    BEST = "best"
    ACCURACY = "accuracy"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """The course of a search: its phases, and what they select by.

    Attributes:
        search_space: Name of a registered search space, with its default options, or a
            `SearchSpace`, such as that which the registered function returns with others.
        operators: Genetic operators: the name of registered ones, with their default options, or
            such operators; those of the search space if None, by default the paper's
            (`glo_tf.operators.GloOperators`).
        initial_expressions: Whole losses that the first generation begins with, before random
            trees: text, `Expression` or `ExpressionLoss`. They have x and y, the nodes of the
            search space, and coefficients only where that has real constants; duplicates are
            dropped.
        initial_losses: Known losses that the search begins with, a warm start: names as for
            `glo_tf.LossComparison`, expressions, or `"library"` for all with a name that fit; text
            has commas between them. They begin the first generation with their coefficients, CMA-ES
            starts at these as well as at ones, and all known losses, the reference losses too, are
            among the finalists, so that the confirmed loss has at least their best mean. None
            starts from random trees, as claims of discovery are made.
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
            None (28 for `taylor`), by default pycma's, 4 + 3 ln(nodes).
        coefficient_sigma0: Initial step size of CMA-ES; that of the search space if None (1.2 for
            `taylor`), by default 1.5.
        finalists: How many of the best candidates of both phases are trained again with other
            seeds, to choose the best among them by its mean; 0 takes the fittest as it is. One
            training can flatter a loss that fails with other initial weights.
        finalist_seeds: Trainings of each finalist.
        model_selection: Which finalist becomes the best loss: `"accuracy"` takes that with the best
            mean fitness, `"best"` the simplest of those within the noise of that, one standard
            error of the difference of two means: fewest nodes, then numbers, then digits.
        simplify: Whether finalists are trained, and the best loss is given, in their simplest form:
            without what y is not in, like terms merged, and with numbers of as few digits as
            trainings cannot tell from more. What was searched stays in `best_loss.json`.
        comparison_seeds: Fresh seeds on which the best loss and the usual one (cross-entropy, or
            squared error) are trained at the end; 0 skips the comparison.
        screening: `"full"` trains only what can teach: losses with the gradients of an earlier one
            inherit its fitness, losses that cannot learn get 0, and early stopping ends a training
            that is at chance after a quarter of its steps. `"equivalence"` does the first of these
            only, `"none"` nothing: the plain algorithm of the paper.
        racing: Whether the new candidates of a generation run against each other with fewer steps
            first, in which all but the best are pruned (successive halving).
        learning_rate: `"own"` judges each candidate at a learning rate of its own, found in its
            first steps around the one that suits the usual loss; `"given"` trains all at the
            optimizer's, as the paper does; a number takes the place of that. Schedules are
            multiplied: the rate is their peak.
        learning_rate_grid: With `"own"`, multiples of the learning rate at which a candidate is
            expected to train best, to begin with.
        reference_losses: Known losses to beat, as for `glo_tf.LossComparison`: before the search,
            they are tuned as its candidates are, and at the end the best of them stand beside what
            was found. If None, with own learning rates the usual loss and all losses with a name
            that fit the outputs; at one rate for all none, as that compares step sizes.

    Raises:
        ValueError: If a value is out of range, of another type, or does not fit another.
    """

    search_space: str | SearchSpace = "glo"
    operators: str | Operators | None = None
    initial_expressions: Sequence[Loss] = ()
    initial_losses: str | Losses | None = None
    population_size: int = 80
    elites: int = 6
    generations: int = 100
    fitness_seeds: int = 1
    parsimony_coefficient: float = 0.0
    coefficient_expressions: int = 1
    coefficient_generations: int = 20
    coefficient_population_size: int | None = None
    coefficient_sigma0: float | None = None
    finalists: int = 5
    finalist_seeds: int = 2
    model_selection: str = ModelSelection.BEST
    simplify: bool = True
    comparison_seeds: int = 3
    screening: str = Screening.FULL
    racing: bool = False
    learning_rate: float | str = RateSource.GIVEN
    learning_rate_grid: Sequence[float] = (0.25, 0.707, 2.0)
    reference_losses: Losses | None = None

    def __post_init__(self) -> None:
        check_types(self)
        check_named_or(SearchSpace, "search space", search_space=self.search_space)
        choice(Screening, "screening", self.screening)
        choice(ModelSelection, "model_selection", self.model_selection)
        check_at_least(
            1,
            population_size=self.population_size,
            generations=self.generations,
            fitness_seeds=self.fitness_seeds,
            finalist_seeds=self.finalist_seeds,
        )
        check_at_least(
            0,
            elites=self.elites,
            coefficient_expressions=self.coefficient_expressions,
            coefficient_generations=self.coefficient_generations,
            finalists=self.finalists,
            comparison_seeds=self.comparison_seeds,
        )
        if self.elites >= self.population_size:
            raise InvalidArgumentError(
                "Expected a population_size larger than elites. "
                f"Received: population_size={self.population_size}, elites={self.elites}"
            )
        check_not_negative(parsimony_coefficient=self.parsimony_coefficient)
        check_at_least(2, coefficient_population_size=self.coefficient_population_size)
        check_positive(coefficient_sigma0=self.coefficient_sigma0)
        if not isinstance(self.learning_rate, str):
            Hyperparameters(learning_rate=self.learning_rate)
        elif self.learning_rate not in [*RateSource]:
            raise InvalidArgumentError(
                "Expected learning_rate to be a number, own or given. "
                f"Received: learning_rate={shown(self.learning_rate)}"
            )
        grid = self.learning_rate_grid
        factors = () if isinstance(grid, str) or not isinstance(grid, Iterable) else tuple(grid)
        if not factors or any(
            isinstance(one, bool) or not isinstance(one, Real) for one in factors
        ):
            raise InvalidArgumentError(
                "Expected learning_rate_grid as numbers, at least one. "
                f"Received: learning_rate_grid={shown(grid)}"
            )
        for factor in factors:
            check_positive(learning_rate_grid=factor)
        object.__setattr__(self, "learning_rate_grid", tuple(map(float, factors)))
        if not isinstance(self.initial_losses, str | Mapping | Sequence | None):
            raise InvalidArgumentError(
                "Expected initial_losses as text, a sequence or a dict of losses, such as "
                f"'library' or ['baikal']. Received: initial_losses={shown(self.initial_losses)}"
            )
        if self.reference_losses is not None:
            example = "['baikal'], or as [] for none"
            check_losses(self.reference_losses, "reference_losses", example)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchBudget:
    """How far a search goes; what it does on its way is no matter of it.

    So what is in a study is resumed with other budgets, too. Whichever is spent first ends the
    phases in order: what was found is confirmed and compared.

    Attributes:
        max_minutes: Minutes that a run of the search may take, with what confirmation and
            comparison are expected to take of them; None for no limit. A training that runs goes on
            to its end. Where the time was over is kept in `output_dir`: run again with the same
            limit, the search ends there again; with another one, it goes on.
        target_fitness: The fitness of a candidate that is enough; None for none.
        patience: Generations in a row without a better candidate that end a phase; each expression
            whose coefficients are tuned counts for itself. 0 goes on to the last generation.

    Raises:
        ValueError: If a value is out of range or of another type.
    """

    max_minutes: float | None = None
    target_fitness: float | None = None
    patience: int = 0

    def __post_init__(self) -> None:
        check_types(self)
        check_positive(max_minutes=self.max_minutes, target_fitness=self.target_fitness)
        check_at_least(0, patience=self.patience)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SearchArguments(RunConfig, FailurePolicy, SearchBudget, SearchConfig, TaskArguments):
    """What `glo_tf.LossSearch` is called with.

    Attributes:
        tasks: In place of model, data and settings of training: several of such, each a
            `glo_tf.TaskArguments` with all of these, in a list or in a dict by name. A candidate is
            trained on each; its fitness is the mean, which ranks as its mean lead over any other
            does. The optimizers differ in their learning rates alone: give each one that suits the
            usual loss. A candidate's rate is the geometric mean of those of its trainings.
        output_dir: Folder for `study.db`, `history.csv`, `best_loss.json` and `report.html`;
            nothing is written if None. A search that was made with the same settings is resumed:
            what is in its study is not trained again.
        callbacks: Observers, each a `glo_tf.Callback`; one may end the search (`StopSearch`).
    """

    model: Callable[[], keras.Model] = None  # type: ignore[assignment]  # with tasks
    train_data: Any = None
    validation_data: Any = None
    tasks: Sequence[TaskArguments] | Mapping[str, TaskArguments] = dataclasses.field(
        default=(), kw_only=True
    )
    callbacks: Sequence[Callback] = dataclasses.field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        self._check_what_is_trained()
        for config in (TaskArguments, SearchConfig, SearchBudget, FailurePolicy, RunConfig):
            config.__post_init__(self)

    def _check_what_is_trained(self) -> None:
        if not self.tasks:
            missing = [name for name in _OF_ONE if getattr(self, name) is None]
            if missing and missing != ["model"]:  # which is refused with what it should be
                raise InvalidArgumentError(
                    f"Expected {', '.join(_OF_ONE)}, or tasks. Received: {missing[0]}=None"
                )
            return
        check_tasks(self.tasks)
        fields = {field.name: field.default for field in dataclasses.fields(TaskArguments)}
        own = dict.fromkeys(_OF_ONE) | {
            name: fields[name] for name in fields if name not in _OF_ONE
        }
        for name, default in own.items():
            if getattr(self, name) is not default:
                raise InvalidArgumentError(
                    f"Expected {name} in each of the tasks. "
                    f"Received: {name}={shown(getattr(self, name))} beside tasks"
                )
        if not isinstance(self.learning_rate, str):
            raise InvalidArgumentError(
                "Expected learning_rate to be own or given where there are several tasks, each "
                f"with an optimizer. Received: learning_rate={self.learning_rate}"
            )


_OF_ONE = ("model", "train_data", "validation_data")


class SearchKeywords(RunKeywords, TaskKeywords, total=False):
    """Arguments of `glo_tf.LossSearch`, some of them."""

    search_space: str | SearchSpace
    operators: str | Operators | None
    initial_expressions: Sequence[Loss]
    initial_losses: str | Losses | None
    population_size: int
    elites: int
    generations: int
    fitness_seeds: int
    parsimony_coefficient: float
    coefficient_expressions: int
    coefficient_generations: int
    coefficient_population_size: int | None
    coefficient_sigma0: float | None
    finalists: int
    finalist_seeds: int
    model_selection: str
    simplify: bool
    comparison_seeds: int
    screening: str
    racing: bool
    learning_rate: float | str
    learning_rate_grid: Sequence[float]
    reference_losses: Losses | None
    max_minutes: float | None
    target_fitness: float | None
    patience: int
    tasks: Sequence[TaskArguments] | Mapping[str, TaskArguments]
    callbacks: Sequence[Callback]
