"""The study: every evaluation of a search in one SQLite file, written as each ends.

It is the only state of a search. A search is deterministic given its settings and its evaluations,
so one that was killed is resumed by running it again: what the study holds is not trained again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pathlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import filelock

from glo_tf.errors import at_the_end
from glo_tf.execution.started import StartedTrainings
from glo_tf.execution.study_file import (
    RUNNING,
    StudyError,
    check_contents,
    check_header,
    connect,
    create,
    damaged,
    empty_log,
    locked,
    not_written,
    transaction,
)
from glo_tf.execution.study_rescue import StudyPlace, rescue
from glo_tf.execution.study_rows import evaluation_of, key_of, row_of
from glo_tf.execution.study_settings import flat, hash_of, warn_of_unhashable
from glo_tf.execution.study_tables import (
    EVALUATIONS,
    NOTE,
    SETTINGS,
    DamageError,
    checked,
    delete,
    insert,
    make_tables,
    read_column,
)
from glo_tf.training.trial import Evaluation, Request, Status

logger = logging.getLogger("glo_tf")

_IS_IT = "hash=? AND trained=?"
_LOG_BYTES = 4_000_000  # after which the write-ahead log is emptied


class Study:
    """The evaluations of one search; made by `open` or `in_memory`.

    Args:
        connection: To a database with the study's tables.
        task: Hash of what every training has in common.
        path: Of the file, for messages; None in memory.
        lock: Held until `close`.

    Attributes:
        started: What is trained in this process, and what earlier ones died of.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        task: str,
        path: pathlib.Path | None = None,
        lock: filelock.BaseFileLock | None = None,
    ):
        self._connection = connection
        self._task = task
        self._path = path
        self._lock = lock
        self._place = None if path is None else StudyPlace(path)
        self._lost: StudyError | None = None
        running = None if path is None else path.with_name(path.name + RUNNING)
        self.started = StartedTrainings(running)

    @classmethod
    def in_memory(cls, task: Mapping[str, Any]) -> Study:
        """A study that is gone with the process.

        Args:
            task: What determines the result of every training; see `TrainingTask.description`.
        """
        connection = connect(":memory:")
        make_tables(connection)
        return cls(connection, hash_of(task))

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        task: Mapping[str, Any],
        settings: Mapping[str, Any],
    ) -> Study:
        """Opens a study to go on with, or makes one.

        One process at a time may have it open.

        Args:
            path: Of the file.
            task: What determines the result of every training.
            settings: What else determines the search.

        Raises:
            StudyError: If another search has it open, it has other settings or another schema, it
                is corrupt or not a study; the file is left as it is.
        """
        path = pathlib.Path(path)
        lock = locked(path)
        given = flat({**settings, "task": task})
        try:
            if path.exists() and path.stat().st_size:
                check_header(path)
                check_contents(path, given)
            else:
                create(path, given)
                warn_of_unhashable(path, given)
            # Absolute, whatever the working directory is later.
            return cls(connect(path), hash_of(task), path.absolute(), lock)
        except (OSError, sqlite3.Error) as error:
            lock.release()
            raise not_written(path, error) from error
        except BaseException:
            lock.release()
            raise

    def __len__(self) -> int:
        """Number of finished trainings."""
        with self._translated():
            query = "SELECT count(*) FROM evaluations WHERE trained"
            (count,) = self._connection.execute(query).fetchone()
        return int(count)

    @property
    def suspects(self) -> list[str]:
        """Trainings in whose midst an earlier process died, as text."""
        return [str(suspect) for suspect in self.started.suspects.values()]

    def find(self, request: Request) -> Evaluation | None:
        """The evaluation of a training that is done, or None.

        Raises:
            StudyError: If it cannot be read.
        """
        # A training that was stopped comes first: it was asked for in this way before.
        keys = [self._key(request, stopped=True)] if request.stop_at_chance else []
        for key in (*keys, self._key(request)):
            with self._translated():
                query = f"SELECT * FROM {EVALUATIONS} WHERE {_IS_IT}"
                row = self._connection.execute(query, (key, 1)).fetchone()
                if row is not None:
                    self.started.end(request)
                    return evaluation_of(request, checked(EVALUATIONS, row))
        return None

    def add(
        self,
        request: Request,
        evaluation: Evaluation,
        *,
        worker: str = "",
        tries: int = 1,
        reason: str = "",
    ) -> None:
        """Keeps the end of a training.

        Raises:
            StudyError: If it cannot be written, as on a full disk.
        """
        key = self._key(request, stopped=evaluation.status == Status.STOPPED)
        self._insert(key, 1, request, evaluation, worker, tries, reason)
        self.started.end(request)

    def add_untrained(self, evaluation: Evaluation) -> None:
        """Keeps a fitness that was found without a training: inherited, rejected, x or y missing.

        Raises:
            StudyError: If it cannot be written.
        """
        request = Request(evaluation.candidate, evaluation.seed)
        self._insert(self._key(request), 0, request, evaluation, "", 0, "")

    def forget(self, requests: Iterable[Request]) -> None:
        """Drops trainings, to do them again another time."""
        with self._written():
            for request in requests:
                delete(self._connection, EVALUATIONS, _IS_IT, (self._key(request), 1))

    def note(self, name: str, value: object) -> None:
        """Keeps what a run decided by more than its evaluations, for those that replay it.

        Args:
            name: That no earlier note has.
            value: JSON-ready.

        Raises:
            StudyError: If it cannot be written.
        """
        with self._written():
            insert(self._connection, SETTINGS, (NOTE + name, json.dumps(value)))

    def noted(self, name: str) -> Any:
        """What `note` kept, or None.

        Raises:
            StudyError: If it cannot be read.
        """
        with self._translated():
            query = f"SELECT * FROM {SETTINGS} WHERE name=?"
            row = self._connection.execute(query, (NOTE + name,)).fetchone()
            return None if row is None else read_column(name, json.loads, checked(SETTINGS, row)[1])

    def check_place(self) -> None:
        """Saves the study elsewhere if its file is not where and what it was; each write does this.

        Raises:
            StudyError: If that is so, the same each time; it says where the copy is.
        """
        if self._lost is None and self._place is not None and self._path is not None:
            problem = self._place.problem()
            if problem:
                self._lost = self._saved_elsewhere(self._path, problem)
        if self._lost is not None:
            raise self._lost

    def _saved_elsewhere(self, path: pathlib.Path, problem: str) -> StudyError:
        expected = f"Expected '{path}' to stay as it is while a search runs. Received: {problem}"
        try:
            copy = rescue(self._connection, path)
        except StudyError as error:
            return StudyError(f"{expected}; {error}")
        return StudyError(
            f"{expected}; what it held is saved as '{copy}': move that file back, or resume with "
            f"output_dir='{copy.parent}' (--output_dir={copy.parent})"
        )

    def close(self) -> None:
        """Frees the file for others; a study in memory stays.

        Raises:
            StudyError: As `check_place`.
        """
        if self._lock is not None:
            steps = (self.started.close, self._connection.close, self._lock.release)
            with at_the_end(self.check_place, *steps):
                pass

    def _insert(
        self,
        key: str,
        trained: int,
        request: Request,
        evaluation: Evaluation,
        worker: str,
        tries: int,
        reason: str,
    ) -> None:
        row = (key, trained, *row_of(request, evaluation, worker, tries, reason))
        with self._written():
            there = f"SELECT count(*) FROM {EVALUATIONS} WHERE {_IS_IT}"
            (count,) = self._connection.execute(there, (key, trained)).fetchone()
            if count and not trained:
                return
            if count:
                delete(self._connection, EVALUATIONS, _IS_IT, (key, trained))
            last = f"SELECT coalesce(max(id), 0) FROM {EVALUATIONS}"
            (number,) = self._connection.execute(last).fetchone()
            insert(self._connection, EVALUATIONS, (number + 1, *row))

    @contextlib.contextmanager
    def _written(self) -> Iterator[None]:
        with self._translated():
            with transaction(self._connection):
                yield
            self.check_place()
            if self._place is not None and self._place.log_size > _LOG_BYTES:
                empty_log(self._connection)
                self._place.renew()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (DamageError, UnicodeDecodeError) as error:
            raise damaged(self._path, str(error)) from error
        except (OSError, sqlite3.Error) as error:
            self.check_place()
            raise not_written(self._path, error) from error

    def _key(self, request: Request, *, stopped: bool = False) -> str:
        return key_of(self._task, request, stopped=stopped)
