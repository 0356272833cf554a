"""What a recommendation shows: its trials while they run, then a table and the sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import TaskID
from rich.table import Table

from glo_tf.display.bar import progress_bar
from glo_tf.utils.display_text import legible

if TYPE_CHECKING:
    from glo_tf.recommendation.loss_recommendation import Advance
    from glo_tf.results.recommendation import Recommendation

_WIDTH_OF_FILES = 120  # columns; the table's cells then stay in one line
_TEXT_COLUMNS = 2  # of the table; the others are numbers


class RecommendationDisplay:
    """A bar on a terminal; elsewhere a line for each trial.

    Args:
        console: Where to; standard output if None.
    """

    def __init__(self, console: Console | None = None):
        self._console = console or Console()
        if not self._console.is_terminal:
            self._console.width = _WIDTH_OF_FILES
        self._bar = progress_bar(self._console)
        self._tasks: dict[str, TaskID] = {}

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
        if not self._console.is_terminal:
            self._print(
                f"{advance.stage} {advance.done}/{advance.planned}  {advance.name}  "
                f"{advance.learning_rate:g}  {advance.fitness:.4f}  {advance.status}"
            )
        if advance.stage not in self._tasks:
            self._tasks[advance.stage] = self._bar.add_task(advance.stage, total=None)
        self._bar.update(self._tasks[advance.stage], completed=advance.done, total=advance.planned)

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
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)
