"""The hall of fame as a table: losses in their simplest form, with size, fitness and rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from glo_tf.results.record import Record
from glo_tf.screening.simplification import rounded, simplified

if TYPE_CHECKING:
    from glo_tf.data.outputs import Outputs

_DIGITS = 6


class FameRow(TypedDict):
    """One loss, JSON-ready.

    Attributes:
        size: Nodes of the simplified loss.
        fitness: In the search.
        learning_rate: At which it has that; None where nobody knows.
        loss: The simplified loss with numbers of six digits, as steep as it was searched.
    """

    size: int
    fitness: float
    learning_rate: float | None
    loss: str


def fame_table(front: Sequence[Record], outputs: Outputs, given: float | None) -> list[FameRow]:
    """Rows of a Pareto front, which it is with the sizes of simplified losses, too.

    Args:
        front: The smallest first.
        outputs: Of the model.
        given: Learning rate of candidates that have none of their own.
    """
    rows = []
    for record in front:
        short = simplified(record.loss, outputs)
        loss = rounded(short, _DIGITS, outputs) or short
        own = record.candidate.hyperparameters.learning_rate
        rate = given if own is None else own
        rows.append(
            FameRow(size=loss.size, fitness=record.fitness, learning_rate=rate, loss=str(loss))
        )
    rows.sort(key=lambda row: (row["size"], -row["fitness"]))
    best, kept = 0.0, []
    for row in rows:
        if row["fitness"] > best:
            best = row["fitness"]
            kept.append(row)
    return kept
