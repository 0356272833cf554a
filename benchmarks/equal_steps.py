"""Two searches of one draw with as many training steps: at own learning rates, at the given one."""

from __future__ import annotations

import pathlib
import statistics
from typing import Any

from step_limit import StepLimit

GIVEN = 0.1
"""Learning rate of the optimizer."""


def searched_twice(
    data: dict[str, Any], settings: dict[str, Any], folder: pathlib.Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a search at own rates found, and one at the given rate for as many steps.

    Args:
        data: Arguments of `glo_tf.LossSearch`, with or without `"test_data"`, which none sees.
        settings: Further ones; the generations are those with own rates.
        folder: Of both searches.
    """
    data = {name: value for name, value in data.items() if name != "test_data"}
    own = _searched(data, settings, "own", folder, None)
    longer = {"generations": 2, "coefficient_generations": 20}
    more = {name: times * settings[name] for name, times in longer.items()}
    return own, _searched(data, settings | more, "given", folder, own["steps"])


def _searched(
    data: dict[str, Any],
    settings: dict[str, Any],
    rates: str,
    folder: pathlib.Path,
    budget: int | None,
) -> dict[str, Any]:
    """One search; it ends with its generations, or after `budget` training steps."""
    import keras

    import glo_tf

    limit = StepLimit(budget)
    result = glo_tf.LossSearch(
        **data,
        **settings,
        optimizer=keras.optimizers.SGD(GIVEN),
        learning_rate=rates,
        comparison_seeds=0,
        output_dir=folder / rates,
        callbacks=[limit],
    ).run()
    trained = [record.steps for record in result.records if record.steps]
    return {
        "loss": str(result.best.loss),
        "learning_rate": result.best.candidate.hyperparameters.learning_rate or GIVEN,
        "steps": limit.steps,
        "trainings a candidate": statistics.fmean(trained) / settings["train_steps"],
        "candidates": len(trained),
    }
