"""What a comparison shows: its trainings while they run, then a table and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
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


_NARROW = 80  # columns, below which frames and headings have no room
_NAME, _OTHERS = 15, 60  # columns of a loss at least, and of what stands beside it


class ComparisonDisplay(DisplayWithBar["Comparison"]):
    """See `DisplayWithBar`; a line for each training."""

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

    def show(self, result: Comparison) -> None:
        """Prints the table and the verdict."""
        show_comparison(result, self._console)


def show_comparison(comparison: Comparison, console: Console) -> None:
    """Prints the table of a comparison, and its verdict.

    Args:
        comparison: Of at least one loss.
        console: Where to.
    """
    first = comparison.losses[0]
    narrow = console.width < _NARROW
    table = Table(
        title=f"{comparison.split.capitalize()} data after {comparison.steps[-1]} steps, "
        f"n = {len(first.seeds)}, ± 95% CI; "
        f"against {escape(legible(comparison.baseline_label))}: difference, corrected p",
        title_justify="left",
        box=box.SIMPLE_HEAD if narrow else box.HEAVY_HEAD,
        padding=(0, 1, 0, 0) if narrow else (0, 1),
        pad_edge=not narrow,
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
    all_tuned = all(entry.tuned for entry in comparison.losses)
    rows = [_row(entry, comparison.test_of(entry), all_tuned) for entry in comparison.losses]
    longest = max(len(name) for name, *_ in rows)
    # The mean alone may take a second line, for its interval.
    table.add_column(
        "loss", overflow="fold", width=min(longest, max(console.width - _OTHERS, _NAME))
    )
    rate = "tuned rate" if all_tuned else "rate"
    table.add_column(rate.replace(" ", "\n") if narrow else rate, no_wrap=True)
    table.add_column(comparison.metric, justify="right")
    table.add_column("diff." if narrow else "difference", justify="right", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    for name, split in others:
        there = "" if split is comparison.split else f"{split} "
        table.add_column(there + name, justify="right")
    for entry, row in zip(comparison.losses, rows, strict=True):
        table.add_row(
            *([f"{100 * entry.train_fraction:g}%"] if several else []),
            *map(escape, row),
            *(_mean(entry, name, split) for name, split in others),
        )
    console.print(table)
    print_prose(comparison.verdict, console)


def _row(entry: LossTrainings, test: LossTest | None, all_tuned: bool) -> list[str]:
    rate = "schedule" if entry.learning_rate is None else f"{entry.learning_rate:.3g}"
    difference, p = (test.difference, test.p_value_corrected) if test else (None, None)
    return [
        legible(entry.name),
        rate + (" tuned" if entry.tuned and not all_tuned else ""),
        entry.shown,
        "" if difference is None else f"{difference:+.4f}",
        "" if p is None else f"{p:.2g}",
    ]


def _mean(entry: LossTrainings, name: str, split: Split) -> str:
    found = entry.at_end(name, split) if entry.has(name, split) else None
    return "" if found is None else f"{found[0]:.4f}"
