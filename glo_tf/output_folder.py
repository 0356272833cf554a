"""The folder that a search writes to, and continues from."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import logging
import os
import pathlib
import re
import tempfile
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from glo_tf.files import user_path
from glo_tf.owned_files import (
    HISTORY_HEADER,
    check_free,
    check_study_free,
    is_there,
    remove_owned,
    write_owned,
)
from glo_tf.record import Record
from glo_tf.results import SearchResult
from glo_tf.study import Study
from glo_tf.study_file import StudyError, not_written, remove_study

logger = logging.getLogger("glo_tf")

COMPARISON, COMPARISON_LOG, COMPARISON_FLAGS = "comparison.json", "comparison.log", "compare.flags"
"""What a comparison writes beside its studies, which may be in the folder of a search."""

_OUTPUT = "output"  # field of the metadata of a loss that is for one output alone


class OutputFolder:
    """`study.db`, the state of the search, and what is made of it: `history.csv`, `best_loss.json`.

    Args:
        path: Created if absent.
        task: What determines the result of every training; see `Study.open`.
        settings: What else determines the search.
        outputs: Names of the outputs that get a loss of their own; `[""]` where one loss is for
            all.
        overwrite: Whether the results of an earlier search there may be replaced. What glo_tf has
            not written never is.

    Attributes:
        trained_before: Trainings in the study of an earlier run of this search.
        suspects: Trainings in whose midst an earlier run died.

    Raises:
        ForeignFileError: If others have put something where results go; nothing is touched.
        StudyError: If the folder cannot be written, or holds another search.
    """

    STUDY, HISTORY, BEST_LOSS = "study.db", "history.csv", "best_loss.json"
    LOG, FLAGS, REPORT = "search.log", "search.flags", "report.html"

    def __init__(
        self,
        path: str | os.PathLike[str],
        task: Mapping[str, Any],
        settings: Mapping[str, Any],
        *,
        outputs: Sequence[str] = ("",),
        overwrite: bool = False,
    ):
        self.path = user_path(path)
        self._task, self._settings = task, settings
        study, history, report = (
            self.path / name for name in (self.STUDY, self.HISTORY, self.REPORT)
        )
        losses = [self.path / best_loss_name(output) for output in outputs]
        with writing_to(self.path):
            check_free(history, *losses, report)
            check_study_free(study)
        if overwrite:
            make_writable(self.path)
            remove_study(study)
            logs = [self.path / self.LOG, self.path / self.FLAGS]
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
        opened.close()

    def open_study(self) -> Study:
        """The study, for this process alone; see `Study.open`."""
        return Study.open(self.path / self.STUDY, self._task, self._settings)

    def begin_history(self) -> None:
        """Starts `history.csv` anew, with its header; a crash leaves the old or the new file.

        Raises:
            StudyError: If it cannot be written, as on a full disk.
        """
        path = self.path / self.HISTORY
        try:
            write_owned(path, _as_csv([HISTORY_HEADER]))
        except OSError as error:
            raise not_written(path, error) from error

    def append_history(self, records: Iterable[Record]) -> None:
        """Adds one row per candidate to `history.csv`: all of them, or none.

        Raises:
            StudyError: If it cannot be written.
        """
        rows = _as_csv([getattr(record, name) for name in HISTORY_HEADER] for record in records)
        path = self.path / self.HISTORY
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
        from glo_tf.loss_io import as_document

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
        for name, loss in losses.items():
            path = self.path / best_loss_name(name)
            if name:
                metadata[_OUTPUT] = name
            try:
                write_owned(path, as_document(loss, metadata))
            except OSError as error:
                raise not_written(path, error) from error


def best_loss_name(output: str) -> str:
    """The file of the loss of one output; that of all is `best_loss.json`.

    No name leads out of the folder, or to the file of another.
    """
    if not output:
        return OutputFolder.BEST_LOSS
    stem, suffix = os.path.splitext(OutputFolder.BEST_LOSS)
    escaped = re.sub(r"[^\w .()-]", lambda match: urllib.parse.quote(match[0], safe=""), output)
    return f"{stem}_{escaped}{suffix}"


def best_loss_files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """The best losses that a search has written, by their output; copies by users are left out.

    Raises:
        OSError: If a file cannot be read.
    """
    from glo_tf.loss_io import read_metadata

    stem, suffix = os.path.splitext(OutputFolder.BEST_LOSS)
    found = (
        {"": folder / OutputFolder.BEST_LOSS} if is_there(folder / OutputFolder.BEST_LOSS) else {}
    )
    for path in sorted(folder.glob(f"{stem}_*{suffix}")):
        with contextlib.suppress(ValueError):
            output = read_metadata(path).get(_OUTPUT)
            if isinstance(output, str) and best_loss_name(output) == path.name:
                found[output] = path
    return found


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


def refuse_orphans(results: Sequence[pathlib.Path], study: pathlib.Path) -> None:
    """Refuses results without the study that they came from: what made them is not known.

    Raises:
        StudyError: If there are any.
    """
    orphans = [path for path in results if is_there(path)]
    if orphans:
        raise StudyError(
            "Expected an output_dir without other results, or overwrite=True (--overwrite). "
            f"Received: output_dir='{study.parent}', with a {orphans[0].name} but no {study.name}"
        )


def make_writable(path: pathlib.Path) -> None:
    """Makes a folder where there is none, and tries to write there.

    Raises:
        StudyError: If that fails.
    """
    with writing_to(path):
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass


@contextlib.contextmanager
def writing_to(path: pathlib.Path) -> Iterator[None]:
    """Makes errors of the file system those of the output folder."""
    try:
        yield
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
