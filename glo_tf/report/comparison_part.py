"""What a report tells of a comparison: of a `comparison.json`, and of a search's end."""

from __future__ import annotations

import functools

from glo_tf.data.split import Split
from glo_tf.metrics.calibration import ECE, NLL
from glo_tf.plots.comparison import (
    plot_accuracy,
    plot_rate_curves,
    plot_train_sizes,
    plot_training_curves,
)
from glo_tf.report.inline import Picture
from glo_tf.results.comparison import Comparison, LossTest
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.utils.statistics import Interval


class ComparisonPart:
    """The tables and figures of a comparison, for the template.

    Args:
        comparison: Of at least one loss.
        name: Begins the names of its figures.
    """

    def __init__(self, comparison: Comparison, name: str = "comparison"):
        self.data = comparison
        self._name = name
        self.measured = f"{comparison.split} {comparison.metric}"

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

    def pictures(self) -> list[Picture]:
        """All figures."""
        curves = [self.curves] if len(self.data.steps) > 1 else []
        others = [found for found in (self.sizes, self.rates) if found is not None]
        return [self.accuracy, *curves, *others]

    @functools.cached_property
    def accuracy(self) -> Picture:
        """Figure 1 of the paper."""
        entries = self.data.at(self.data.train_fractions[-1])
        means = "; ".join(
            f"{entry.label} {'none' if entry.mean is None else f'{entry.mean:.4g}'}"
            for entry in entries
        )
        return Picture(
            f"{self._name}_accuracy",
            f"Mean {self.measured} with {self.data.confidence:.0%} intervals; "
            "each dot is one training.",
            f"One row for each loss. Means: {means}.",
            plot_accuracy(self.data),
        )

    @functools.cached_property
    def curves(self) -> Picture:
        """Figure 3 of the paper."""
        return Picture(
            f"{self._name}_curves",
            f"{self.measured.capitalize()} during training: the mean, and all seeds as a band.",
            f"One line for each loss, over {self.data.steps[-1]} training steps; the table of "
            "results has the values at the end.",
            plot_training_curves(self.data),
        )

    @functools.cached_property
    def sizes(self) -> Picture | None:
        """The metric against the size of the training data; None if there is only one."""
        fractions = self.data.train_fractions
        if len(fractions) < 2:
            return None
        return Picture(
            f"{self._name}_sizes",
            f"{self.measured.capitalize()} with less training data.",
            f"One line for each loss, from {fractions[0]:.0%} to {fractions[-1]:.0%} of the "
            "training data; the table of results has the values.",
            plot_train_sizes(self.data),
        )

    @functools.cached_property
    def rates(self) -> Picture | None:
        """Fitness against learning rate; None where no learning rate was tuned."""
        curves = self.data.rate_curves
        if not curves:
            return None
        chosen = "; ".join(f"{curve.name} {curve.learning_rate:g}" for curve in curves)
        return Picture(
            f"{self._name}_rates",
            "Every learning rate that was tried, on validation data; the chosen one is marked.",
            f"One line for each loss. Chosen: {chosen}.",
            plot_rate_curves(self.data),
        )
