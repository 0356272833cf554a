"""`comparison.json`: a comparison as data, checked when it is read."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from glo_tf.data.split import Split
from glo_tf.metrics.mode import Mode
from glo_tf.results.comparison_version_1 import from_version_1
from glo_tf.results.json_fields import FieldReader
from glo_tf.utils.display_text import legible
from glo_tf.utils.json_file import document_of, is_finite, read_document

FORMAT, VERSION = "glo_tf.comparison", 2

if TYPE_CHECKING:
    from glo_tf.results.loss_trainings import Values

_MAX_BYTES = 50_000_000


def as_document(data: Mapping[str, Any]) -> bytes:
    """The content of the file.

    Args:
        data: See `Comparison.as_dict`.
    """
    return document_of(FORMAT, VERSION, data)


def read_data(path: pathlib.Path) -> dict[str, Any]:
    """Reads a `comparison.json`, of which nothing but its format is checked.

    What version 1 holds is given as version 2 says it.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such file, or has another version.
    """
    document = read_document(path, FORMAT, (1, VERSION), _MAX_BYTES)
    return from_version_1(document) if document["version"] == 1 else document


def comparison_fields(data: object, path: pathlib.Path) -> dict[str, Any]:
    """The fields of a `Comparison`, checked; its losses and tests as tuples of theirs.

    Args:
        data: See `Comparison.as_dict`.
        path: The file that holds it.

    Raises:
        ValueError: If something is missing, or not what it should be.
    """
    return _Reader(path).comparison(data)


def trainings_fields(data: object, path: pathlib.Path) -> tuple[dict[str, Any], ...]:
    """The fields of several `LossTrainings` that were measured at their end alone, checked.

    Args:
        data: A list of them.
        path: The file that holds it.

    Raises:
        ValueError: If something is missing, or not what it should be.
    """
    return _Reader(path).trainings(data)


class _Reader(FieldReader):
    """Takes what belongs to a comparison out of JSON objects."""

    def trainings(self, data: object) -> tuple[dict[str, Any], ...]:
        entries = self.objects({"trainings": data}, "trainings")
        return tuple(self._entry(entry, steps=1) for entry in entries)

    def comparison(self, data: object) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise self.error("a comparison as this version of glo_tf writes it", data)
        steps = self.counts(data, "steps")
        entries = [self._entry(entry, len(steps)) for entry in self.objects(data, "losses")]
        if not steps or not entries:
            raise self.error("steps and losses", [])
        if steps[0] < 1 or any(one >= other for one, other in itertools.pairwise(steps)):
            raise self.error("'steps' that rise from 1 on", steps)
        named = [(entry["name"], entry["tuned"], entry["train_fraction"]) for entry in entries]
        if len(set(named)) < len(named):
            raise self.error("each name once for each 'tuned' and 'train_fraction'", named)
        compared = self.text(data, "metric"), self.one_of(Split, data, "split")
        others = [found for e in entries if (found := (e["metric"], e["split"])) != compared]
        if others:
            raise self.error(f"each loss to be compared by {', '.join(compared)}", others[0])
        return {
            "metric": compared[0],
            "mode": self.one_of(Mode, data, "mode"),
            "split": compared[1],
            "confidence": self.share(data, "confidence"),
            "steps": steps,
            "baseline": legible(self.text(data, "baseline")),
            "baseline_tuned": self.truth(data, "baseline_tuned"),
            "losses": tuple(entries),
            "tests": tuple(self._test(test) for test in self.objects(data, "tests")),
            "verdict": self.text(data, "verdict"),
            "rate_curves": tuple(self._curve(curve) for curve in self._curves(data)),
        }

    def _curves(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        return self.objects(data, "rate_curves") if "rate_curves" in data else []

    def _curve(self, data: dict[str, Any]) -> dict[str, Any]:
        rates, fitnesses = (self.numbers(data, name) for name in ("learning_rates", "fitnesses"))
        if not rates or rates[0] <= 0.0 or any(a >= b for a, b in itertools.pairwise(rates)):
            raise self.error("'learning_rates' that rise from above 0", rates)
        if len(fitnesses) != len(rates) or min(fitnesses) < 0.0:
            raise self.error(f"'fitnesses' of {len(rates)} learning rates", fitnesses)
        chosen = self.number(data, "learning_rate")
        if chosen not in rates:
            raise self.error("a 'learning_rate' that is one of the 'learning_rates'", chosen)
        return {
            "name": legible(self.text(data, "name")),
            "train_fraction": self.share(data, "train_fraction"),
            "learning_rates": rates,
            "fitnesses": fitnesses,
            "learning_rate": chosen,
        }

    def _entry(self, data: dict[str, Any], steps: int) -> dict[str, Any]:
        seeds = self.counts(data, "seeds")
        if not seeds:
            raise self.error("'seeds'", seeds)
        given = data.get("values")
        if not isinstance(given, dict) or not all(isinstance(v, dict) for v in given.values()):
            raise self.error("'values' by data and name", given)
        values = {
            self.one_of(Split, {"split": split}, "split"): {
                name: self._rows(rows, name, len(seeds), steps) for name, rows in of_split.items()
            }
            for split, of_split in given.items()
        }
        metric, split = self.text(data, "metric"), self.one_of(Split, data, "split")
        if metric not in values.get(split, {}):
            raise self.error(f"values of '{metric}' on {split} data of each loss", given)
        return {
            "name": legible(self.text(data, "name")),
            "tuned": self.truth(data, "tuned"),
            "expression": self.text(data, "expression"),
            "learning_rate": self.number(data, "learning_rate"),
            "train_fraction": self.share(data, "train_fraction"),
            "seeds": seeds,
            "metric": metric,
            "split": split,
            "values": values,
            "fitnesses": self._fitnesses(data, len(seeds)),
            "mean": self.number(data, "mean"),
            "interval": self._interval(data),
        }

    def _rows(self, rows: Any, name: str, seeds: int, steps: int) -> Values:
        try:
            values = tuple(tuple(map(_value, of_seed)) for of_seed in rows)
        except (TypeError, ValueError):
            values = ()
        if list(map(len, values)) != [steps] * seeds:
            raise self.error(f"'{name}' of {seeds} seeds and {steps} steps", rows)
        return values

    def _fitnesses(self, data: dict[str, Any], seeds: int) -> tuple[float, ...]:
        value = data.get("fitnesses")
        if (
            not isinstance(value, list)
            or len(value) not in (0, seeds)
            or not all(is_finite(fitness) and fitness >= 0 for fitness in value)
        ):
            raise self.error(f"'fitnesses' of {seeds} seeds", value)
        return tuple(map(float, value))

    def _test(self, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "train_fraction": self.share(data, "train_fraction"),
            "loss": legible(self.text(data, "loss")),
            "tuned": self.truth(data, "tuned"),
            "baseline": legible(self.text(data, "baseline")),
            "baseline_tuned": self.truth(data, "baseline_tuned"),
            "difference": self.number(data, "difference"),
            "interval": self._interval(data),
            "p_value": self.number(data, "p_value"),
            "p_value_corrected": self.number(data, "p_value_corrected"),
            "effect_size": self.number(data, "effect_size"),
        }

    def _interval(self, data: dict[str, Any]) -> tuple[float, float] | None:
        value = data.get("interval")
        if value is None or value == [None, None]:
            return None
        if not isinstance(value, list) or len(value) != 2 or not all(map(is_finite, value)):
            raise self.error("an 'interval' of two finite numbers", value)
        return float(value[0]), float(value[1])


def _value(value: object) -> float | None:
    if value is None or is_finite(value):
        return value
    raise ValueError
