"""The folder that a search writes to, and continues from."""

from __future__ import annotations

import csv
import dataclasses
import errno
import io
import logging
import os
import pathlib
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

from glo_tf.record import Record
from glo_tf.results import SearchResult
from glo_tf.study import Study
from glo_tf.study_file import StudyError, not_written, remove_study

logger = logging.getLogger("glo_tf")


class OutputFolder:
    """`study.db`, the state of the search, and what is made of it: `history.csv`, `best_loss.json`.

    Args:
        path: Created if absent.
        task: What determines the result of every training; see `Study.open`.
        settings: What else determines the search.
        overwrite: Whether the results of an earlier search there may be replaced. A `study.db` that
            glo_tf has not written never is.

    Attributes:
        trained_before: Trainings in the study of an earlier run of this search.

    Raises:
        StudyError: If the folder cannot be written, or holds another search.
    """

    STUDY, HISTORY, BEST_LOSS = "study.db", "history.csv", "best_loss.json"
    LOG, REPORT = "search.log", "report.html"

    def __init__(
        self,
        path: str | os.PathLike[str],
        task: Mapping[str, Any],
        settings: Mapping[str, Any],
        *,
        overwrite: bool = False,
    ):
        self.path = pathlib.Path(path)
        self._task, self._settings = task, settings
        check_writable(self.path)
        if overwrite:
            remove_study(self.path / self.STUDY)
            for name in (self.HISTORY, self.BEST_LOSS, self.LOG, self.REPORT):
                (self.path / name).unlink(missing_ok=True)
        study = self.path / self.STUDY
        if (self.path / self.HISTORY).exists() and not study.exists():
            raise StudyError(
                "Expected an output_dir without other results, or overwrite=True (--overwrite). "
                f"Received: output_dir='{path}', with a history.csv but no study.db"
            )
        opened = self.open_study()
        self.trained_before = len(opened)
        opened.close()

    def open_study(self) -> Study:
        """The study, for this process alone; see `Study.open`."""
        return Study.open(self.path / self.STUDY, self._task, self._settings)

    def begin_history(self) -> None:
        """Starts `history.csv` anew, with its header; a crash leaves the old or the new file.

        Raises:
            StudyError: If it cannot be written, as on a full disk.
        """
        partial = self.path / f"{self.HISTORY}.partial"
        try:
            partial.write_bytes(_as_csv([[field.name for field in dataclasses.fields(Record)]]))
            os.replace(partial, self.path / self.HISTORY)
        except OSError as error:
            raise not_written(partial, error) from error

    def append_history(self, records: Iterable[Record]) -> None:
        """Adds one row per candidate to `history.csv`: all of them, or none.

        Raises:
            StudyError: If it cannot be written.
        """
        names = [field.name for field in dataclasses.fields(Record)]
        rows = _as_csv([getattr(record, name) for name in names] for record in records)
        path = self.path / self.HISTORY
        try:
            with path.open("ab", buffering=0) as file:
                size = file.tell()
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
        from glo_tf.loss_io import save_loss

        assert result.best is not None
        metadata = {
            "fitness": result.best.fitness,
            "phase": result.best.phase,
            "generation": result.best.generation,
            "confirmation": [row.as_dict() for row in result.confirmation],
            "comparison": [row.as_dict() for row in result.comparison],
        }
        losses = result.best_loss
        if isinstance(losses, list):
            losses = {str(place): loss for place, loss in enumerate(losses)}
        elif not isinstance(losses, dict):
            losses = {"": losses}
        stem, suffix = os.path.splitext(self.BEST_LOSS)
        for name, loss in losses.items():
            path = self.path / (f"{stem}_{name}{suffix}" if name else self.BEST_LOSS)
            try:
                save_loss(loss, path, metadata=metadata)
            except OSError as error:
                raise not_written(path, error) from error


def try_to_write_report(path: pathlib.Path) -> None:
    """Writes `report.html` from the other files of a run; see `glo_tf.report.write_report`.

    What goes wrong is logged: the report can be made again at any time, and the run is not to fail
    for it.
    """
    try:
        from glo_tf.report import write_report

        write_report(path, figures=False)
    except Exception as error:
        logger.warning(
            "No report was written (%s: %s); glo-tf --mode=report --output_dir=%s tries again",
            type(error).__name__,
            error,
            path,
        )


def check_writable(path: pathlib.Path) -> None:
    """Makes a folder where there is none, and tries to write there.

    Raises:
        StudyError: If that fails.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise StudyError(
            f"Expected a writable output_dir ({error.strerror}). Received: output_dir='{path}'"
        ) from error


def _as_csv(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in rows:
        writer.writerow(["" if value is None else str(value) for value in row])
    return text.getvalue().encode()
