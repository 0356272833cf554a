"""What a comparison shows: its trainings while they run, then a table and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from glo_tf.display.bar import DisplayWithBar, print_prose
from glo_tf.utils.display_text import legible

if TYPE_CHECKING:
    from glo_tf.comparison.loss_comparison import Progress
    from glo_tf.data.split import Split
    from glo_tf.results.comparison import Comparison, LossTest
    from glo_tf.results.loss_trainings import LossTrainings


_NARROW = 80  # columns, in which headings have no room


class ComparisonDisplay(DisplayWithBar):
    """See `DisplayWithBar`; a line for each training."""

    def on_understood(self, summary: str) -> None:
        """Prints what was understood of the task."""
        self._print(summary)

    def on_training(self, progress: Progress) -> None:
        """Shows that a training has ended."""
        if not self._bar.is_shown:
            request, evaluation = progress.request, progress.evaluation
            own = request.candidate.hyperparameters.learning_rate
            rate = "" if own is None else f"  {own:g}"
            self._print(
                f"{progress.stage} {progress.done}/{progress.planned}  "
                f"{legible(progress.name)}{rate}  "
                f"seed {request.seed}  {evaluation.fitness:.4f}  {evaluation.status}"
            )
        self._bar.update(
            f"{progress.stage}: {legible(progress.name)}", progress.done, progress.planned
        )

    def show(self, comparison: Comparison) -> None:
        """Prints the table and the verdict."""
        show_comparison(comparison, self._console)


def show_comparison(comparison: Comparison, console: Console) -> None:
    """Prints the table of a comparison, and its verdict.

    Args:
        comparison: Of at least one loss.
        console: Where to.
    """
    first = comparison.losses[0]
    table = Table(
        title=f"{comparison.split.capitalize()} data after {comparison.steps[-1]} steps, "
        f"n = {len(first.seeds)}, ± 95% CI; "
        f"against {escape(legible(comparison.baseline_label))}: difference, corrected p",
        title_justify="left",
    )
    several = len(comparison.train_fractions) > 1
    if several:
        table.add_column("data")
    others = [
        (name, split)
        for split, names in first.values.items()
        for name in names
        if (name, split) != (comparison.metric, comparison.split)
    ]
    table.add_column("loss", overflow="fold")
    table.add_column("rate")
    difference = "difference" if console.width >= _NARROW else "diff."
    for column in (comparison.metric, difference, "p"):
        table.add_column(column, justify="right")
    for name, split in others:
        there = "" if split is comparison.split else f"{split} "
        table.add_column(there + name, justify="right")
    for entry in comparison.losses:
        table.add_row(
            *([f"{100 * entry.train_fraction:g}%"] if several else []),
            *_row(entry, comparison.test_of(entry)),
            *(_mean(entry, name, split) for name, split in others),
        )
    console.print(table)
    print_prose(comparison.verdict, console)


def _row(entry: LossTrainings, test: LossTest | None) -> list[str]:
    rate = "schedule" if entry.learning_rate is None else f"{entry.learning_rate:.3g}"
    difference, p = (test.difference, test.p_value_corrected) if test else (None, None)
    return [
        escape(legible(entry.name)),
        rate + (" tuned" if entry.tuned else ""),
        entry.shown,
        "" if difference is None else f"{difference:+.4f}",
        "" if p is None else f"{p:.2g}",
    ]


def _mean(entry: LossTrainings, name: str, split: Split) -> str:
    found = entry.at_end(name, split) if entry.has(name, split) else None
    return "" if found is None else f"{found[0]:.4f}"
