"""One task: all losses tuned and tested, in a JSON file that is never half written."""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import os
import pathlib
import platform
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.suite import frozen, known, trials
from benchmarks.suite.data_sets import DATA_SETS
from benchmarks.suite.draws import Draw, drawn
from benchmarks.suite.known import Rival
from benchmarks.suite.measures import Decision
from benchmarks.suite.search import search
from benchmarks.suite.tasks import Task
from benchmarks.suite.training import RECIPE, Networks, Recipe, Trained
from benchmarks.suite.trials import BUDGET, Budget, Setting, Trial
from benchmarks.suite.variants import VARIANTS

OPTIMIZERS = ("sgd", "adam")
FIRST_FRESH = 100
"""The first seed of the draws that are tested; no trial and no search has one of these."""

logger = logging.getLogger("benchmarks.suite")


class OtherSettingsError(ValueError):
    """A file was made with other settings."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all tasks of a suite have in common."""

    recipe: Recipe = RECIPE
    budget: Budget = BUDGET

    @property
    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return {**dataclasses.asdict(self.recipe), **dataclasses.asdict(self.budget)}


class Unit:
    """A task, its file, and what is already in it.

    Args:
        task: The task.
        settings: Of the suite.
        folder: Of the JSON files.
        work: Of what searches need to go on; nothing in it is read by the page.

    Raises:
        OtherSettingsError: If there is a file that was made with other settings.
    """

    def __init__(self, task: Task, settings: Settings, folder: pathlib.Path, work: pathlib.Path):
        self.task, self._settings, self._work = task, settings, work
        self.path = folder / f"{file_name(task.name)}.json"
        self._draws = functools.lru_cache(maxsize=settings.budget.seeds)(self._drawn)
        self.document: dict[str, Any] = {
            "task": task.name,
            "measure": task.measure.name,
            "largest": task.measure.largest,
            "points": task.measure.points,
            "settings": settings.as_data,
            "searches": {},
            "frozen": {},
            "entries": {optimizer: {} for optimizer in OPTIMIZERS},
            "seconds": 0.0,
        }
        if self.path.exists():
            held = json.loads(self.path.read_text(encoding="utf-8"))
            if held["settings"] != settings.as_data:
                raise OtherSettingsError(
                    f"Expected a file with settings {settings.as_data}; remove it, or name another "
                    f"output. Received: '{self.path}' with {held['settings']}"
                )
            self.document = held
        self.document["machine"] = machine()

    def run(self, variants: Sequence[str]) -> None:
        """Does what is not done yet.

        Args:
            variants: Names of the searches.
        """
        draw = self._draws(0)
        self.document["data"] = {
            "samples": len(_table(self.task.data_set).y),
            "features": draw.train[0].shape[1],
            "classes": draw.classes,
            **{part: len(getattr(draw, part)[1]) for part in ("train", "validation", "test")},
        }
        for optimizer in OPTIMIZERS:
            self._enter(optimizer, self.task.rivals)
        for name in variants:
            done = name in self.document["searches"]
            if not done and VARIANTS[name].is_for(self.task.space):
                self.document["searches"][name] = self._searched(name)
                self._write()
        found = [
            self._found(name, of["expression"])
            for name, of in self.document["searches"].items()
            if of["expression"]
        ]
        own = frozen.of_task(self.task)
        self.document["frozen"] = {one.name: one.text_of_it for one in own}
        found += [one.rival for one in own]
        for optimizer in OPTIMIZERS:
            self._enter(optimizer, found)

    def _found(self, name: str, expression: str) -> Rival:
        of_classes = self._draws(0).classes
        return (known.found if of_classes else known.found_of_numbers)(name, expression)

    def _searched(self, name: str) -> dict[str, Any]:
        logger.info("%s: %s", self.task.name, name)
        folder = self._work / file_name(self.task.name) / file_name(name)
        variant = VARIANTS[name]
        before = variant.steps_of and self.document["searches"][variant.steps_of]
        return search(
            variant,
            self.task.space,
            self.task.measure,
            [self._draws(seed) for seed in range(self._settings.budget.draws)],
            self._settings.recipe,
            seed=0,
            folder=folder,
            steps=before["steps"] if before else None,
        )

    def _enter(self, optimizer: str, rivals: Sequence[Rival]) -> None:
        """Tunes and tests those that are not there yet."""
        entries = self.document["entries"][optimizer]
        missing = [rival for rival in rivals if rival.name not in entries]
        if not missing:
            return
        usual = self.task.rivals[0]  # steepness is relative to it
        networks = Networks(
            [usual, *(rival for rival in missing if rival.name != usual.name)],
            self._draws(0).classes,
            optimizer,
            self._settings.recipe,
        )
        for rival in missing:
            began = time.perf_counter()
            entries[rival.name] = self._entry(networks, rival, optimizer)
            self.document["seconds"] += time.perf_counter() - began
            self._write()
            logger.info("%s: %s with %s", self.task.name, rival.name, optimizer)

    def _entry(self, networks: Networks, rival: Rival, optimizer: str) -> dict[str, Any]:
        budget = self._settings.budget

        def tried(setting: Setting) -> Trial:
            seen = [self._seen(networks, rival, setting, seed) for seed in range(budget.draws)]
            sound = [each for each in seen if each is not None]
            if len(sound) < len(seen):
                return Trial(setting, None, None)
            return Trial(
                setting,
                trials.rounded(float(np.mean([each.stopped for each in sound]))),
                trials.rounded(float(np.mean([each.last for each in sound]))),
            )

        done = trials.tuned(
            rival,
            optimizer,
            budget,
            lambda p: networks.steepness(rival.name, p, self._draws(0).shares),
            tried,
        )
        stopped, last = trials.best(done), trials.best(done, stopped=False)
        tested = self._tested(networks, rival, stopped.setting)
        ends = tested if last is stopped else self._tested(networks, rival, last.setting)
        return {
            "trials": trials.as_data(done),
            "chosen": done.index(stopped),
            "chosen by the last step": done.index(last),
            "tested": [None if one is None else trials.rounded(one[0]) for one in tested],
            "tested at the last step": [
                None if one is None else trials.rounded(one[1]) for one in ends
            ],
            "checkpoints": [None if one is None else one[2] for one in tested],
        }

    def _tested(
        self, networks: Networks, rival: Rival, setting: Setting
    ) -> list[tuple[float, float, int] | None]:
        """Of each fresh draw what the test data give: stopped, at the end, and where it stopped."""
        found: list[tuple[float, float, int] | None] = []
        for seed in range(FIRST_FRESH, FIRST_FRESH + self._settings.budget.seeds):
            seen = self._seen(networks, rival, setting, seed)
            tested = None if seen is None else seen.on_test_data(self._draws(seed))
            found.append(tested if tested is None or np.isfinite(tested).all() else None)
        return found

    def _seen(self, networks: Networks, rival: Rival, setting: Setting, seed: int) -> _Seen | None:
        """A training, looked at on validation data; None if it diverged."""
        draw = self._draws(seed)
        trained = networks.train(rival.name, draw, seed, setting.rate, setting.parameters)
        if not trained.finite:
            return None
        seen = _Seen.of(self.task, rival, draw, trained)
        return seen if np.isfinite(seen.values).all() else None  # weights of 1e30 are finite, too

    def _drawn(self, seed: int) -> Draw:
        return drawn_of(self.task, seed)

    def _write(self) -> None:
        self.document["seconds"] = round(self.document["seconds"], 1)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".part")
        beside.write_text(
            json.dumps(self.document, separators=(",", ":"), allow_nan=False), encoding="utf-8"
        )
        os.replace(beside, self.path)


@dataclasses.dataclass(frozen=True)
class _Seen:
    """A training, what its checkpoints gave on validation data, and how it is decided at each."""

    task: Task
    trained: Trained
    decisions: tuple[Decision, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, task: Task, rival: Rival, draw: Draw, trained: Trained) -> _Seen:
        x, y = draw.validation
        decide: Callable[..., Decision] = task.decide or rival.decide
        decisions, values = [], []
        for checkpoint in range(len(trained.weights[0])):
            scores = trained.scores(x, checkpoint)
            decisions.append(decide(scores, y, task.measure, draw.shares))
            values.append(task.measure.better(decisions[-1](scores), y))
        return cls(task, trained, tuple(decisions), tuple(values))

    @property
    def place(self) -> int:
        """The checkpoint at which it is stopped: the first of the best."""
        return int(np.argmax(self.values))

    @property
    def stopped(self) -> float:
        return self.values[self.place]

    @property
    def last(self) -> float:
        return self.values[-1]

    def on_test_data(self, draw: Draw) -> tuple[float, float, int]:
        """The metric where it is stopped, and at the end; and where that is."""
        x, y = draw.test
        stopped, last = (
            self.task.measure.of(self.decisions[place](self.trained.scores(x, place)), y)
            for place in (self.place, len(self.values) - 1)
        )
        return stopped, last, self.place


def file_name(name: str) -> str:
    """Of a name that may have slashes, spaces and colons, on any system."""
    parts = {"/": "_", " ": "-", "%": "percent", ":": "-to-"}
    return name.translate(str.maketrans(parts))


def machine() -> str:
    """Processor and cores."""
    path = pathlib.Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def drawn_of(task: Task, seed: int) -> Draw:
    """A draw of a task."""
    return drawn(_table(task.data_set), task.damage, seed, task.sizes)


@functools.lru_cache(maxsize=2)
def _table(data_set: str) -> Any:
    return DATA_SETS[data_set].load()
