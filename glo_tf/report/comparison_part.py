"""What a report tells of a comparison: of a `comparison.json`, and of a search's end."""

from __future__ import annotations

import collections
import functools
import math
from collections.abc import Mapping, Sequence

from glo_tf.data.split import Split
from glo_tf.metrics.calibration import ECE, NLL
from glo_tf.metrics.mode import Mode
from glo_tf.plots.comparison import (
    plot_accuracy,
    plot_rate_curves,
    plot_train_sizes,
    plot_training_curves,
)
from glo_tf.report.asked import Asked
from glo_tf.report.comparison_charts import accuracy_chart, curves_chart, rates_chart
from glo_tf.report.inline import InlinePicture
from glo_tf.results.comparison import Comparison, LossTest
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.outcomes import (
    ComparisonOutcome,
    collapse_sentence,
    collapses,
    headline,
    outcome,
)
from glo_tf.utils.statistics import Interval

NOTHING = "–"  # noqa: RUF001 (a dash: there is none)
_DIGITS = 4  # of the largest mean, that is of an accuracy
_MOST_DECIMALS = 12


class TrainingsPart:
    """Tables of trainings, of which all numbers have the same decimals.

    Args:
        entries: At least one.
        mode: Direction of the metric.
        data: The comparison that they are of; None for none.
    """

    def __init__(
        self, entries: Sequence[LossTrainings], mode: Mode, data: Comparison | None = None
    ):
        self.data = data
        self._entries, self._collapsed = list(entries), collapses(entries, mode)
        means = [abs(entry.mean) for entry in entries if entry.mean]
        places = _DIGITS - 1 - math.floor(math.log10(max(means))) if means else _DIGITS
        self._decimals = min(max(places, 0), _MOST_DECIMALS)
        self.collapse = collapse_sentence(entries, mode)

    @property
    def validated(self) -> bool:
        """Whether the metric was measured on validation data beside those that are compared."""
        return False

    def number(self, value: float | None) -> str:
        """What was measured; the largest mean has four digits."""
        return NOTHING if value is None else f"{value:.{self._decimals}f}"

    def signed(self, value: float | None) -> str:
        """A difference of it."""
        return NOTHING if value is None else f"{value:+.{self._decimals}f}"

    def collapsed(self, entry: LossTrainings) -> int:
        """How many trainings with a loss collapsed."""
        return len(self._collapsed.get(self._entries.index(entry), ()))


class ComparisonPart(TrainingsPart):
    """The tables and figures of a comparison, for the template.

    Args:
        comparison: Of at least one loss.
        name: Begins the names of its figures.
        asked: The flags that it was made with; None if they are not known.
    """

    data: Comparison

    def __init__(
        self, comparison: Comparison, name: str = "comparison", asked: Asked | None = None
    ):
        super().__init__(comparison.losses, comparison.mode, comparison)
        self._name = name
        self.asked = asked
        self.measured = f"{comparison.split} {comparison.metric}"
        self.headline = headline(comparison)

    @property
    def lead(self) -> dict[str, str]:
        """What a reader asks for first."""
        shown = {} if self.asked is None else self.asked.shown
        return {**shown, "training steps": str(self.data.steps[-1])} if shown else {}

    @functools.cached_property
    def outcomes(self) -> dict[str, dict[str, tuple[ComparisonOutcome, float | None]]]:
        """By loss and column whether it wins, and its difference from the baseline."""
        found: dict[str, dict[str, tuple[ComparisonOutcome, float | None]]] = {}
        for test in self.data.tests:
            said = (outcome(test, self.data.mode), test.difference)
            if test.baseline == self.data.baseline and test.loss != test.baseline:
                found.setdefault(test.loss, {})[self._column(test)] = said
        return found

    @property
    def columns(self) -> list[str]:
        """Parts of the data and learning rates that there are tests with."""
        return list(dict.fromkeys(column for row in self.outcomes.values() for column in row))

    def in_all(self, row: Mapping[str, tuple[ComparisonOutcome, float | None]]) -> str:
        """How often a loss wins, ties and loses."""
        counts = collections.Counter(said for said, _ in row.values())
        named = zip(ComparisonOutcome, ("won", "tied", "lost", "unknown"), strict=True)
        return ", ".join(f"{counts[kind]} {word}" for kind, word in named if counts[kind])

    def _column(self, test: LossTest) -> str:
        rates = {
            (True, True): "each at its own rate",
            (False, True): "against its tuned rate",
            (False, False): "at the given rate",
            (True, False): "its own against the given rate",
        }[test.tuned, test.baseline_tuned]
        if len(self.data.train_fractions) > 1:
            return f"{test.train_fraction:.4g} of the data, {rates}"
        return rates

    @property
    def calibrated(self) -> bool:
        """Whether calibration was measured."""
        return any(
            entry.has(name, self.data.split) for name in (NLL, ECE) for entry in self.data.losses
        )

    @property
    def validated(self) -> bool:
        """Whether the metric was measured on validation data beside those that are compared."""
        return self.data.split is not Split.VALIDATION and any(
            entry.has(self.data.metric, Split.VALIDATION) for entry in self.data.losses
        )

    def at_end(
        self, entry: LossTrainings, name: str, split: Split | None = None
    ) -> tuple[float | None, Interval | None]:
        """Mean over the seeds of what was measured at the last step, and its interval."""
        there = entry.has(name, split or self.data.split)
        found = entry.at_end(name, split) if there else None
        return found or (None, None)

    @property
    def baselines(self) -> list[tuple[str, list[LossTest]]]:
        """The tests by what they are against, for readers."""
        found: dict[str, list[LossTest]] = {}
        for test in self.data.tests:
            found.setdefault(test.baseline_label, []).append(test)
        return list(found.items())

    def pictures(self) -> list[InlinePicture]:
        """All figures."""
        curves = [self.curves] if len(self.data.steps) > 1 else []
        others = [found for found in (self.sizes, self.rates) if found is not None]
        return [self.accuracy, *curves, *others]

    @functools.cached_property
    def accuracy(self) -> InlinePicture:
        """Figure 1 of the paper."""
        entries = self.data.at(self.data.train_fractions[-1])
        means = "; ".join(
            f"{entry.label} {'none' if entry.mean is None else f'{entry.mean:.4g}'}"
            for entry in entries
        )
        return InlinePicture(
            f"{self._name}_accuracy",
            f"Mean {self.measured} with {self.data.confidence:.0%} intervals; "
            "each dot is one training.",
            f"One row for each loss. Means: {means}.",
            plot_accuracy(self.data),
            accuracy_chart(self.data),
        )

    @functools.cached_property
    def curves(self) -> InlinePicture:
        """Figure 3 of the paper."""
        return InlinePicture(
            f"{self._name}_curves",
            f"{self.measured.capitalize()} during training: the mean, and all seeds as a band.",
            f"One line for each loss, over {self.data.steps[-1]} training steps; the table of "
            "results has the values at the end.",
            plot_training_curves(self.data),
            curves_chart(self.data),
        )

    @functools.cached_property
    def sizes(self) -> InlinePicture | None:
        """The metric against the size of the training data; None if there is only one."""
        fractions = self.data.train_fractions
        if len(fractions) < 2:
            return None
        return InlinePicture(
            f"{self._name}_sizes",
            f"{self.measured.capitalize()} with less training data.",
            f"One line for each loss, from {fractions[0]:.0%} to {fractions[-1]:.0%} of the "
            "training data; the table of results has the values.",
            plot_train_sizes(self.data),
        )

    @functools.cached_property
    def rates(self) -> InlinePicture | None:
        """Fitness against learning rate; None where no learning rate was tuned."""
        curves = self.data.rate_curves
        if not curves:
            return None
        chosen = "; ".join(f"{curve.name} {curve.learning_rate:g}" for curve in curves)
        return InlinePicture(
            f"{self._name}_rates",
            "Every learning rate that was tried, on validation data; the chosen one is marked.",
            f"One line for each loss. Chosen: {chosen}.",
            plot_rate_curves(self.data),
            rates_chart(self.data, f"validation {self.data.metric}"),
        )
