"""Results in notebooks: tables with formulas, as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glo_tf.expressions.tree import Expression
    from glo_tf.results.comparison import Comparison
    from glo_tf.results.record import Record


_DIGITS = 3  # of a coefficient in a table


def comparison_as_html(comparison: Comparison) -> str:
    """A table of the losses, and the verdict."""
    said = "".join(f"<p>{html.escape(line)}</p>" for line in comparison.verdict.splitlines())
    return compared(comparison) + said


def hall_of_fame_as_html(records: Iterable[Record]) -> str:
    """A table of candidates, with formulas."""
    rows = [[str(r.loss.size), f"{r.fitness:.4f}", formula(rounded(r.loss))] for r in records]
    return _html_table(["size", "fitness", "loss"], rows) if rows else ""


def compared(comparison: Comparison) -> str:
    """A table of the losses."""
    rows = [[html.escape(row.label), html.escape(row.shown)] for row in comparison.losses]
    return _html_table(["loss", html.escape(comparison.metric)], rows)


def rounded(loss: Expression) -> Expression:
    """A loss with short numbers, for tables."""
    return loss.with_coefficients([float(f"{one:.{_DIGITS}g}") for one in loss.coefficients])


def formula(loss: Expression) -> str:
    """A loss as MathML."""
    from glo_tf.expressions.notation import mathml

    return f"<math>{mathml(loss)}</math>"


def _html_table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{c}</td>' for c in row)}</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div style="overflow-x:auto">{table}</div>'  # a long formula scrolls on a phone
