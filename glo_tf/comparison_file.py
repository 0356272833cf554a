"""`comparison.json`: losses trained beside each other, as data that is checked when it is read."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np

FORMAT, VERSION = "glo_tf.comparison", 1

_MAX_BYTES = 50_000_000


@dataclasses.dataclass(frozen=True)
class ComparisonEntry:
    """The trainings of one loss.

    Attributes:
        name: How it is shown.
        expression: The whole loss, per class, as text.
        learning_rate: Of the trainings (per step); None is the optimizer's own.
        train_fraction: Share of the training data, in (0, 1].
        seeds: Of the trainings.
        values: By the name of what was measured, float64 `(seeds, steps)`; NaN where a training
            failed.
        mean: Of the metric at the last step; None if no training was finished.
        interval: Its confidence interval; None where there is none, as for one seed.
    """

    name: str
    expression: str
    learning_rate: float | None
    train_fraction: float
    seeds: tuple[int, ...]
    values: dict[str, np.ndarray]
    mean: float | None
    interval: tuple[float, float] | None


@dataclasses.dataclass(frozen=True)
class ComparisonTest:
    """One loss against the baseline.

    Attributes:
        train_fraction: Share of the training data.
        loss: Name of the loss.
        baseline: Name of what it is compared with.
        difference: Mean difference of the metric.
        interval: Its confidence interval.
        p_value: Of the test.
        p_value_corrected: The same for all tests together.
        effect_size: Difference in standard deviations.
    """

    train_fraction: float
    loss: str
    baseline: str
    difference: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    p_value_corrected: float | None
    effect_size: float | None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Everything in a `comparison.json`.

    Attributes:
        metric: Name of what is compared.
        mode: `"max"` or `"min"`: whether it is to be large or small.
        split: Data that it is measured on, such as `"test"`.
        confidence: Of the intervals, such as 0.95.
        steps: Training steps at which everything was measured.
        baseline: Name of what the losses are compared with.
        losses: One entry per loss, learning rate and train fraction.
        tests: Of the losses against the baseline.
        verdict: What it comes to, for readers.
    """

    metric: str
    mode: str
    split: str
    confidence: float
    steps: tuple[int, ...]
    baseline: str
    losses: tuple[ComparisonEntry, ...]
    tests: tuple[ComparisonTest, ...]
    verdict: str

    @property
    def train_fractions(self) -> list[float]:
        """All shares of the training data, in rising order."""
        return sorted({entry.train_fraction for entry in self.losses})

    def at(self, train_fraction: float) -> list[ComparisonEntry]:
        """The entries with one share of the training data, in order."""
        return [entry for entry in self.losses if entry.train_fraction == train_fraction]

    def label(self, entry: ComparisonEntry) -> str:
        """A name that tells an entry from the others: with the learning rate where it takes one."""
        alike = [other for other in self.at(entry.train_fraction) if other.name == entry.name]
        rate = "own" if entry.learning_rate is None else f"{entry.learning_rate:g}"
        return f"{entry.name}, learning rate {rate}" if len(alike) > 1 else entry.name


def read_comparison(path: pathlib.Path) -> Comparison:
    """Reads a `comparison.json`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such file, has another version, or lacks what belongs to it.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"Expected at most {_MAX_BYTES} bytes of comparison. Received: '{path}'")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Expected a JSON file ({error}). Received: '{path}'") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"Expected a file with format '{FORMAT}'. Received: '{path}'")
    if document.get("version") != VERSION:
        raise ValueError(
            f"Expected version {VERSION}. Received: version={document.get('version')!r} in '{path}'"
        )
    return _Reader(path).comparison(document)


class _Reader:
    """Takes fields out of JSON objects, with errors that name the field and the file."""

    def __init__(self, path: pathlib.Path):
        self._path = path

    def comparison(self, data: dict[str, Any]) -> Comparison:
        steps = self._integers(data, "steps")
        entries = [self._entry(entry, len(steps)) for entry in self._objects(data, "losses")]
        if not steps or not entries:
            raise self._error("steps and losses", "none")
        metric = self._text(data, "metric")
        for entry in entries:
            if metric not in entry.values:
                raise self._error(f"values of '{metric}' of each loss", sorted(entry.values))
        return Comparison(
            metric=metric,
            mode=self._text(data, "mode"),
            split=self._text(data, "split"),
            confidence=self._required(data, "confidence"),
            steps=steps,
            baseline=self._text(data, "baseline"),
            losses=tuple(entries),
            tests=tuple(self._test(test) for test in self._objects(data, "tests")),
            verdict=self._text(data, "verdict"),
        )

    def _entry(self, data: dict[str, Any], steps: int) -> ComparisonEntry:
        seeds = self._integers(data, "seeds")
        given = data.get("values")
        if not isinstance(given, dict) or not given:
            raise self._error("'values' by metric", given)
        values = {}
        for name, rows in given.items():
            try:
                array = np.array(rows, dtype=object)
                values[str(name)] = np.where(array == None, np.nan, array).astype(float)  # noqa: E711
                fits = values[str(name)].shape == (len(seeds), steps)
            except (TypeError, ValueError):
                fits = False
            if not fits:
                raise self._error(f"'{name}' of {len(seeds)} seeds and {steps} steps", rows)
        return ComparisonEntry(
            name=self._text(data, "name"),
            expression=self._text(data, "expression"),
            learning_rate=self._number(data, "learning_rate"),
            train_fraction=self._required(data, "train_fraction"),
            seeds=seeds,
            values=values,
            mean=self._number(data, "mean"),
            interval=self._interval(data),
        )

    def _test(self, data: dict[str, Any]) -> ComparisonTest:
        return ComparisonTest(
            train_fraction=self._required(data, "train_fraction"),
            loss=self._text(data, "loss"),
            baseline=self._text(data, "baseline"),
            difference=self._number(data, "difference"),
            interval=self._interval(data),
            p_value=self._number(data, "p_value"),
            p_value_corrected=self._number(data, "p_value_corrected"),
            effect_size=self._number(data, "effect_size"),
        )

    def _objects(self, data: dict[str, Any], name: str) -> list[dict[str, Any]]:
        value = data.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._error(f"a list '{name}' of objects", value)
        return value

    def _text(self, data: dict[str, Any], name: str) -> str:
        value = data.get(name)
        if not isinstance(value, str):
            raise self._error(f"a text '{name}'", value)
        return value

    def _number(self, data: dict[str, Any], name: str) -> float | None:
        value = data.get(name)
        if value is None:
            return None
        if not _is_number(value):
            raise self._error(f"a number '{name}'", value)
        return float(value)

    def _required(self, data: dict[str, Any], name: str) -> float:
        value = self._number(data, name)
        if value is None:
            raise self._error(f"a number '{name}'", value)
        return value

    def _integers(self, data: dict[str, Any], name: str) -> tuple[int, ...]:
        value = data.get(name)
        if not isinstance(value, list) or not all(type(item) is int for item in value):
            raise self._error(f"a list '{name}' of integers", value)
        return tuple(value)

    def _interval(self, data: dict[str, Any]) -> tuple[float, float] | None:
        value = data.get("interval")
        if value is None or value == [None, None]:
            return None
        if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
            raise self._error("an 'interval' of two numbers", value)
        return float(value[0]), float(value[1])

    def _error(self, expected: str, received: object) -> ValueError:
        return ValueError(f"Expected {expected} in '{self._path}'. Received: {str(received)[:80]}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
