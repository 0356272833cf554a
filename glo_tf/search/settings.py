"""The settings of a search, checked, and as data that tells one search from another."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import cma
import gplearn

from glo_tf import plugins
from glo_tf.comparison.learning_rates import LEARNING_RATE_FACTORS
from glo_tf.data.outputs import Activation
from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.expressions.tree import Expression
from glo_tf.identity.code_identity import code_of
from glo_tf.identity.stable_id import stable_name
from glo_tf.losses.given import Losses, as_expressions
from glo_tf.results.found_loss import MOST_FORMS
from glo_tf.results.record import Phase
from glo_tf.screening.screen import Screening
from glo_tf.search.coefficients.parameterization import Parameterization
from glo_tf.search.config import RateSource, SearchArguments, SearchConfig
from glo_tf.search.genetic.evolution import Operators
from glo_tf.search.genetic.first_generation import initial_trees
from glo_tf.search.genetic.operators import GloOperators
from glo_tf.search.spaces.space import SearchSpace
from glo_tf.search.warm_start import starting_trees
from glo_tf.utils.checks import check_at_least
from glo_tf.utils.keywords import narrowed

_NOISE_SEEDS = 5
_RATE_SEEDS = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSettings(SearchConfig):
    """What decides the course of a search, beside its task: a config that leaves nothing open.

    Attributes:
        search_space: What losses are made of.
        operators: Of this search space.
        initial_expressions: As expressions.
        initial_losses: As expressions, by name.
        screening: How much is left untrained.
        coefficient_sigma0: Of this search space, where nobody gave another.
        seed: Of the search.

    Raises:
        ValueError: If one is out of range or does not fit another.
    """

    search_space: SearchSpace = dataclasses.field()
    operators: Operators = dataclasses.field()
    initial_expressions: tuple[Expression, ...] = dataclasses.field()
    initial_losses: Mapping[str, Expression] = dataclasses.field(default_factory=dict)
    coefficient_sigma0: float = dataclasses.field()
    screening: Screening = dataclasses.field()
    seed: int

    @classmethod
    def of(cls, arguments: SearchArguments) -> SearchSettings:
        """What the arguments of a search say, and its search space where they say nothing.

        Raises:
            ValueError: If one does not fit another, or no such search space is registered.
        """
        space = arguments.search_space
        if isinstance(space, str):
            space = cast(SearchSpace, plugins.make("glo_tf.search_spaces", space))
        losses = as_expressions(
            arguments.initial_expressions,
            "initial_expressions",
            options=[
                {
                    "epsilon": arguments.epsilon,
                    "from_logits": False,
                    "activation": Activation.SOFTMAX,
                },
                {
                    "epsilon": None,
                    "from_logits": arguments.from_logits,
                    "activation": Activation.SIGMOID,
                },
            ],
        )
        population_size, sigma0 = (
            arguments.coefficient_population_size,
            arguments.coefficient_sigma0,
        )
        operators = arguments.operators
        if operators is None:
            operators = (space.operators or GloOperators)(space)
        elif isinstance(operators, str):
            operators = cast(Operators, plugins.make("glo_tf.operators", operators, space))
        if isinstance(operators, type) or not callable(getattr(operators, "breed", None)):
            raise InvalidArgumentError(
                "Expected operators as the name of registered ones, or as an object that breeds, "
                "as glo_tf.operators.GloOperators(space) does. "
                f"Received: operators={shown(operators)}"
            )
        return narrowed(
            cls,
            arguments,
            search_space=space,
            operators=operators,
            initial_expressions=tuple(losses),
            initial_losses={},
            screening=Screening(arguments.screening),
            coefficient_population_size=(
                space.coefficient_population_size if population_size is None else population_size
            ),
            coefficient_sigma0=space.coefficient_sigma0 if sigma0 is None else sigma0,
        )

    def __post_init__(self) -> None:
        super().__post_init__()
        given = len(self.first_trees)
        if given > self.population_size:
            raise InvalidArgumentError(
                "Expected at most population_size initial_expressions and initial_losses. "
                f"Received: population_size={self.population_size}, {given} of these"
            )
        if self.initial_expressions and not self.search_space.has_discovery:
            raise InvalidArgumentError(
                "Expected a search space with a discovery phase for initial_expressions. "
                f"Received: search_space='{self.search_space.name}'"
            )
        if not self.search_space.has_discovery:
            check_at_least(1, coefficient_generations=self.coefficient_generations)

    @functools.cached_property
    def first_trees(self) -> list[Expression]:
        """What the population begins with: given expressions, then known losses, each once."""
        given = initial_trees(self.initial_expressions, self.search_space)
        known = starting_trees(list(self.initial_losses.values()), self.search_space)
        trees: dict[Expression, Expression] = {}
        for tree in (*given, *known):
            trees.setdefault(tree.canonical(), tree)
        return list(trees.values())

    @property
    def trainings_at_once(self) -> int:
        """Of a generation, each candidate at all rates that it is tried at first, at most."""
        size = self.population_size
        if not self.search_space.has_discovery:
            size = self.coefficient_population_size or size
        return size * (len(self.learning_rate_grid) if self.learning_rate == RateSource.OWN else 1)

    def trainings_before(self, references: int) -> int:
        """Of so many losses that are to beat, and at the rates among which one is chosen."""
        own = self.learning_rate == RateSource.OWN
        again = len(self.seeds_of_noise) if references else 0
        return references + again + own * len(LEARNING_RATE_FACTORS)

    @property
    def trainings_at_the_end(self) -> int:
        """Of finalists and for the comparison."""
        forms = MOST_FORMS if self.simplify else 1
        trainings = self.finalists * self.trainings_of_finalist(forms)
        trainings += self.trainings_of_known(len(self.initial_losses))
        if self.comparison_seeds:
            trainings += len(LEARNING_RATE_FACTORS) + 3 * self.comparison_seeds
        return trainings

    def trainings_of_known(self, losses: int) -> int:
        """Of so many known losses, where these are finalists, at most."""
        are_finalists = self.initial_losses and self.finalists
        return losses * self.trainings_of_finalist() if are_finalists else 0

    def trainings_of_finalist(self, forms: int = 1) -> int:
        """Of one in so many forms, with those that choose its rate, if it has one of its own."""
        of_rate = 4 if self.learning_rate == RateSource.OWN else 0  # around it, and at twice it
        return self.finalist_seeds * (of_rate + forms)

    @property
    def tuned_expressions(self) -> int:
        """How many expressions the coefficient phase tunes."""
        space = self.search_space
        if Phase.COEFFICIENTS not in space.phases:
            return 0
        return self.coefficient_expressions if space.has_discovery else 1

    @property
    def seeds_of_fitness(self) -> range:
        """Of a candidate's trainings."""
        return range(self.seed, self.seed + self.fitness_seeds)

    @property
    def seeds_of_confirmation(self) -> range:
        """Of the finalists' trainings: those after what they were selected on."""
        first = self.seeds_of_fitness.stop
        if self.learning_rate == RateSource.OWN:
            first = self.seeds_of_finalists_rates.stop
        return range(first, first + self.finalist_seeds)

    @property
    def seeds_of_finalists_rates(self) -> range:
        """Of the trainings that choose the finalists' learning rates, where these are their own."""
        first = self.seeds_of_fitness.stop
        return range(first, first + self.finalist_seeds)

    @property
    def seeds_of_noise(self) -> range:
        """With which the best reference is trained, too: they say how much seeds alone matter."""
        first = self.seeds_of_fitness.stop
        return range(first, first + _NOISE_SEEDS)

    @property
    def seeds_of_rates(self) -> range:
        """With which the compared losses are tuned; a single one may choose one near divergence."""
        return range(self.seed, self.seed + _RATE_SEEDS)

    def fresh_seeds(self, count: int) -> range:
        """The first ones that nothing is selected on."""
        first = self.seeds_of_confirmation.stop
        return range(first, first + count)

    def description(self) -> dict[str, Any]:
        """Everything that the search depends on beside its task, as nested JSON-ready data."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            **values,
            "search_space": _described(self.search_space) | _code(self.search_space),
            "operators": _described(self.operators) | _code(self.operators),
            "initial_expressions": [str(loss) for loss in self.initial_expressions],
            "initial_losses": _named(self.initial_losses) or None,
            "reference_losses": _named(self.reference_losses),
            "cma": cma.__version__,
            "gplearn": gplearn.__version__,
        }


def _named(losses: Losses | None) -> Any:
    """Losses as text, by their names if they have some."""
    if losses is None:
        return None
    if isinstance(losses, Mapping):
        return {str(name): str(loss) for name, loss in losses.items()}
    return [str(loss) for loss in losses]


def _described(thing: object) -> dict[str, Any]:
    """Class and public attributes, as far as they are plain data, for readers."""
    values: dict[str, Any] = {"class": stable_name(type(thing))}
    for name, value in getattr(thing, "__dict__", {}).items():
        if name.startswith("_") or name == "description":
            continue
        if isinstance(value, Parameterization):
            values[name] = {**_described(value), "at_start": str(value.expression(value.start))}
        elif callable(value):
            values[name] = _name(value)
        elif isinstance(value, dict):
            values[name] = {str(key): item for key, item in value.items()}
        elif value is None or isinstance(value, str | int | float | list | tuple):
            values[name] = value
    return {name: value for name, value in values.items() if _is_plain(value)}


def _is_plain(value: object) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _code(thing: object) -> dict[str, str]:
    """What tells a user's code from another of the same names, with all that it holds."""
    code = code_of(thing)
    return {} if code is None else {"code": code}


def _name(function: Callable[..., Any]) -> str:
    """Of a function or class, with what a `functools.partial` binds."""
    if isinstance(function, functools.partial):
        return f"{_name(function.func)}{_bound(function.args)}{_bound(function.keywords)}"
    named: Any = function if hasattr(function, "__qualname__") else type(function)
    return stable_name(named)


def _bound(arguments: object) -> str:
    return str(arguments) if _is_plain(arguments) else "(...)"
