"""What a comparison of losses gives back."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from glo_tf.metrics.mode import Mode
from glo_tf.results.comparison_file import as_document, read_fields
from glo_tf.utils.files import user_path, write_whole
from glo_tf.utils.statistics import CONFIDENCE, Difference, Interval, interval_of_mean

TUNED = ", tuned learning rate"
"""Ends the name of an entry whose loss has a learning rate of its own."""


@dataclasses.dataclass(frozen=True)
class LossTrainings:
    """The trainings with one loss, at one learning rate, on one part of the training data.

    Attributes:
        name: Of the loss, and whether its learning rate was tuned.
        expression: The whole loss, per class.
        learning_rate: What it was trained with; None where a schedule sets it.
        train_fraction: Of the training data.
        seeds: Of the trainings.
        values: By name the values of each training at each step: on test data the metric, and for
            classes `"nll"` and `"ece"`; on validation data the metric, with `val_` before its name.
            None where a training had failed by then.
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
        entry = cls(values=values, mean=None, interval=None, **others)
        mean, interval = entry.at_end(metric) or (None, None)
        return dataclasses.replace(entry, mean=mean, interval=interval)

    def array(self, name: str) -> np.ndarray:
        """What was measured, float64 `(seeds, steps)`, NaN where a training had failed."""
        rows = self.values[name]
        return np.array([[np.nan if v is None else v for v in of_seed] for of_seed in rows], float)

    def last(self, metric: str) -> list[float]:
        """The values at the last step, of the trainings that came to it."""
        return [of_seed[-1] for of_seed in self.values[metric] if of_seed[-1] is not None]

    @property
    def setting(self) -> tuple[str, float | None, float]:
        """What makes its trainings; entries that share it are the same trainings.

        So it is where the learning rate that suits a loss best is the given one.
        """
        return self.expression, self.learning_rate, self.train_fraction

    def at_end(self, name: str) -> tuple[float, Interval | None] | None:
        """Mean at the last step, and its 95% interval; None if a training failed.

        Args:
            name: Of what was measured.
        """
        last = [of_seed[-1] for of_seed in self.values[name]]
        known = [value for value in last if value is not None]
        if len(known) < len(last):
            return None
        return sum(known) / len(known), interval_of_mean(known)

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
        mode: Whether it is to be large or small.
        steps: Where each training was measured; the last is its end.
        baseline: Name of what the losses are compared with.
        losses: One entry for each loss, learning rate and part of the training data.
        tests: The losses against the baseline, and where learning rates were tuned, at the given
            one also against the baseline at the given one.
        verdict: What follows, for readers.
        split: Data that everything was measured on.
        confidence: Of all intervals.
    """

    metric: str
    mode: Mode
    steps: tuple[int, ...]
    baseline: str
    losses: tuple[LossTrainings, ...]
    tests: tuple[LossTest, ...]
    verdict: str
    split: str = "test"
    confidence: float = CONFIDENCE

    @property
    def train_fractions(self) -> list[float]:
        """All shares of the training data, in rising order."""
        return sorted({entry.train_fraction for entry in self.losses})

    def at(self, train_fraction: float) -> list[LossTrainings]:
        """The entries with one share of the training data, in order."""
        return [entry for entry in self.losses if entry.train_fraction == train_fraction]

    def against_baseline(self) -> dict[tuple[float, str], LossTest]:
        """The tests against `baseline`, by share of the training data and name of the loss."""
        return {
            (test.train_fraction, test.loss): test
            for test in self.tests
            if test.baseline == self.baseline
        }

    def as_dict(self) -> dict[str, Any]:
        """The content of `comparison.json`, as JSON-ready data."""
        return dataclasses.asdict(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a `comparison.json`; a crash leaves the old file or the new one."""
        write_whole(path, as_document(self.as_dict()))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Comparison:
        """Reads what `save` wrote; a file is data, and nothing in it is executed.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is no such file, has another version, or lacks what belongs to it.
        """
        fields = read_fields(user_path(path))
        losses = tuple(LossTrainings(**entry) for entry in fields.pop("losses"))
        tests = tuple(LossTest(**test) for test in fields.pop("tests"))
        return cls(**fields, losses=losses, tests=tests)
