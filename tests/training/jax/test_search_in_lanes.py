"""A search whose candidates train side by side."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

import glo_tf
from glo_tf.architectures import NamedArchitecture
from glo_tf.results.record import Record, Source
from glo_tf.testing.small_task import small_data

SHAPE, CLASSES = (4, 4, 1), 3
TRAIN, VALIDATION = (small_data(SHAPE, CLASSES, 64, seed=seed) for seed in (1, 2))


def search(folder: pathlib.Path, **changes: Any) -> glo_tf.LossSearch:
    settings: dict[str, Any] = {
        "train_steps": 20,
        "batch_size": 16,
        "lanes": 3,
        "population_size": 12,
        "elites": 2,
        "generations": 3,
        "initial_expressions": ["-(log(y) - x/y)", "-(x*log(y))", "square(x - y)"],
        "coefficient_expressions": 1,
        "coefficient_generations": 1,
        "finalists": 2,
        "finalist_seeds": 1,
        "comparison_seeds": 0,
        "output_dir": folder,
        "callbacks": [],
    }
    model = NamedArchitecture("mlp", SHAPE, CLASSES)
    return glo_tf.LossSearch(model, TRAIN, VALIDATION, **{**settings, **changes})


class Interrupt(glo_tf.Callback):
    """Ctrl-C amid a generation, while others train."""

    def __init__(self) -> None:
        self.trained = 0

    def on_evaluation(self, record: Record) -> None:
        self.trained += record.source == Source.TRAINED
        if self.trained == 4:
            raise KeyboardInterrupt


@pytest.mark.usefixtures("shared_trainers")
def test_a_search_in_lanes_is_resumed_byte_for_byte(tmp_path: pathlib.Path) -> None:
    whole = search(tmp_path / "whole").run()
    assert search(tmp_path / "cut", callbacks=[Interrupt()]).run().interrupted
    resumed = search(tmp_path / "cut").run()
    history = [(tmp_path / name / "history.csv").read_bytes() for name in ("whole", "cut")]
    assert history[0] == history[1]
    assert resumed.best == whole.best
    assert np.isfinite(whole.best.fitness)
    with pytest.raises(ValueError, match="lanes"):
        search(tmp_path / "cut", lanes=4).run()
