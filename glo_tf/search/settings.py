"""The settings of a search, checked, and as data that tells one search from another."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Callable
from typing import Any

import cma
import gplearn

from glo_tf.expressions.tree import Expression
from glo_tf.identity.code_identity import code_of
from glo_tf.results.record import Phase
from glo_tf.screening.screen import Screening
from glo_tf.search.coefficients.parameterization import Parameterization
from glo_tf.search.genetic.evolution import Operators
from glo_tf.search.genetic.first_generation import initial_trees
from glo_tf.search.spaces.space import SearchSpace


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """What decides the course of a search, beside its task; `glo_tf.LossSearch` explains each.

    Raises:
        ValueError: If one is out of range or does not fit another.
    """

    search_space: SearchSpace
    operators: Operators
    initial_expressions: tuple[Expression, ...]
    population_size: int
    elites: int
    generations: int
    fitness_seeds: int
    parsimony_coefficient: float
    coefficient_expressions: int
    coefficient_generations: int
    coefficient_population_size: int | None
    coefficient_sigma0: float
    finalists: int
    finalist_seeds: int
    comparison_seeds: int
    screening: Screening
    racing: bool
    seed: int

    def __post_init__(self) -> None:
        self._check_at_least(1, "population_size", "generations", "fitness_seeds", "finalist_seeds")
        self._check_at_least(
            0,
            "elites",
            "coefficient_expressions",
            "coefficient_generations",
            "finalists",
            "comparison_seeds",
            "seed",
        )
        if self.elites >= self.population_size:
            raise ValueError(
                "Expected a population_size larger than elites. "
                f"Received: population_size={self.population_size}, elites={self.elites}"
            )
        given = len(initial_trees(self.initial_expressions, self.search_space))
        if given > self.population_size:
            raise ValueError(
                "Expected at most population_size initial_expressions. "
                f"Received: population_size={self.population_size}, {given} initial_expressions"
            )
        if not (math.isfinite(self.parsimony_coefficient) and self.parsimony_coefficient >= 0):
            raise ValueError(
                "Expected a finite parsimony_coefficient of at least 0. "
                f"Received: parsimony_coefficient={self.parsimony_coefficient}"
            )
        if self.coefficient_population_size is not None:
            self._check_at_least(2, "coefficient_population_size")
        if not 0 < self.coefficient_sigma0 < math.inf:
            raise ValueError(
                "Expected a positive, finite coefficient_sigma0. "
                f"Received: coefficient_sigma0={self.coefficient_sigma0}"
            )
        if self.initial_expressions and not self.search_space.has_discovery:
            raise ValueError(
                "Expected a search space with a discovery phase for initial_expressions. "
                f"Received: search_space='{self.search_space.name}'"
            )
        if not self.search_space.has_discovery:
            self._check_at_least(1, "coefficient_generations")

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
        return range(first, first + self.finalist_seeds)

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
            "cma": cma.__version__,
            "gplearn": gplearn.__version__,
        }

    def _check_at_least(self, least: int, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"Expected {name} of at least {least}. Received: {name}={value}")


def _described(thing: object) -> dict[str, Any]:
    """Class and public attributes, as far as they are plain data, for readers."""
    values: dict[str, Any] = {"class": f"{type(thing).__module__}.{type(thing).__qualname__}"}
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
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def _bound(arguments: object) -> str:
    return str(arguments) if _is_plain(arguments) else "(...)"
