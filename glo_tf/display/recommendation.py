"""What a recommendation shows: its trials while they run, then a table and the sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from glo_tf.display.bar import ProgressBar, new_console
from glo_tf.display.verbosity import Verbosity
from glo_tf.utils.display_text import legible

if TYPE_CHECKING:
    from glo_tf.recommendation.loss_recommendation import Advance
    from glo_tf.results.recommendation import Recommendation

_WIDTH_OF_FILES = 120  # columns; the table's cells then stay in one line
_TEXT_COLUMNS = 2  # of the table; the others are numbers


class RecommendationDisplay:
    """A bar in terminals and notebooks; elsewhere a line for each trial.

    Args:
        console: Where to; standard output if None.
        verbosity: How much.
    """

    def __init__(self, console: Console | None = None, verbosity: Verbosity = Verbosity.BAR):
        self._console = console or new_console()
        if not self._console.is_terminal:
            self._console.width = _WIDTH_OF_FILES
        self._bar = ProgressBar(self._console, shown=verbosity is Verbosity.BAR)

    def __enter__(self) -> RecommendationDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def on_understood(self, summary: str, losses: int) -> None:
        """Prints what was understood of the task, and how many losses are tuned."""
        self._print(f"{summary}; {losses} losses")

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

    def _print(self, text: str) -> None:
        self._bar.print(text)
