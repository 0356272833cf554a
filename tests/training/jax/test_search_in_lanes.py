"""A search whose candidates train side by side."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import numpy as np
import pytest

import glo_tf
from glo_tf.architectures import NamedArchitecture
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.results.record import Record, Source
from glo_tf.testing.small_task import small_data
from glo_tf.training.jax import lane_memory

SHAPE, CLASSES = (4, 4, 1), 3
MODEL = NamedArchitecture("mlp", SHAPE, CLASSES)
TRAIN, VALIDATION = (small_data(SHAPE, CLASSES, 64, seed=seed) for seed in (1, 2))


def search(folder: pathlib.Path | None, **changes: Any) -> glo_tf.LossSearch:
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
    return glo_tf.LossSearch(MODEL, TRAIN, VALIDATION, **{**settings, **changes})


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


class OfMemory:
    """A device with so much of it."""

    platform, device_kind = "gpu", "gpu"

    def __init__(self, free: int):
        self._free = free

    def memory_stats(self) -> dict[str, int]:
        return {"bytes_limit": self._free}


ROOMY, TIGHT = OfMemory(2**34), OfMemory(2**20)
SETTINGS: dict[str, Any] = {"train_steps": 2, "batch_size": 16, "lanes": "auto"}


def searching(folder: pathlib.Path | None, **settings: Any) -> Any:
    made = search(folder, lanes="auto", **settings)
    return made, made._open


def comparing(folder: pathlib.Path | None, **settings: Any) -> Any:
    made = glo_tf.LossComparison(
        MODEL,
        TRAIN,
        VALIDATION,
        test_data=None,
        losses=["-(x*log(y))", "square(x - y)"],
        output_dir=folder,
        train_fraction=[1.0, 0.5],
        **SETTINGS,
        **settings,
    )
    return made, lambda: opened(made, made._tasks[1.0])


def recommending(folder: pathlib.Path | None, **settings: Any) -> Any:
    made = glo_tf.LossRecommendation(
        MODEL, TRAIN, VALIDATION, output_dir=folder, **SETTINGS, **settings
    )
    return made, lambda: opened(made, made.task)


def opened(made: Any, task: Any) -> Dispatcher:
    return Dispatcher(task, made.strategy, made._folder.open_study(1.0), made._policy)


@pytest.mark.parametrize("make", [searching, comparing, recommending])
def test_what_is_said_of_lanes_is_what_workers_have(make, tmp_path, monkeypatch) -> None:
    """Those that an earlier run began with, and one where workers have no lanes."""

    def said(device: OfMemory, folder: pathlib.Path | None, **settings: Any) -> tuple[int, Any]:
        monkeypatch.setattr(lane_memory, "used_device", lambda: device)
        made, open_ = make(folder, **settings)
        (lanes,) = re.findall(r"; (\d+) candidates side by side", repr(made))
        return int(lanes), open_

    few, _ = said(TIGHT, None)
    many, open_ = said(ROOMY, tmp_path)
    assert few < many
    dispatcher = open_()
    assert dispatcher._task.lanes == many
    dispatcher.close()
    assert said(TIGHT, tmp_path)[0] == many
    assert said(ROOMY, None, candidate_timeout=60.0)[0] == 1
