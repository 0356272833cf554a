"""What a search found, on one screen: for terminals as lines, for notebooks as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from glo_tf.results.html_tables import compared, formula, hall_of_fame_as_html, rounded
from glo_tf.results.outcomes import headline_of
from glo_tf.results.run_files import REPORT, best_loss_files
from glo_tf.utils.statistics import shown_value

if TYPE_CHECKING:
    from glo_tf.expressions.tree import Expression
    from glo_tf.results.found_loss import FoundLoss
    from glo_tf.results.search_result import SearchResult

_MOST = 10  # rows of a hall of fame on a screen
_BEST, _LOAD, _REPORT = "Best loss: ", "Load it: ", "Report: "

TO_COPY = (_BEST, _LOAD, _REPORT)
"""Beginnings of lines of an answer that are copied, so that no terminal may break them."""


def answer(result: SearchResult) -> list[str]:
    """Is it better, by how much, and is that sure? Then the loss, and how to use it, as lines."""
    lines = []
    if result.interrupted:
        lines.append("Ended before its time; this is what was found so far.")
    if result.stopped:
        lines.append("Stopped by a callback.")
    if result.best is None:
        return [*lines, "No candidate was trained to the end."]
    if result.comparison:
        lines.append(headline_of(result.comparison, result.comparison.losses[0].name))
    elif not result.interrupted:
        lines.append("Is it better? Nobody asked (comparison_seeds=0).")
    shown = result.best.loss if result.found is None else result.found.loss
    value = f"Validation {result.objective.name} in the search: {shown_value(result.best_value)}"
    lines += [f"{_BEST}{shown}", value + _confirmed(result)]
    if result.found is not None and result.found.known:
        lines.append(f"It is a known loss, {result.found.known}; no loss that was found is better.")
    if result.found is not None:
        lines.append(_rate_of(result.found))
    if result.folder is not None:
        for path in best_loss_files(result.folder).values():
            lines.append(f'{_LOAD}glo_tf.load_loss("{path}")')
        lines.append(f"{_REPORT}{result.folder / REPORT}")
    return lines


def screen(result: SearchResult) -> str:
    """All that fits on a screen: the answer, what was compared, and the hall of fame."""
    lines = answer(result)
    if result.comparison:
        lines += ["", "Compared:"]
        lines += _table([[row.label, row.shown] for row in result.comparison.losses])
    lines += hall_of_fame(result)
    counts = ", ".join(f"{count} {source}" for source, count in result.counts.items())
    lines += ["", f"{len(result.records)} candidates ({counts}) in {result.seconds:.0f} s"]
    return "\n".join(lines)


def hall_of_fame(result: SearchResult) -> list[str]:
    """The fittest of the hall of fame as lines, after an empty one; none where it is empty."""
    rows = [
        [
            str(row["size"]),
            f"{row['fitness']:.4f}",
            "unknown" if row["learning_rate"] is None else f"{row['learning_rate']:.4g}",
            row["loss"],
        ]
        for row in result.hall_of_fame_table[-_MOST:]
    ]
    return ["", "Hall of fame (size, fitness, learning rate, loss):", *_table(rows)] if rows else []


def in_one_line(result: SearchResult) -> str:
    """What it is."""
    if result.best is None:
        return f"SearchResult(no loss, {len(result.records)} candidates)"
    loss = result.best.loss if result.found is None else result.found.loss
    value = shown_value(result.best_value)
    name = result.objective.name
    return f"SearchResult('{loss}', {name}={value}, {len(result.records)} candidates)"


def as_html(result: SearchResult) -> str:
    """The same as `screen`, for notebooks, with formulas."""
    paragraphs = [f"<p>{html.escape(line)}</p>" for line in answer(result)]
    if result.found is not None:
        paragraphs.insert(1, f"<p>{formula(result.found.loss)}</p>")
    if result.comparison:
        paragraphs.append(compared(result.comparison))
    paragraphs.append(hall_of_fame_as_html(result.hall_of_fame))
    return "".join(paragraphs)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns under each other; the last one may be of any width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    *first, _ = widths
    return [
        "  " + "  ".join([*(f"{cell:<{n}}" for cell, n in zip(row, first, strict=False)), row[-1]])
        for row in rows
    ]


def _rate_of(found: FoundLoss) -> str:
    """The learning rate that goes with the loss, and what is to be said of its scale."""
    line = f"Learning rate: {found.learning_rate:.6g}"
    if found.scale is None:
        return line
    if found.remark:
        return f"{line}; the loss is as the search trained it: {found.remark}"
    return f"{line}, with the scale of the usual loss, whose place it can take"


def _confirmed(result: SearchResult) -> str:
    if not result.confirmation:
        return ""
    first = result.confirmation[0]
    seeds = "1 other seed" if len(first.seeds) == 1 else f"{len(first.seeds)} other seeds"
    return (
        f"; with {seeds}: {first.shown} "
        f"({'95% CI; ' if first.interval else ''}best of {len(result.confirmation)} finalists)"
    )


def brief(loss: Expression, width: int) -> str:
    """A loss for a line: with rounded numbers, and cut where it is too long."""
    text = str(rounded(loss))
    return shortened(text, width)


def shortened(text: str, width: int) -> str:
    """A text that is cut where it is too long."""
    return text if len(text) <= width else f"{text[: width - 3]}..."
