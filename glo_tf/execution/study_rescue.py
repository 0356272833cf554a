"""A study that is deleted, moved, replaced or overwritten while a search has it open.

SQLite goes on writing to the file that it has open, wherever that is now, and what it writes is
gone with the process if no name leads there. So its place is looked at with each write, and what is
still open is copied to another place.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import sqlite3
import tempfile

from glo_tf.execution.study_file import StudyError, reading
from glo_tf.execution.study_log import log_of


class StudyPlace:
    """Where the files of an open study are, and that nothing else writes to them.

    Args:
        path: Of the study; its write-ahead log is beside it.
    """

    def __init__(self, path: pathlib.Path):
        self._path = path
        self._identities = {file: _identity(file) for file in (path, log_of(path))}
        self.renew()

    def renew(self) -> None:
        """To be called after the study's file was written, which only emptying its log does."""
        self._written = _written(self._path)

    @property
    def log_size(self) -> int:
        """Bytes of the write-ahead log."""
        return log_of(self._path).stat().st_size

    def problem(self) -> str:
        """What has become of them, or `""`."""
        for file, identity in self._identities.items():
            try:
                now = _identity(file)
            except OSError as error:
                return f"'{file}' is gone ({error.strerror})"
            if now != identity:
                return f"'{file}' is another file now"
        if _written(self._path) != self._written:
            try:
                with reading(self._path):
                    self.renew()
            except StudyError as error:
                return f"something else has written to it ({error})"
        return ""


def rescue(connection: sqlite3.Connection, path: pathlib.Path) -> pathlib.Path:
    """Copies an open study to a new folder: beside its own, or else among temporary files.

    Args:
        connection: To the study.
        path: Where it was.

    Returns:
        Path of the copy, a whole study.

    Raises:
        StudyError: If there is no room for one, or what is left of it is damaged.
    """
    problems = []
    for parent in (path.parent.parent, tempfile.gettempdir()):
        try:
            folder = tempfile.mkdtemp(prefix=f"{path.parent.name}.rescued.", dir=parent)
        except OSError as error:
            problems.append(str(error))
            continue
        copy = pathlib.Path(folder, path.name)
        try:
            with contextlib.closing(sqlite3.connect(copy)) as target:
                connection.backup(target)
            with reading(copy):
                return copy
        except (OSError, sqlite3.Error, StudyError) as error:
            problems.append(str(error))
            shutil.rmtree(folder, ignore_errors=True)
    raise StudyError(f"no copy of what it holds could be written: {'; '.join(problems)}")


def _written(path: pathlib.Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def _identity(path: pathlib.Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
