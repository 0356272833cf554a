"""What a report is made of: the files of a search, as data."""

from __future__ import annotations

import csv
import dataclasses
import functools
import math
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from glo_tf.errors import InvalidFileError
from glo_tf.execution.study_reader import StudyContents, read_study
from glo_tf.expressions.tree import Expression
from glo_tf.losses.files import load_loss, read_metadata
from glo_tf.metrics.mode import Mode
from glo_tf.results import run_files
from glo_tf.results.bar import Bar, bar_of_data
from glo_tf.results.comparison import Comparison
from glo_tf.results.fame_table import FameRow, fame_table_of_data
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.owned_files import HISTORY_HEADER, OWN_RATES_HEADER, is_there
from glo_tf.results.record import Phase, Record, Source
from glo_tf.results.run_files import best_loss_files
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.trial import Status, Values, values_of_data
from glo_tf.utils.json_file import in_short, is_count, is_finite, shown

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss


@dataclasses.dataclass(frozen=True)
class SearchFiles:
    """The files of one search.

    Attributes:
        study: Settings, and the trainings in numbers.
        records: Every candidate, in order.
        losses: The best loss by the name of its file: one, or one for each output.
        metric: Name of what fitness measures.
        minimized: Whether the metric is to be small, and fitness therefore falls with it.
        values: By name what the best loss's fitness in the search is made of; see
            `glo_tf.training.trial.Evaluation`.
        learning_rate: What goes with the best loss; None in what an earlier version wrote.
        rescaled: Whether the best loss was given another scale than it had in the search.
        remark: What a user has to know of the best loss's scale, or `""`.
        known: Name of the known loss that the best loss is, or `""`.
        searched: The best loss as it was trained in the search; None if there is none.
        bar: What was to beat; None if there was nothing.
        hall_of_fame: Of simplified losses, the smallest first; empty where the search has not come
            to its end.
        confirmation: The finalists, the best first.
        comparison: The best loss beside the usual one; None if none was made.
    """

    study: StudyContents
    records: list[Record]
    losses: dict[str, ExpressionLoss]
    metric: str
    minimized: bool
    values: Values
    learning_rate: float | None
    rescaled: bool
    remark: str
    known: str
    searched: Expression | None
    bar: Bar | None
    hall_of_fame: list[FameRow]
    confirmation: list[LossTrainings]
    comparison: Comparison | None

    def unfinished(self) -> str:
        """What tells that the search did not come to its planned end, or `""`."""
        settings = self.study.settings
        if not self.records:
            return "no generation was finished"
        if settings.get("comparison_seeds") and not self.comparison:
            return "it ended before the comparison"
        last = max((r.generation for r in self.records if r.phase == Phase.DISCOVERY), default=0)
        if last and last < settings.get("generations", 0):
            return f"it ended after generation {last} of {settings['generations']}"
        return ""

    def counts(self) -> dict[Source, int]:
        """Number of candidates by where their fitness came from."""
        counts: dict[Source, int] = {}
        for record in self.records:
            counts[record.source] = counts.get(record.source, 0) + 1
        return counts


def read_search(folder: pathlib.Path) -> SearchFiles:
    """Reads what a search has written so far.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If there is no search, or a file is not as a search writes it.
    """
    study = folder / run_files.STUDY
    if not study.is_file():
        raise InvalidFileError(
            f"Expected the folder of a search, with {run_files.STUDY}, or of a comparison, with "
            f"comparison.json. Received: output_dir='{folder}'"
        )
    contents = read_study(study)
    minimized = contents.settings.get("task.metric.mode") == Mode.MIN
    paths = list(best_loss_files(folder).values())
    losses = {path.name: load_loss(path) for path in paths}
    metadata = read_metadata(paths[0]) if paths else {}
    confirmation, comparison = _at_the_end(metadata, paths[0]) if paths else ([], None)
    return SearchFiles(
        study=contents,
        records=_read_history(folder / run_files.HISTORY),
        losses=losses,
        metric=str(contents.settings.get("task.metric.name", "fitness")),
        minimized=minimized,
        values=_values(metadata, paths[0]) if paths else {},
        learning_rate=_learning_rate(metadata, paths[0]) if paths else None,
        rescaled="scale" in metadata,
        remark=_text(metadata, "remark", paths[0]) if paths else "",
        known=_text(metadata, "known", paths[0]) if paths else "",
        searched=_searched(metadata, losses[paths[0].name], paths[0]) if paths else None,
        bar=bar_of_data(metadata["bar"], paths[0]) if "bar" in metadata else None,
        hall_of_fame=fame_table_of_data(
            metadata.get("hall_of_fame", []), next(iter(paths), folder)
        ),
        confirmation=confirmation,
        comparison=comparison,
    )


def _read_history(path: pathlib.Path) -> list[Record]:
    if not is_there(path):
        return []
    parse = functools.lru_cache(maxsize=None)(Expression.parse)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, [])
            if header not in ([*HISTORY_HEADER], [*OWN_RATES_HEADER]):
                raise ValueError(f"columns {shown(header)}")
            return [_record(dict(zip(header, row, strict=True)), parse) for row in rows]
    except (ValueError, csv.Error) as error:
        raise InvalidFileError(
            f"Expected a history that a search of this version wrote ({in_short(error)}). "
            f"Received: '{path}'"
        ) from error


def _record(row: dict[str, str], parse: Callable[[str], Expression]) -> Record:
    generation, individual, steps = (
        int(row[name]) for name in ("generation", "individual", "steps")
    )
    fitness = float(row["fitness"])
    if not all(map(is_count, (generation, individual, steps))) or not 0.0 <= fitness < math.inf:
        raise ValueError(f"numbers out of range in {shown(row)}")
    origin = row["inherited_from"]
    return Record(
        phase=Phase(row["phase"]),
        generation=generation,
        individual=individual,
        candidate=Candidate(parse(row["loss"]), _hyperparameters(row)),
        fitness=fitness,
        status=Status(row["status"]),
        source=Source(row["source"]),
        steps=steps,
        inherited_from=Candidate(parse(origin)) if origin else None,
    )


def _hyperparameters(row: dict[str, str]) -> Hyperparameters:
    rate = row.get("learning_rate")
    return Hyperparameters(float(rate) if rate else None)


def _at_the_end(
    metadata: dict[str, Any], path: pathlib.Path
) -> tuple[list[LossTrainings], Comparison | None]:
    """The confirmation and the comparison of a search, from its `best_loss.json`."""
    comparison = metadata.get("comparison") or None
    confirmation = metadata.get("confirmation") or []
    try:
        return (
            LossTrainings.several_of_data(confirmation, path),
            None if comparison is None else Comparison.of_data(comparison, path),
        )
    except ValueError as error:
        raise InvalidFileError(
            "Expected confirmation and comparison as a search of this version writes them "
            f"({in_short(error)}). Received: '{path}'"
        ) from error


def _values(metadata: dict[str, Any], path: pathlib.Path) -> Values:
    """What the fitness of the best loss is made of, from its `best_loss.json`."""
    given = metadata.get("values", {})
    try:
        return values_of_data(given)
    except ValueError as error:
        raise InvalidFileError(
            f"Expected 'values' as numbers by their names ({error}). Received: {shown(given)} in "
            f"'{path}'"
        ) from error


def _learning_rate(metadata: dict[str, Any], path: pathlib.Path) -> float | None:
    given = metadata.get("learning_rate")
    if given is not None and not (is_finite(given) and given > 0):
        raise InvalidFileError(
            f"Expected a positive 'learning_rate'. Received: {shown(given)} in '{path}'"
        )
    return None if given is None else float(given)


def _text(metadata: dict[str, Any], name: str, path: pathlib.Path) -> str:
    given = metadata.get(name, "")
    if not isinstance(given, str):
        raise InvalidFileError(f"Expected a text '{name}'. Received: {shown(given)} in '{path}'")
    return given


def _searched(metadata: dict[str, Any], loss: ExpressionLoss, path: pathlib.Path) -> Expression:
    """What the search trained, of which the loss of the file is a multiple where it differs."""
    given = _text(metadata, "searched", path)
    try:
        return Expression.parse(given) if given else loss.tree
    except ValueError as error:
        raise InvalidFileError(
            f"Expected 'searched' to be a loss ({in_short(error)}). Received: {shown(given)} in "
            f"'{path}'"
        ) from error
