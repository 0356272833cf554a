"""The folder that a search writes to, and resumes from."""

from __future__ import annotations

import csv
import dataclasses
import errno
import io
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from glo_tf.execution.side_by_side import lanes_of
from glo_tf.execution.study import Study
from glo_tf.execution.study_file import not_written, remove_study
from glo_tf.results.found_loss import FoundLoss
from glo_tf.results.owned_files import (
    HISTORY_HEADER,
    OWN_RATES_HEADER,
    check_free,
    check_study_free,
    remove_owned,
    write_owned,
)
from glo_tf.results.record import Record
from glo_tf.results.run_files import (
    COMPARISON,
    FLAGS,
    HISTORY,
    LOG,
    OUTPUT,
    REPORT,
    STUDY,
    best_loss_files,
    best_loss_name,
    make_writable,
    refuse_orphans,
    writing_to,
)
from glo_tf.results.search_result import SearchResult
from glo_tf.utils.files import user_path

logger = logging.getLogger("glo_tf")


class OutputFolder:
    """`study.db`, the state of the search, and what is made of it: `history.csv`, `best_loss.json`.

    Args:
        path: Created if absent.
        task: What determines the result of every training; see `Study.open`.
        settings: What else determines the search.
        outputs: Names of the outputs that get a loss of their own; `[""]` where one loss is for
            all.
        own_rates: Whether candidates have learning rates of their own, which the history tells.
        overwrite: Whether the results of an earlier search there may be replaced. What glo_tf has
            not written never is.

    Attributes:
        trained_before: Trainings in the study of an earlier run of this search.
        suspects: Trainings in whose midst an earlier run died.
        lanes: Side by side that it found room for; None if it found none, or was given them.

    Raises:
        ForeignFileError: If others have put something where results go; nothing is touched.
        StudyError: If the folder cannot be written, or holds another search.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        task: Mapping[str, Any],
        settings: Mapping[str, Any],
        *,
        outputs: Sequence[str] = ("",),
        own_rates: bool = False,
        overwrite: bool = False,
    ):
        self.path = user_path(path)
        self._task, self._settings = task, settings
        self._columns = OWN_RATES_HEADER if own_rates else HISTORY_HEADER
        study, history, report = (self.path / name for name in (STUDY, HISTORY, REPORT))
        losses = [self.path / best_loss_name(output) for output in outputs]
        with writing_to(self.path):
            check_free(history, *losses, report)
            check_study_free(study)
        if overwrite:
            make_writable(self.path)
            remove_study(study)
            logs = [self.path / LOG, self.path / FLAGS]
            earlier = [*best_loss_files(self.path).values(), *losses]
            with writing_to(self.path):
                remove_owned([history, report, *earlier, *logs])
        elif not study.exists():
            # A comparison's folder may be searched in, too; the report tells of both.
            compared = (self.path / COMPARISON).exists()
            refuse_orphans([history, *losses, *([] if compared else [report])], study)
        make_writable(self.path)
        opened = self.open_study()
        self.trained_before = len(opened)
        self.suspects = opened.suspects
        self.lanes = lanes_of(opened)
        opened.close()

    def open_study(self) -> Study:
        """The study, for this process alone; see `Study.open`."""
        return Study.open(self.path / STUDY, self._task, self._settings)

    def begin_history(self) -> None:
        """Starts `history.csv` anew, with its header; a crash leaves the old or the new file.

        Raises:
            StudyError: If it cannot be written, as on a full disk.
        """
        path = self.path / HISTORY
        try:
            write_owned(path, _as_csv([self._columns]))
        except OSError as error:
            raise not_written(path, error) from error

    def append_history(self, records: Iterable[Record]) -> None:
        """Adds one row per candidate to `history.csv`: all of them, or none.

        Raises:
            StudyError: If it cannot be written.
        """
        rows = _as_csv([record.column(name) for name in self._columns] for record in records)
        path = self.path / HISTORY
        try:
            check_free(path)
            with path.open("r+b", buffering=0) as file:
                size = file.seek(0, os.SEEK_END)
                if file.write(rows) != len(rows):
                    file.truncate(size)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise not_written(path, error) from error

    def write_best_loss(self, result: SearchResult) -> None:
        """Replaces `best_loss.json`, which `glo_tf.load_loss` reads.

        Where each output of a model needs a loss of its own, these are `best_loss_NAME.json`.

        Raises:
            StudyError: If it cannot be written.
        """
        from glo_tf.losses.files import as_document
        from glo_tf.losses.for_outputs import by_output

        assert result.best is not None
        assert result.found is not None
        metadata = {
            "learning_rate": result.found.learning_rate,
            **_searched(result.best, result.found),
            **({} if result.bar is None else {"bar": dataclasses.asdict(result.bar)}),
            "fitness": result.best.fitness,
            "values": dict(result.best.values),
            "phase": result.best.phase,
            "generation": result.best.generation,
            "confirmation": [dataclasses.asdict(row) for row in result.confirmation],
            "comparison": result.comparison.as_dict() if result.comparison else None,
            "hall_of_fame": result.hall_of_fame_table,
        }
        for name, loss in by_output(result.best_loss):
            path = self.path / best_loss_name(name)
            if name:
                metadata[OUTPUT] = name
            try:
                write_owned(path, as_document(loss, metadata))
            except OSError as error:
                raise not_written(path, error) from error


def _searched(best: Record, found: FoundLoss) -> dict[str, Any]:
    """What the loss was in the search, where it is given in another form or at another scale.

    Where it is a known loss, its name, too.
    """
    scaled = {} if found.scale is None else {"scale": found.scale, "remark": found.remark}
    other = found.loss != best.loss or found.scale is not None
    searched = {"searched": str(best.loss)} if other else {}
    return {**scaled, **searched, **({"known": found.known} if found.known else {})}


def _as_csv(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in rows:
        writer.writerow(["" if value is None else str(value) for value in row])
    return text.getvalue().encode()
