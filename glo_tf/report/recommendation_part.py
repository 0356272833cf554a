"""What a report tells of a recommendation, from its `recommendation.json`."""

from __future__ import annotations

import functools

from glo_tf.plots.comparison import plot_rate_curves
from glo_tf.report.asked import Asked
from glo_tf.report.comparison_charts import rates_chart
from glo_tf.report.comparison_part import ComparisonPart
from glo_tf.report.inline import InlinePicture
from glo_tf.results.recommendation import Recommendation

_TEXT_COLUMNS = 1  # of the table; the others are numbers


class RecommendationPart:
    """The table of all losses, their learning rates, and the contenders.

    Args:
        recommendation: What was found.
        asked: The flags that it was made with; None if they are not known.

    Attributes:
        contenders: The comparison of the best.
    """

    def __init__(self, recommendation: Recommendation, asked: Asked | None = None):
        self.data = recommendation
        self.asked = asked
        self.contenders = ComparisonPart(recommendation.comparison, "contenders", asked)

    @property
    def lead(self) -> dict[str, str]:
        """What a reader asks for first."""
        return self.contenders.lead

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Names of the table's columns, and whether they are of numbers."""
        return [(name, at >= _TEXT_COLUMNS) for at, name in enumerate(self.data.rows[0])]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The table."""
        return self.data.rows[1:]

    @property
    def dropped(self) -> list[str]:
        """Losses that had fewer trials than the others."""
        return [loss.name for loss in self.data.tuned if loss.dropped]

    @property
    def at_edge(self) -> list[str]:
        """Losses of which a better learning rate may lie beyond those that were tried."""
        return [loss.best.name for loss in self.data.tuned if loss.at_edge]

    def pictures(self) -> list[InlinePicture]:
        """All figures."""
        return [self.rates, *self.contenders.pictures()]

    @functools.cached_property
    def rates(self) -> InlinePicture:
        """Fitness against learning rate, a curve for each loss."""
        chosen = "; ".join(f"{c.name} {c.learning_rate:g}" for c in self.data.rate_curves)
        caption = "Each loss at its best parameters, at every learning rate that was tried with "
        return InlinePicture(
            "recommendation_rates",
            caption + "them; by validation data. The chosen rate is marked.",
            f"One line for each loss. Chosen: {chosen}.",
            plot_rate_curves(self.data),
            rates_chart(self.data, f"validation {self.data.metric}"),
        )
