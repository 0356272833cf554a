"""A comparison as `--mode=compare` writes it, of made-up trainings."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glo_tf.comparison.verdict import conclude
from glo_tf.data.split import Split
from glo_tf.metrics.mode import Mode
from glo_tf.results.comparison import Comparison
from glo_tf.results.loss_trainings import LossTrainings

STEPS = [100, 200, 300, 400]
MEANS = {"cross-entropy": 0.90, "baikal": 0.94, "<b>$odd$</b> & loss": 0.88}
LOSSES = ("-(x*log(y))", "-(log(y) - x/y)", "-(x*y)")


def document() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    losses, tests = [], []
    for fraction in (0.1, 1.0):
        for (name, mean), expression in zip(MEANS.items(), LOSSES, strict=True):
            end = mean - 0.1 * (1.0 - fraction)
            curve = end - 0.3 * np.exp(-np.array(STEPS) / 100)
            accuracy = curve + rng.normal(0.0, 0.005, (3, len(STEPS)))
            losses.append(
                {
                    "name": name,
                    "tuned": False,
                    "expression": expression,
                    "learning_rate": 0.01,
                    "train_fraction": fraction,
                    "seeds": [1, 2, 3],
                    "metric": "accuracy",
                    "split": "test",
                    "values": {
                        "test": {
                            "accuracy": accuracy.tolist(),
                            "nll": (1.0 - accuracy).tolist(),
                            "ece": (0.5 - accuracy / 2).tolist(),
                        },
                        "validation": {"accuracy": (accuracy + 0.001).tolist()},
                    },
                    "fitnesses": accuracy[:, -1].tolist(),
                    "mean": float(accuracy[:, -1].mean()),
                    "interval": [end - 0.01, end + 0.01],
                }
            )
        tests.append(
            {
                "train_fraction": fraction,
                "loss": "baikal",
                "tuned": False,
                "baseline": "cross-entropy",
                "baseline_tuned": False,
                "difference": 0.04,
                "interval": [0.03, 0.05],
                "p_value": 0.001,
                "p_value_corrected": 0.002,
                "effect_size": 3.1,
            }
        )
    return {
        "format": "glo_tf.comparison",
        "version": 2,
        "metric": "accuracy",
        "mode": "max",
        "split": "test",
        "confidence": 0.95,
        "steps": STEPS,
        "baseline": "cross-entropy",
        "baseline_tuned": False,
        "losses": losses,
        "tests": tests,
        "verdict": "Baikal is better than <cross-entropy>.",
    }


def write(folder: pathlib.Path, **changes: Any) -> pathlib.Path:
    path = folder / "comparison.json"
    path.write_text(json.dumps({**document(), **changes}), encoding="utf-8")
    return path


def entry(name: str, ends: Sequence[float | None], **fields: Any) -> LossTrainings:
    """The trainings of one loss, which ended with these accuracies."""
    given = {
        "name": name,
        "tuned": False,
        "expression": "-(x*log(y))" if name == "cross-entropy" else "-(log(y) - x/y)",
        "learning_rate": 0.01,
        "train_fraction": 1.0,
        "seeds": tuple(range(len(ends))),
        "metric": "accuracy",
        "split": Split.TEST,
        "values": {Split.TEST: {"accuracy": tuple((end,) for end in ends)}},
        "fitnesses": tuple(end or 0.0 for end in ends),
    }
    return LossTrainings.of(**{**given, **fields})


def of(ends: Mapping[str, Sequence[float | None]]) -> Comparison:
    """A comparison of losses by their names, whose trainings ended with these accuracies."""
    entries = [
        entry(name, values, expression=f"-(x*log(y)*{place + 1})")
        for place, (name, values) in enumerate(ends.items())
    ]
    return conclude(
        entries,
        metric="accuracy",
        mode=Mode.MAX,
        split=Split.TEST,
        steps=(400,),
        baseline=entries[0].name,
    )
