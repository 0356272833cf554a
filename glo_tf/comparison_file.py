"""`comparison.json`: a comparison as data, checked when it is read."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

from glo_tf.comparison import Comparison, LossTest, LossTrainings
from glo_tf.files import user_path, write_whole
from glo_tf.json_file import read_document

FORMAT, VERSION = "glo_tf.comparison", 1

_MAX_BYTES = 50_000_000


def write_comparison(comparison: Comparison, path: str | os.PathLike[str]) -> None:
    """Writes a `comparison.json`; a crash leaves the old file or the new one."""
    write_whole(path, as_document(comparison))


def as_document(comparison: Comparison) -> bytes:
    """The content of the file."""
    document = {"format": FORMAT, "version": VERSION, **comparison.as_dict()}
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def read_comparison(path: str | os.PathLike[str]) -> Comparison:
    """Reads a `comparison.json`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such file, has another version, or lacks what belongs to it.
    """
    path = user_path(path)
    document = read_document(path, FORMAT, VERSION, _MAX_BYTES)
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

    def _entry(self, data: dict[str, Any], steps: int) -> LossTrainings:
        seeds = self._integers(data, "seeds")
        given = data.get("values")
        if not isinstance(given, dict) or not given:
            raise self._error("'values' by metric", given)
        values = {}
        for name, rows in given.items():
            try:
                values[str(name)] = tuple(tuple(map(_value, of_seed)) for of_seed in rows)
                lengths = list(map(len, values[str(name)]))
            except (TypeError, ValueError):
                lengths = []
            if lengths != [steps] * len(seeds):
                raise self._error(f"'{name}' of {len(seeds)} seeds and {steps} steps", rows)
        return LossTrainings(
            name=self._text(data, "name"),
            expression=self._text(data, "expression"),
            learning_rate=self._number(data, "learning_rate"),
            train_fraction=self._required(data, "train_fraction"),
            seeds=seeds,
            values=values,
            mean=self._number(data, "mean"),
            interval=self._interval(data),
        )

    def _test(self, data: dict[str, Any]) -> LossTest:
        return LossTest(
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
        return ValueError(f"Expected {expected}. Received: {str(received)[:80]} in '{self._path}'")


def _value(value: object) -> float | None:
    if value is not None and not _is_number(value):
        raise ValueError
    return value  # type: ignore[return-value]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
