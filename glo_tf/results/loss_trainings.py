"""The trainings with one loss, as comparisons and searches give them back."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import statistics
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from glo_tf.data.split import Split
from glo_tf.expressions.tree import Expression
from glo_tf.metrics.ranges import range_of
from glo_tf.results import comparison_file
from glo_tf.utils.statistics import Interval, interval_of_mean, mean_of

_ASLANT = 0.25  # by how much of itself one half of an interval may differ from the other

Values: TypeAlias = tuple[tuple[float | None, ...], ...]
"""Of each training at each step; None where it had failed by then."""


def label(name: str, tuned: bool) -> str:
    """A loss for readers, with whether its learning rate is one of its own."""
    return f"{name}, tuned learning rate" if tuned else name


def with_interval(mean: float, interval: Interval | None) -> str:
    """A mean with half of its confidence interval, or with both ends where it lies aslant."""
    if interval is None:
        return f"{mean:.4f}"
    below, above = mean - interval[0], interval[1] - mean
    if max(below, above) - min(below, above) > _ASLANT * max(below, above):
        return f"{mean:.4f} ({interval[0]:.4f} to {interval[1]:.4f})"
    return f"{mean:.4f} ± {(below + above) / 2.0:.4f}"


@dataclasses.dataclass(frozen=True)
class LossTrainings:
    """The trainings with one loss, at one learning rate, on one part of the training data.

    Attributes:
        name: Of the loss.
        tuned: Whether it was trained with a learning rate that was tuned for it.
        expression: The whole loss, per class.
        learning_rate: What it was trained with, of a schedule its largest; None in what an earlier
            version wrote of schedules.
        train_fraction: Of the training data.
        seeds: Of the trainings.
        metric: What they are compared by.
        split: Data that they are compared on.
        values: By data and name the values of each training at each step: the metric, and where
            they were measured, for classes, `"nll"` and `"ece"`.
        fitnesses: Of each training, from the validation data, 0 for one that failed; empty in what
            an earlier version wrote.
        mean: Of the metric at the last step; None if a training failed.
        interval: 95% confidence interval of the mean, by Student's t, inside the metric's range;
            None if there is none.
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
        return mean_of(self.fitnesses)

    @property
    def spread(self) -> float | None:
        """Standard deviation of the metric; None if a training failed, or there is only one."""
        last = self.last()
        return None if self.failed or len(last) < 2 else statistics.stdev(last)

    @property
    def shown(self) -> str:
        """The mean for readers, with its confidence interval: "0.9711 ± 0.0021"."""
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
        return mean_of(known), interval_of_mean(known, range_of(name or self.metric))

    def has(self, name: str, split: Split) -> bool:
        """Whether something was measured."""
        return name in self.values.get(split, {})
