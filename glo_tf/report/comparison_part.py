"""What a report tells of a `comparison.json`."""

from __future__ import annotations

import functools

from glo_tf.plots.comparison import plot_accuracy, plot_train_sizes, plot_training_curves
from glo_tf.report.inline import Picture
from glo_tf.results.comparison import Comparison, LossTrainings
from glo_tf.utils.statistics import Interval


class ComparisonPart:
    """The tables and figures of a comparison, for the template.

    Args:
        comparison: As it was read.
    """

    def __init__(self, comparison: Comparison):
        self.data = comparison
        self.measured = f"{comparison.split} {comparison.metric}"

    @property
    def calibrated(self) -> bool:
        """Whether calibration was measured."""
        return any({"nll", "ece"} & entry.values.keys() for entry in self.data.losses)

    @property
    def validated(self) -> str | None:
        """Name of what was measured on validation data; None for nothing."""
        name = f"val_{self.data.metric}"
        return name if any(name in entry.values for entry in self.data.losses) else None

    def at_end(self, entry: LossTrainings, name: str) -> tuple[float | None, Interval | None]:
        """Mean over the seeds of what was measured at the last step, and its interval."""
        found = entry.at_end(name) if name in entry.values else None
        return found or (None, None)

    def pictures(self) -> list[Picture]:
        """All figures."""
        return [self.accuracy, self.curves, *([self.sizes] if self.sizes else [])]

    @functools.cached_property
    def accuracy(self) -> Picture:
        """Figure 1 of the paper."""
        entries = self.data.at(self.data.train_fractions[-1])
        means = "; ".join(
            f"{entry.name} {'none' if entry.mean is None else f'{entry.mean:.4g}'}"
            for entry in entries
        )
        return Picture(
            "comparison_accuracy",
            f"Mean {self.measured} with {self.data.confidence:.0%} intervals; "
            "each dot is one training.",
            f"One row for each loss. Means: {means}.",
            plot_accuracy(self.data),
        )

    @functools.cached_property
    def curves(self) -> Picture:
        """Figure 3 of the paper."""
        return Picture(
            "comparison_curves",
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
            "comparison_sizes",
            f"{self.measured.capitalize()} with less training data.",
            f"One line for each loss, from {fractions[0]:.0%} to {fractions[-1]:.0%} of the "
            "training data; the table of results has the values.",
            plot_train_sizes(self.data),
        )
