"""Searches for a loss of one task."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.suite.draws import Draw
from benchmarks.suite.measures import Measure
from benchmarks.suite.training import MOMENTUM, Recipe
from benchmarks.suite.variants import Variant

if TYPE_CHECKING:
    import glo_tf

REFERENCE_RATE = 0.03
_CHECKPOINTS = 10
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
