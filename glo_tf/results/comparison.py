"""What a comparison of losses gives back."""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, overload

import numpy as np

from glo_tf.data.split import Split
from glo_tf.expressions.tree import Expression
from glo_tf.metrics.mode import Mode
from glo_tf.results import comparison_file
from glo_tf.utils.files import user_path, write_whole
from glo_tf.utils.statistics import CONFIDENCE, Difference, Interval, interval_of_mean

Values: TypeAlias = tuple[tuple[float | None, ...], ...]
"""Of each training at each step; None where it had failed by then."""


def label(name: str, tuned: bool) -> str:
    """A loss for readers, with whether its learning rate is one of its own."""
    return f"{name}, tuned learning rate" if tuned else name


def with_interval(mean: float, interval: Interval | None) -> str:
    """A mean with half of its confidence interval, where there is one."""
    return f"{mean:.4f}" + ("" if interval is None else f" ± {interval[1] - mean:.4f}")


@dataclasses.dataclass(frozen=True)
class LossTrainings:
    """The trainings with one loss, at one learning rate, on one part of the training data.

    Attributes:
        name: Of the loss.
        tuned: Whether it was trained with a learning rate that was tuned for it.
        expression: The whole loss, per class.
        learning_rate: What it was trained with; None where a schedule sets it.
        train_fraction: Of the training data.
        seeds: Of the trainings.
        metric: What they are compared by.
        split: Data that they are compared on.
        values: By data and name the values of each training at each step: the metric, and where
            they were measured, for classes, `"nll"` and `"ece"`.
        fitnesses: Of each training, from the validation data, 0 for one that failed; empty in what
            an earlier version wrote.
        mean: Of the metric at the last step; None if a training failed.
        interval: 95% confidence interval of the mean, by Student's t; None if there is none.
    """

    name: str
    tuned: bool
    expression: str
    learning_rate: float | None
    train_fraction: float
    seeds: tuple[int, ...]
    metric: str
    split: Split
    values: Mapping[Split, Mapping[str, Values]] = dataclasses.field(hash=False)
    fitnesses: tuple[float, ...]
    mean: float | None
    interval: Interval | None

    @classmethod
    def of(cls, **fields: Any) -> LossTrainings:
        """Adds mean and interval of the metric."""
        entry = cls(**fields, mean=None, interval=None)
        mean, interval = entry.at_end() or (None, None)
        return dataclasses.replace(entry, mean=mean, interval=interval)

    @classmethod
    def several_of_data(cls, data: object, path: pathlib.Path) -> list[LossTrainings]:
        """What `dataclasses.asdict` gave of trainings that were measured at their end alone.

        Args:
            data: A list of it.
            path: The file that holds it.

        Raises:
            ValueError: If it is anything else; it names the file.
        """
        return [cls(**fields) for fields in comparison_file.trainings_fields(data, path)]

    @property
    def label(self) -> str:
        """Its name for readers, which no other row has: with whether its rate was tuned."""
        return label(self.name, self.tuned)

    @functools.cached_property
    def loss(self) -> Expression:
        """The expression as a tree."""
        return Expression.parse(self.expression)

    @property
    def mean_fitness(self) -> float:
        """In which a training that failed counts with 0."""
        return statistics.fmean(self.fitnesses)

    @property
    def spread(self) -> float | None:
        """Standard deviation of the metric; None if a training failed, or there is only one."""
        last = self.last()
        return None if self.failed or len(last) < 2 else statistics.stdev(last)

    @property
    def shown(self) -> str:
        """The mean for readers, with half of its confidence interval: "0.9711 ± 0.0021"."""
        if self.mean is None:
            return f"{self.failed} of {len(self.seeds)} failed"
        return with_interval(self.mean, self.interval)

    @property
    def setting(self) -> tuple[str, float | None, float]:
        """What makes its trainings; entries that share it are the same trainings.

        So it is where the learning rate that suits a loss best is the given one.
        """
        return self.expression, self.learning_rate, self.train_fraction

    @property
    def failed(self) -> int:
        """Trainings that did not come to their end with a finite result."""
        return len(self.seeds) - len(self.last())

    def array(self, name: str | None = None, split: Split | None = None) -> np.ndarray:
        """What was measured, float64 `(seeds, steps)`, NaN where a training had failed.

        Args:
            name: Of it; the metric if None, here and below.
            split: Data that it was measured on; those that losses are compared on if None, here
                and below.

        Raises:
            KeyError: If it was not measured.
        """
        rows = self.values[split or self.split][name or self.metric]
        return np.array([[np.nan if v is None else v for v in of_seed] for of_seed in rows], float)

    def last(self, name: str | None = None, split: Split | None = None) -> list[float]:
        """The values at the last step, of the trainings that came to it.

        Raises:
            KeyError: If it was not measured.
        """
        rows = self.values[split or self.split][name or self.metric]
        return [of_seed[-1] for of_seed in rows if of_seed[-1] is not None]

    def at_end(
        self, name: str | None = None, split: Split | None = None
    ) -> tuple[float, Interval | None] | None:
        """Mean at the last step, and its 95% interval; None if a training failed.

        Raises:
            KeyError: If it was not measured.
        """
        known = self.last(name, split)
        if len(known) < len(self.seeds):
            return None
        return statistics.fmean(known), interval_of_mean(known)

    def has(self, name: str, split: Split) -> bool:
        """Whether something was measured."""
        return name in self.values.get(split, {})


@dataclasses.dataclass(frozen=True)
class LossTest:
    """A loss against the baseline, by Welch's two-tailed t-test on the metric at the last step.

    Attributes:
        train_fraction: Of the training data.
        loss: Name of the loss.
        tuned: Whether its learning rate is one of its own.
        baseline: Name of what it is compared with.
        baseline_tuned: Whether that has a learning rate of its own.
        difference: Mean of the loss less that of the baseline; None, as all below, if a training
            with either failed.
        interval: 95% confidence interval of the difference.
        p_value: Of the test; None where it is not possible, as with a single seed.
        p_value_corrected: By Holm's method, for all that is compared with this baseline.
        effect_size: Hedges' g.
    """

    train_fraction: float
    loss: str
    tuned: bool
    baseline: str
    baseline_tuned: bool
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
            tuned=loss.tuned,
            baseline=baseline.name,
            baseline_tuned=baseline.tuned,
            difference=None if found is None else found.difference,
            interval=None if found is None else found.interval,
            p_value=None if found is None else found.p_value,
            p_value_corrected=corrected,
            effect_size=None if found is None else found.effect_size,
        )

    @property
    def label(self) -> str:
        """The loss for readers."""
        return label(self.loss, self.tuned)

    @property
    def baseline_label(self) -> str:
        """The baseline for readers."""
        return label(self.baseline, self.baseline_tuned)


@dataclasses.dataclass(frozen=True)
class Comparison(Sequence[LossTrainings]):
    """The outcome of `glo_tf.compare`, and of the comparison at the end of a search.

    It is the sequence of its `losses`, too: of none, and false, where a search compared nothing.

    Attributes:
        metric: What the trainings are measured by.
        mode: Whether it is to be large or small, `"max"` or `"min"`.
        steps: Where each training was measured; the last is its end.
        baseline: Name of what the losses are compared with.
        baseline_tuned: Whether that is the baseline at a learning rate of its own.
        losses: One entry for each loss, learning rate and part of the training data.
        tests: The losses against the baseline, and where learning rates were tuned, at the given
            one also against the baseline at the given one.
        verdict: What follows, for readers.
        split: Data that the losses are compared on.
        confidence: Of all intervals.
    """

    metric: str
    mode: Mode
    steps: tuple[int, ...]
    baseline: str
    baseline_tuned: bool
    losses: tuple[LossTrainings, ...]
    tests: tuple[LossTest, ...]
    verdict: str
    split: Split = Split.TEST
    confidence: float = CONFIDENCE

    @overload
    def __getitem__(self, place: int) -> LossTrainings: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[LossTrainings, ...]: ...
    def __getitem__(self, place: int | slice) -> LossTrainings | tuple[LossTrainings, ...]:
        return self.losses[place]

    def __len__(self) -> int:
        return len(self.losses)

    @property
    def baseline_label(self) -> str:
        """The baseline for readers."""
        return label(self.baseline, self.baseline_tuned)

    @property
    def train_fractions(self) -> list[float]:
        """All shares of the training data, in rising order."""
        return sorted({entry.train_fraction for entry in self.losses})

    def at(self, train_fraction: float) -> list[LossTrainings]:
        """The entries with one share of the training data, in order."""
        return [entry for entry in self.losses if entry.train_fraction == train_fraction]

    def test_of(self, entry: LossTrainings) -> LossTest | None:
        """The test of an entry against the baseline; None for the baseline itself."""
        wanted = (entry.train_fraction, entry.name, entry.tuned, self.baseline, self.baseline_tuned)
        for test in self.tests:
            about = (test.train_fraction, test.loss, test.tuned, test.baseline, test.baseline_tuned)
            if about == wanted:
                return test
        return None

    def as_dict(self) -> dict[str, Any]:
        """The content of `comparison.json`, as JSON-ready data."""
        return dataclasses.asdict(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a `comparison.json`; a crash leaves the old file or the new one."""
        write_whole(path, comparison_file.as_document(self.as_dict()))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Comparison:
        """Reads what `save` wrote; a file is data, and nothing in it is executed.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is no such file, has another version, or lacks what belongs to it.
        """
        path = user_path(path)
        return cls.of_data(comparison_file.read_data(path), path)

    @classmethod
    def of_data(cls, data: object, path: pathlib.Path) -> Comparison:
        """What `as_dict` gave, read from a file.

        Raises:
            ValueError: If it is anything else; it names the file.
        """
        fields = comparison_file.comparison_fields(data, path)
        losses = tuple(LossTrainings(**entry) for entry in fields.pop("losses"))
        tests = tuple(LossTest(**test) for test in fields.pop("tests"))
        return cls(**fields, losses=losses, tests=tests)
