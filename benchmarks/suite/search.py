"""Searches for a loss of one task."""

from __future__ import annotations

import dataclasses
import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.suite.draws import Draw
from benchmarks.suite.measures import Measure
from benchmarks.suite.training import MOMENTUM, Recipe

if TYPE_CHECKING:
    import glo_tf
    from glo_tf.search_spaces import SearchSpace

REFERENCE_RATE = 0.03
_CHECKPOINTS = 10


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to search.

    Attributes:
        name: How what it finds is shown.
        settings: Arguments of `glo_tf.LossSearch` that differ.
        random: Whether trees are random in all generations.
        constants: Whether trees have real constants, beside the nodes of the task's search space.
        steps_of: Name of a variant that has run before, and whose training steps end this one.
        space: In place of the task's search space.
        nodes: Weights of nodes beside those of the search space.
        begins_with: By the search spaces of the tasks that it is for, with which losses it begins
            beside the known ones; None if it is for all tasks.
        against: Name of the variant from which it differs in one thing.
    """

    name: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    random: bool = False
    constants: bool = True
    steps_of: str | None = None
    space: str | None = None
    nodes: Mapping[str, float] = dataclasses.field(default_factory=dict)
    begins_with: Mapping[str, Sequence[str]] | None = None
    against: str = "found"

    def is_for(self, space: str) -> bool:
        """Whether it is one for tasks with this search space."""
        return self.begins_with is None or space in self.begins_with

    def space_of(self, name: str) -> SearchSpace:
        """The search space that takes the place of a task's."""
        from glo_tf import search_spaces

        space = getattr(search_spaces, self.space or name)()
        weights = {**space.weights, **self.nodes}
        space = dataclasses.replace(
            space, weights=weights, begins_with=(), begins_with_of_classes=()
        )
        return with_constants(space) if self.constants else space


_USUAL: dict[str, Any] = {
    "initial_losses": "library",
    "learning_rate": "own",
    "population_size": 100,
    "elites": 6,
    "generations": 10,
    "coefficient_expressions": 3,
    "coefficient_generations": 8,
    "finalists": 8,
    "finalist_seeds": 3,
}
_BETWEEN = "library, class_weighted(power=0.7), logit_adjusted(tau=0.7)"
"""For losses that see n: those with a power of it that CMA-ES can tune."""
_RANDOM: dict[str, Any] = {"initial_losses": None}
_FADING = (
    "-(log(y)*(x*(1 - t) + y*t))",
    "-(x*log(y)*(1 - t) + square(t)*(y*log(y)))",
    "-(x*(y + 0.1*log(y)) + t*(y*log(y)))",
    "-(x*(y + 0.1*log(y))*(1 - t) + square(t)*(y*log(y)))",
)
"""For losses that see t, beside known ones: learn from labels first, then grow sure of it."""
_SMOOTHED = (
    "-(log(y)*(1 + x/n))",
    "-(x*log(n*y/total(n*y)) + 0.02*log(y))",
    "-(x*log(n*y/total(n*y)) + 0.02*((1 - t)*log(y)))",
    "-(x*log(y*exp(0.9*log(n))/total(y*exp(0.9*log(n)))) + 0.02*((1 - t)*log(y)))",
)
"""The same with long tails: adjust to n, and keep a share of all classes, for good or at first."""
_FIXED = "found from random trees with fixed coefficients"

VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("found"),
        Variant(
            "found with t",
            nodes={"t": 2.0},
            begins_with={"glo": _FADING, "glo_long_tail": _SMOOTHED},
        ),
        Variant("found from random trees", _RANDOM),
        Variant("found without real constants", constants=False),
        Variant("found at the given rate", {"learning_rate": "given"}),
        Variant(
            _FIXED, {**_RANDOM, "coefficient_expressions": 0}, against="found from random trees"
        ),
        Variant(
            "found by random search",
            {**_RANDOM, "coefficient_expressions": 0, "generations": 100},
            random=True,
            steps_of=_FIXED,
            against=_FIXED,
        ),
        Variant("found without n", space="glo", begins_with={"glo_long_tail": ()}),
        Variant("found without early stopping", {"strategy": "local"}),
        Variant("found without screening", {"screening": "none"}),
    )
}
"""By name. The first is what claims are made with; the others show why."""


def chosen_variants(names: Sequence[str]) -> list[str]:
    """Names of variants, each after what it needs.

    Args:
        names: Of variants, or `all`.

    Raises:
        ValueError: If there is no such one, or one that it needs is not before it.
    """
    chosen = list(VARIANTS) if list(names) == ["all"] else list(names)
    for place, name in enumerate(chosen):
        if name not in VARIANTS:
            raise ValueError(
                f"Expected all, or variants among {', '.join(VARIANTS)}. Received: variants={name}"
            )
        needed = VARIANTS[name].steps_of
        if needed and needed not in chosen[:place]:
            raise ValueError(f"Expected '{needed}' before '{name}'. Received: variants={names}")
    return chosen


def search(
    variant: Variant,
    space_name: str,
    measure: Measure,
    draws: Sequence[Draw],
    recipe: Recipe,
    seed: int,
    folder: pathlib.Path,
    steps: int | None = None,
) -> dict[str, Any]:
    """The loss that one search found, if any, and its cost; goes on where it was cut off.

    Args:
        variant: How to search.
        space_name: Of the search space.
        measure: Its mean over the draws is the fitness.
        draws: Whose training and validation data it has, at least two.
        recipe: Of the trainings.
        seed: Of the search.
        folder: For its files.
        steps: After how many it ends before its last generation; None for no limit.
    """
    import glo_tf
    from benchmarks.step_limit import StepLimit
    from benchmarks.suite.frozen import FROZEN
    from benchmarks.suite.random_search import RandomTrees
    from benchmarks.suite.stopping import EarlyStopping
    from glo_tf.losses.named import NAMED_LOSSES

    for one in FROZEN:
        NAMED_LOSSES.pop(one.name, None)  # a task's own search does not begin with these
    every = recipe.steps // _CHECKPOINTS
    stopping = EarlyStopping(range(every, recipe.steps + 1, every))
    space = variant.space_of(space_name)
    settings: dict[str, Any] = {
        **_USUAL,
        **({"initial_losses": _BETWEEN} if space.needs("frequencies") else {}),
        "search_space": space,
        "operators": RandomTrees(space) if variant.random else None,
        "strategy": stopping,
        "initial_expressions": (variant.begins_with or {}).get(space_name, ()),
        "callbacks": [] if steps is None else [StepLimit(steps // len(draws))],
        **variant.settings,
    }
    began = time.perf_counter()
    result = glo_tf.LossSearch(
        tasks=[trained_on(draw, measure, recipe) for draw in draws],
        comparison_seeds=0,
        reference_losses=[],
        seed=seed,
        output_dir=folder,
        **settings,
    ).run()
    return {
        "expression": result.found and str(result.found.loss),
        "fitness": result.best and result.best.fitness,
        "candidates": len(result.records),
        "steps": len(draws) * sum(record.steps for record in result.records),
        "seconds": round(time.perf_counter() - began, 1),
    }


def with_constants(space: SearchSpace) -> SearchSpace:
    """The same with the real constants of `glo_constants`."""
    from glo_tf import search_spaces

    given = search_spaces.glo_constants()
    return dataclasses.replace(
        space,
        const_range=given.const_range,
        const_weight=given.const_weight,
        coefficient_sigma0=given.coefficient_sigma0,
    )


def trained_on(
    draw: Draw, measure: Measure, recipe: Recipe, rate: float = REFERENCE_RATE
) -> glo_tf.TaskArguments:
    """The setting of one draw, as a task of a search.

    Args:
        draw: The data.
        measure: The fitness.
        recipe: Of the trainings.
        rate: Of SGD.
    """
    import keras

    import glo_tf
    from benchmarks.suite.fitness import Collected

    features, classes = draw.train[0].shape[1], draw.classes

    def model() -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((features,)),
                keras.layers.Dense(recipe.units, activation="relu"),
                keras.layers.Dense(classes or 1, activation="softmax" if classes else None),
            ]
        )

    def data(samples: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        x, y = samples
        return x.astype(np.float32), y if classes else y.astype(np.float32)[:, None]

    usual = measure.name == "accuracy"
    return glo_tf.TaskArguments(
        model,
        data(draw.train),
        data(draw.validation),
        optimizer=keras.optimizers.SGD(rate, momentum=MOMENTUM),
        learning_rate_decay="linear",
        train_steps=recipe.steps,
        batch_size=min(recipe.batch_size, len(draw.train[0])),
        standardize=False,  # the draw has
        metric=None if usual else Collected(measure.name),
        metric_mode="auto" if usual else ("max" if measure.largest else "min"),
    )
