"""What a comparison of losses gives back."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any, overload

from glo_tf.data.split import Split
from glo_tf.metrics.mode import Mode
from glo_tf.results import comparison_file
from glo_tf.results.loss_trainings import LossTrainings, label
from glo_tf.results.rate_curve import RateCurve
from glo_tf.utils.files import user_path, write_whole
from glo_tf.utils.statistics import CONFIDENCE, Difference, Interval


@dataclasses.dataclass(frozen=True)
class LossTest:
    """A loss against the baseline, by Welch's two-tailed t-test on the metric at the last step.

    In a recommendation it is Student's paired t-test, of the same seeds.

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


@dataclasses.dataclass(frozen=True, repr=False)
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
        rate_curves: What each loss was worth at the learning rates that its own was chosen from, by
            validation data; empty where none were tuned.
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
    rate_curves: tuple[RateCurve, ...] = ()

    @overload
    def __getitem__(self, place: int) -> LossTrainings: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[LossTrainings, ...]: ...
    def __getitem__(self, place: int | slice) -> LossTrainings | tuple[LossTrainings, ...]:
        return self.losses[place]

    def __len__(self) -> int:
        return len(self.losses)

    def __repr__(self) -> str:
        names = ", ".join(entry.label for entry in self.losses)
        measured = f"{self.metric} on {self.split} data after {self.steps[-1]} steps"
        return f"Comparison({names}; {measured})"

    def _repr_html_(self) -> str:
        from glo_tf.results.html_tables import comparison_as_html

        return comparison_as_html(self)

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
        data = dataclasses.asdict(self)
        if not self.rate_curves:  # as earlier versions wrote it
            del data["rate_curves"]
        return data

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
        curves = tuple(RateCurve(**curve) for curve in fields.pop("rate_curves"))
        return cls(**fields, losses=losses, tests=tests, rate_curves=curves)
