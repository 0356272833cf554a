"""What a comparison of losses gives back, and its file."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from glo_tf.significance import CONFIDENCE, Difference, Interval, interval_of_mean

FORMAT, VERSION = "glo_tf.comparison", 1

_MAX_BYTES = 100_000_000


@dataclasses.dataclass(frozen=True)
class LossTrainings:
    """The trainings with one loss, at one learning rate, on one part of the training data.

    Attributes:
        name: Of the loss, and whether its learning rate was tuned.
        expression: The whole loss, per class.
        learning_rate: What it was trained with; None where a schedule sets it.
        train_fraction: Of the training data.
        seeds: Of the trainings.
        values: By name (the metric, for classes `"nll"` and `"ece"`) the values of each training
            at each step. None where a training had failed by then.
        mean: Of the metric at the last step; None if a training failed.
        interval: 95% confidence interval of the mean, by Student's t; None if there is none.
    """

    name: str
    expression: str
    learning_rate: float | None
    train_fraction: float
    seeds: tuple[int, ...]
    values: Mapping[str, tuple[tuple[float | None, ...], ...]] = dataclasses.field(hash=False)
    mean: float | None
    interval: Interval | None

    @classmethod
    def of(
        cls,
        metric: str,
        values: Mapping[str, tuple[tuple[float | None, ...], ...]],
        **others: Any,
    ) -> LossTrainings:
        """Adds mean and interval of the metric."""
        last = [of_seed[-1] for of_seed in values[metric]]
        known = [value for value in last if value is not None]
        whole = len(known) == len(last)
        return cls(
            values=values,
            mean=sum(known) / len(known) if whole else None,
            interval=interval_of_mean(known) if whole else None,
            **others,
        )

    def last(self, metric: str) -> list[float]:
        """The values at the last step, of the trainings that came to it."""
        return [of_seed[-1] for of_seed in self.values[metric] if of_seed[-1] is not None]

    @property
    def failed(self) -> int:
        """Trainings that did not come to their end with a finite result."""
        metric = next(iter(self.values))
        return len(self.seeds) - len(self.last(metric))


@dataclasses.dataclass(frozen=True)
class LossTest:
    """A loss against the baseline, by Welch's two-tailed t-test on the metric at the last step.

    Attributes:
        train_fraction: Of the training data.
        loss: Name of the loss.
        baseline: Name of what it is compared with.
        difference: Mean of the loss less that of the baseline; None, as all below, if a training
            with either failed.
        interval: 95% confidence interval of the difference.
        p_value: Of the test; None where it is not possible, as with a single seed.
        p_value_corrected: By Holm's method, for all that is compared with this baseline.
        effect_size: Hedges' g.
    """

    train_fraction: float
    loss: str
    baseline: str
    difference: float | None
    interval: Interval | None
    p_value: float | None
    p_value_corrected: float | None
    effect_size: float | None

    @classmethod
    def of(
        cls,
        loss: LossTrainings,
        baseline: LossTrainings,
        found: Difference | None,
        corrected: float | None,
    ) -> LossTest:
        """Joins what was compared with what was found."""
        return cls(
            train_fraction=loss.train_fraction,
            loss=loss.name,
            baseline=baseline.name,
            difference=None if found is None else found.difference,
            interval=None if found is None else found.interval,
            p_value=None if found is None else found.p_value,
            p_value_corrected=corrected,
            effect_size=None if found is None else found.effect_size,
        )


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The outcome of `glo_tf.compare`.

    Attributes:
        metric: What the trainings are measured by.
        mode: Whether it is to be large or small, `"max"` or `"min"`.
        steps: Where each training was measured; the last is its end.
        baseline: Name of what the losses are compared with.
        losses: One entry for each loss, learning rate and part of the training data.
        tests: The losses against the baseline, and where learning rates were tuned, at the given
            one also against the baseline at the given one.
        verdict: What follows, for readers.
    """

    metric: str
    mode: str
    steps: tuple[int, ...]
    baseline: str
    losses: tuple[LossTrainings, ...]
    tests: tuple[LossTest, ...]
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        """The content of `comparison.json`."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "metric": self.metric,
            "mode": self.mode,
            "split": "test",
            "confidence": CONFIDENCE,
            "steps": self.steps,
            "baseline": self.baseline,
            "losses": [dataclasses.asdict(entry) for entry in self.losses],
            "tests": [dataclasses.asdict(test) for test in self.tests],
            "verdict": self.verdict,
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a JSON file; a crash leaves the old file or the new one."""
        partial = pathlib.Path(f"{os.fspath(path)}.partial")
        text = json.dumps(self.as_dict(), indent=1, allow_nan=False) + "\n"
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Comparison:
        """Reads what `save` wrote; a file is data, and nothing in it is executed.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is no such file, or has another version.
        """
        path = pathlib.Path(path)
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"Expected a file of at most {_MAX_BYTES} bytes. Received: '{path}'")
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"Expected a JSON file ({error}). Received: '{path}'") from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f"Expected a file with format '{FORMAT}'. Received: '{path}'")
        if document.get("version") != VERSION:
            raise ValueError(
                f"Expected version {VERSION}. Received: version={document.get('version')!r} in "
                f"'{path}'"
            )
        try:
            return cls(
                metric=document["metric"],
                mode=document["mode"],
                steps=tuple(document["steps"]),
                baseline=document["baseline"],
                losses=tuple(_read(LossTrainings, entry) for entry in document["losses"]),
                tests=tuple(_read(LossTest, entry) for entry in document["tests"]),
                verdict=document["verdict"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"Expected a whole comparison ({type(error).__name__}: {error}). Received: '{path}'"
            ) from error


def _read(kind: Any, entry: Mapping[str, Any]) -> Any:
    return kind(**{field.name: _frozen(entry[field.name]) for field in dataclasses.fields(kind)})


def _frozen(value: Any) -> Any:
    """Lists as tuples."""
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return value
