"""The hall of fame as a table: losses in their simplest form, with size, fitness and rate."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, cast

from glo_tf.errors import InvalidFileError
from glo_tf.results.record import Record, pareto_front
from glo_tf.screening.simplification import rounded, simplified, smallest_size
from glo_tf.training.trial import Status
from glo_tf.utils.json_file import is_count, is_finite, shown

if TYPE_CHECKING:
    from glo_tf.data.outputs import Outputs

_DIGITS = 6
_FITTEST = 50


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


def fame_table(records: Sequence[Record], outputs: Outputs, given: float | None) -> list[FameRow]:
    """The Pareto front of fitness against the size of simplified losses, the smallest first.

    Args:
        records: Of all candidates, of which the fittest and their own Pareto front are looked at.
        outputs: Of the model.
        given: Learning rate of candidates that have none of their own.
    """
    finished = {r.loss: r for r in records if r.status == Status.OK and r.fitness > 0.0}
    fittest = sorted(finished.values(), key=_order)[:_FITTEST]
    rows: list[FameRow] = []
    for record in sorted({*fittest, *pareto_front(records)}, key=_order):
        if rows and smallest_size(record.loss, outputs) >= rows[-1]["size"]:
            continue
        short = simplified(record.loss, outputs)
        if rows and short.size >= rows[-1]["size"]:
            continue
        loss = rounded(short, _DIGITS, outputs) or short
        own = record.candidate.hyperparameters.learning_rate
        rate = given if own is None else own
        row = FameRow(size=loss.size, fitness=record.fitness, learning_rate=rate, loss=str(loss))
        if rows and rows[-1]["fitness"] == row["fitness"]:
            rows.pop()
        rows.append(row)
    return rows[::-1]


def fame_table_of_data(data: object, path: pathlib.Path) -> list[FameRow]:
    """The rows of `fame_table`, read from a file.

    Args:
        data: The rows.
        path: The file that holds them.

    Raises:
        ValueError: If they are anything else; it names the file.
    """
    rows: list[FameRow] = []
    for row in data if isinstance(data, list) else [data]:
        if not (isinstance(row, dict) and set(row) == set(FameRow.__annotations__) and _is(row)):
            raise InvalidFileError(
                "Expected 'hall_of_fame' as rows of size, fitness, learning_rate and loss. "
                f"Received: {shown(row)} in '{path}'"
            )
        rows.append(cast(FameRow, row))
    return rows


def _is(row: Mapping[str, Any]) -> bool:
    rate = row["learning_rate"]
    return (
        is_count(row["size"])
        and is_finite(row["fitness"])
        and (rate is None or is_finite(rate))
        and isinstance(row["loss"], str)
    )


def _order(record: Record) -> tuple[float, int, str]:
    return -record.fitness, record.loss.size, str(record.loss)
