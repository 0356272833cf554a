"""Searches for a loss of one task."""

from __future__ import annotations

import dataclasses
import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.suite.draws import Draw
from benchmarks.suite.measures import Measure
from benchmarks.suite.training import MOMENTUM, Recipe

REFERENCE_RATE = 0.03
_CHECKPOINTS = 10


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to search.

    Attributes:
        name: How what it finds is shown.
        settings: Arguments of `glo_tf.LossSearch` that differ.
    """

    name: str
    settings: Mapping[str, Any]


_USUAL: dict[str, Any] = {
    "learning_rate": "own",
    "population_size": 100,
    "elites": 6,
    "generations": 10,
    "coefficient_expressions": 3,
    "coefficient_generations": 8,
    "finalists": 8,
    "finalist_seeds": 3,
}
_CANDIDATES = _USUAL["population_size"] * _USUAL["generations"]

VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("found", {}),
        Variant("found at the given rate", {"learning_rate": "given"}),
        Variant("found with fixed coefficients", {"coefficient_expressions": 0}),
        Variant(
            "found by random search",
            {"population_size": _CANDIDATES, "elites": 1, "generations": 1},
        ),
        Variant("found without early stopping", {"strategy": "local"}),
        Variant("found without screening", {"screening": "none"}),
    )
}
"""By name. The first is what claims are made with; the others show why."""


def search(
    variant: Variant,
    measure: Measure,
    draws: Sequence[Draw],
    recipe: Recipe,
    seed: int,
    folder: pathlib.Path,
) -> dict[str, Any]:
    """The loss that one search found, if any, and its cost; goes on where it was cut off.

    Args:
        variant: How to search.
        measure: Its mean over the draws is the fitness.
        draws: Whose training and validation data it has, at least two.
        recipe: Of the trainings.
        seed: Of the search.
        folder: For its files.
    """
    import glo_tf
    from benchmarks.suite.stopping import EarlyStopping
    from glo_tf import search_spaces

    every = recipe.steps // _CHECKPOINTS
    stopping = EarlyStopping(range(every, recipe.steps + 1, every))
    space = search_spaces.glo() if draws[0].classes else search_spaces.glo_extended()
    settings: dict[str, Any] = {
        **_USUAL,
        "search_space": dataclasses.replace(space, begins_with=()),
        "strategy": stopping,
        **variant.settings,
    }
    began = time.perf_counter()
    result = glo_tf.LossSearch(
        tasks=[_trained_on(draw, measure, recipe) for draw in draws],
        comparison_seeds=0,
        reference_losses=[],
        seed=seed,
        output_dir=folder,
        **settings,
    ).run()
    return {
        "expression": result.best and str(result.best.loss),
        "fitness": result.best and result.best.fitness,
        "candidates": len(result.records),
        "steps": len(draws) * sum(record.steps for record in result.records),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _trained_on(draw: Draw, measure: Measure, recipe: Recipe) -> Any:
    """The setting of one draw."""
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
        optimizer=keras.optimizers.SGD(REFERENCE_RATE, momentum=MOMENTUM),
        learning_rate_decay="linear",
        train_steps=recipe.steps,
        batch_size=min(recipe.batch_size, len(draw.train[0])),
        standardize=False,  # the draw has
        metric=None if usual else Collected(measure.name),
        metric_mode="auto" if usual else ("max" if measure.largest else "min"),
    )
