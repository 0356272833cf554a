"""What a recommendation shows: its trials while they run, then a table and the sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from glo_tf.display.bar import DisplayWithBar
from glo_tf.utils.display_text import legible

if TYPE_CHECKING:
    from glo_tf.recommendation.loss_recommendation import Advance
    from glo_tf.results.recommendation import Recommendation

_TEXT_COLUMNS = 2  # of the table; the others are numbers


class RecommendationDisplay(DisplayWithBar["Recommendation"]):
    """See `DisplayWithBar`; a line for each trial."""

    def on_progress(self, advance: Advance) -> None:
        """Shows that a trial or a training has ended."""
        name = legible(advance.name)
        if not self._bar.is_shown:
            self._print(
                f"{advance.stage} {advance.done}/{advance.planned}  {name}  "
                f"{advance.learning_rate:g}  {advance.fitness:.4f}  {advance.status}"
            )
        self._bar.update(f"{advance.stage}: {name}", advance.done, advance.planned)

    def show(self, result: Recommendation) -> None:
        """Prints the table, and the sentence last."""
        comparison = result.comparison
        table = Table(
            title=f"Contenders with {len(comparison.losses[0].seeds)} fresh seeds, ± 95% CI; lead "
            f"and corrected p against {escape(legible(comparison.baseline))}",
            title_justify="left",
        )
        head, *rows = result.rows
        for place, name in enumerate(head):
            numbers = place >= _TEXT_COLUMNS
            table.add_column(escape(name), justify="right" if numbers else "left")
        for row in rows:
            table.add_row(*(escape(legible(cell)) for cell in row))
        self._console.print(table)
        self._print(result.sentence)
