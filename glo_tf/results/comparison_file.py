"""`comparison.json`: a comparison as data, checked when it is read."""

from __future__ import annotations

import itertools
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from glo_tf.errors import InvalidFileError
from glo_tf.metrics.mode import Mode
from glo_tf.utils.display_text import legible
from glo_tf.utils.json_file import is_count, is_finite, read_document, shown

FORMAT, VERSION = "glo_tf.comparison", 1

_MAX_BYTES = 50_000_000


def as_document(data: Mapping[str, Any]) -> bytes:
    """The content of the file.

    Args:
        data: See `Comparison.as_dict`.
    """
    document = {"format": FORMAT, "version": VERSION, **data}
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def read_fields(path: pathlib.Path) -> dict[str, Any]:
    """Reads a `comparison.json`.

    Returns:
        The fields of a `Comparison`, checked; its losses and tests as tuples of theirs.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such file, has another version, or lacks what belongs to it.
    """
    document = read_document(path, FORMAT, VERSION, _MAX_BYTES)
    return _Reader(path).comparison(document)


class _Reader:
    """Takes fields out of JSON objects, with errors that name the field and the file."""

    def __init__(self, path: pathlib.Path):
        self._path = path

    def comparison(self, data: dict[str, Any]) -> dict[str, Any]:
        steps = self._counts(data, "steps")
        entries = [self._entry(entry, len(steps)) for entry in self._objects(data, "losses")]
        if not steps or not entries:
            raise self._error("steps and losses", [])
        if steps[0] < 1 or any(one >= other for one, other in itertools.pairwise(steps)):
            raise self._error("'steps' that rise from 1 on", steps)
        named = [(entry["name"], entry["train_fraction"]) for entry in entries]
        if len(set(named)) < len(named):
            raise self._error("each name once for each 'train_fraction'", named)
        metric = self._text(data, "metric")
        for entry in entries:
            if metric not in entry["values"]:
                raise self._error(f"values of '{metric}' of each loss", sorted(entry["values"]))
        return {
            "metric": metric,
            "mode": Mode(self._one_of(tuple(Mode), data, "mode")),
            "split": self._one_of(("test", "validation"), data, "split"),
            "confidence": self._share(data, "confidence"),
            "steps": steps,
            "baseline": legible(self._text(data, "baseline")),
            "losses": tuple(entries),
            "tests": tuple(self._test(test) for test in self._objects(data, "tests")),
            "verdict": self._text(data, "verdict"),
        }

    def _entry(self, data: dict[str, Any], steps: int) -> dict[str, Any]:
        seeds = self._counts(data, "seeds")
        if not seeds:
            raise self._error("'seeds'", seeds)
        given = data.get("values")
        if not isinstance(given, dict) or not given:
            raise self._error("'values' by metric", given)
        values = {}
        for name, rows in given.items():
            try:
                values[name] = tuple(tuple(map(_value, of_seed)) for of_seed in rows)
                lengths = list(map(len, values[name]))
            except (TypeError, ValueError):
                lengths = []
            if lengths != [steps] * len(seeds):
                raise self._error(f"'{name}' of {len(seeds)} seeds and {steps} steps", rows)
        return {
            "name": legible(self._text(data, "name")),
            "expression": self._text(data, "expression"),
            "learning_rate": self._number(data, "learning_rate"),
            "train_fraction": self._share(data, "train_fraction"),
            "seeds": seeds,
            "values": values,
            "mean": self._number(data, "mean"),
            "interval": self._interval(data),
        }

    def _test(self, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "train_fraction": self._share(data, "train_fraction"),
            "loss": legible(self._text(data, "loss")),
            "baseline": legible(self._text(data, "baseline")),
            "difference": self._number(data, "difference"),
            "interval": self._interval(data),
            "p_value": self._number(data, "p_value"),
            "p_value_corrected": self._number(data, "p_value_corrected"),
            "effect_size": self._number(data, "effect_size"),
        }

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
        if not is_finite(value):
            raise self._error(f"a finite number '{name}'", value)
        return float(value)

    def _share(self, data: dict[str, Any], name: str) -> float:
        value = self._number(data, name)
        if value is None or not 0.0 < value <= 1.0:
            raise self._error(f"'{name}' above 0 and at most 1", value)
        return value

    def _one_of(self, choices: tuple[str, ...], data: dict[str, Any], name: str) -> str:
        value = self._text(data, name)
        if value not in choices:
            raise self._error(f"'{name}' of {' or '.join(choices)}", value)
        return value

    def _counts(self, data: dict[str, Any], name: str) -> tuple[int, ...]:
        value = data.get(name)
        if not isinstance(value, list) or not all(map(is_count, value)):
            raise self._error(f"a list '{name}' of integers from 0 to 2**53", value)
        return tuple(value)

    def _interval(self, data: dict[str, Any]) -> tuple[float, float] | None:
        value = data.get("interval")
        if value is None or value == [None, None]:
            return None
        if not isinstance(value, list) or len(value) != 2 or not all(map(is_finite, value)):
            raise self._error("an 'interval' of two finite numbers", value)
        return float(value[0]), float(value[1])

    def _error(self, expected: str, received: object) -> InvalidFileError:
        return InvalidFileError(
            f"Expected {expected}. Received: {shown(received)} in '{self._path}'"
        )


def _value(value: object) -> float | None:
    if value is not None and not is_finite(value):
        raise ValueError
    return value  # type: ignore[return-value]
