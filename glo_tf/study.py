"""The study: every evaluation of a search in one SQLite file, written as each ends.

It is the only state of a search. A search is deterministic given its settings and its evaluations,
so one that was killed is continued by running it again: what the study holds is not trained again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import filelock

from glo_tf import fingerprint
from glo_tf.fitness import STOPPED, Evaluation, Request

SCHEMA_VERSION = 2
"""Of the tables; a file with another is refused."""

_APPLICATION_ID = 0x474C4F54  # "GLOT", in the file's header
_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE evaluations (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,            -- of the task and the request: all that determines the value
    trained INTEGER NOT NULL,      -- 0 where the fitness was found without a training
    loss TEXT NOT NULL,            -- the whole loss, with its coefficients
    coefficients TEXT NOT NULL,    -- JSON, one per node in prefix order
    seed INTEGER NOT NULL,
    learning_rate REAL,            -- NULL for the optimizer's own
    train_steps INTEGER,           -- NULL for the task's own
    fitness REAL NOT NULL,
    status TEXT NOT NULL,
    steps INTEGER NOT NULL,        -- that were trained
    seconds REAL NOT NULL,
    worker TEXT NOT NULL,          -- where it ran
    tries INTEGER NOT NULL,
    reason TEXT NOT NULL,          -- why it failed
    inherited_from TEXT,           -- the loss that was trained instead
    finished TEXT NOT NULL,        -- UTC
    checkpoints TEXT NOT NULL,     -- JSON, steps
    measured TEXT NOT NULL,        -- JSON, by name the values at the checkpoints that were reached
    UNIQUE (hash, trained)
);
"""
_FIND = "SELECT fitness, status, steps, seconds, measured FROM evaluations WHERE hash=? AND trained"


class StudyError(ValueError):
    """A study cannot be read, written or continued."""


class Study:
    """The evaluations of one search; made by `open` or `in_memory`.

    Args:
        connection: To a database with the study's tables.
        task: Hash of what every training has in common.
        path: Of the file, for messages; None in memory.
        lock: Held until `close`.
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

    @classmethod
    def in_memory(cls, task: Mapping[str, Any]) -> Study:
        """A study that is gone with the process.

        Args:
            task: What determines the result of every training; see `TrainingTask.description`.
        """
        connection = _connect(":memory:")
        connection.executescript(_SCHEMA)
        return cls(connection, _hash(task))

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
        lock = _locked(path)
        given = _flat({**settings, "task": task})
        try:
            if path.exists() and path.stat().st_size:
                _check_header(path)
                _check_contents(path, given)
            else:
                _create(path, given)
            return cls(_connect(path), _hash(task), path, lock)
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

    def find(self, request: Request) -> Evaluation | None:
        """The evaluation of a training that is done, or None.

        Raises:
            StudyError: If it cannot be read.
        """
        # A training that was stopped comes first: it was asked for in this way before.
        keys = [self._key(request, stopped=True)] if request.stop_at_chance else []
        for key in (*keys, self._key(request)):
            with self._translated():
                row = self._connection.execute(_FIND, (key,)).fetchone()
            if row is not None:
                fitness, status, steps, seconds, text = row
                return Evaluation(
                    request.loss,
                    request.seed,
                    fitness,
                    status,
                    steps,
                    seconds,
                    measured={name: tuple(found) for name, found in json.loads(text).items()},
                )
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
        key = self._key(request, stopped=evaluation.status == STOPPED)
        self._insert("REPLACE", key, 1, request, evaluation, worker, tries, reason)

    def add_untrained(self, evaluation: Evaluation) -> None:
        """Keeps a fitness that was found without a training: inherited, rejected, x or y missing.

        Raises:
            StudyError: If it cannot be written.
        """
        request = Request(evaluation.loss, evaluation.seed)
        self._insert("IGNORE", self._key(request), 0, request, evaluation, "", 0, "")

    def forget(self, requests: Iterable[Request]) -> None:
        """Drops trainings, to do them again another time."""
        keys = [(self._key(request),) for request in requests]
        self._execute("DELETE FROM evaluations WHERE hash=? AND trained", keys)

    def close(self) -> None:
        """Frees the file for others; a study in memory stays."""
        if self._lock is not None:
            self._connection.close()
            self._lock.release()

    def _insert(
        self,
        conflict: str,
        key: str,
        trained: int,
        request: Request,
        evaluation: Evaluation,
        worker: str,
        tries: int,
        reason: str,
    ) -> None:
        origin = evaluation.inherited_from
        row = (
            key,
            trained,
            str(request.loss),
            json.dumps(request.loss.coefficients),
            request.seed,
            request.learning_rate,
            request.train_steps,
            evaluation.fitness,
            evaluation.status,
            evaluation.steps,
            evaluation.seconds,
            worker,
            tries,
            reason,
            None if origin is None else str(origin),
            datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            json.dumps(request.checkpoints),
            json.dumps(dict(evaluation.measured), allow_nan=False),
        )
        places = ",".join("?" * len(row))
        self._execute(f"INSERT OR {conflict} INTO evaluations VALUES (NULL,{places})", [row])

    def _execute(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self._translated(), self._connection:
            self._connection.executemany(statement, rows)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise not_written(self._path, error) from error

    def _key(self, request: Request, *, stopped: bool = False) -> str:
        loss = request.loss
        what = (loss.nodes, loss.coefficients, request.seed, request.learning_rate)
        steps = (request.train_steps, stopped, request.checkpoints)
        return fingerprint.of_bytes([self._task.encode(), repr((*what, *steps)).encode()])


@dataclasses.dataclass(frozen=True)
class StudyContents:
    """What a study's file holds.

    Attributes:
        settings: By dotted name, of the search and, as `task.NAME`, of its task.
        statuses: Number of finished trainings by status.
        seconds: Wall time of all trainings together.
        workers: Where they ran.
        failures: Reasons of those that failed, without repetitions.
        began: When the first was finished (UTC, ISO 8601), or `""`.
        ended: When the last was.
    """

    settings: dict[str, Any]
    statuses: dict[str, int]
    seconds: float
    workers: list[str]
    failures: list[str]
    began: str
    ended: str


def read_study(path: pathlib.Path) -> StudyContents:
    """Reads a study beside the search that may be writing to it.

    Raises:
        StudyError: If it is no study, or cannot be read.
    """
    # Not by `_check_header`, which closes the file: a search of this process would lose its locks.
    with contextlib.closing(_connect_to_read(path)) as connection:
        try:
            (kind,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if (kind, version) != (_APPLICATION_ID, SCHEMA_VERSION):
                raise ValueError(f"application {kind:#x}, schema version {version}")
            settings = dict(connection.execute("SELECT name, value FROM settings"))
            trained = "FROM evaluations WHERE trained"
            statuses = dict(
                connection.execute(f"SELECT status, count(*) {trained} GROUP BY status")
            )
            seconds, began, ended = connection.execute(
                f"SELECT total(seconds), min(finished), max(finished) {trained}"
            ).fetchone()
            workers, failures = (
                [text for (text,) in connection.execute(f"SELECT DISTINCT {column} {trained}")]
                for column in ("worker", "reason")
            )
            return StudyContents(
                settings={name: json.loads(value) for name, value in settings.items()},
                statuses=statuses,
                seconds=seconds,
                workers=sorted(filter(None, workers)),
                failures=sorted(filter(None, failures)),
                began=began or "",
                ended=ended or "",
            )
        except (sqlite3.Error, ValueError) as error:
            raise StudyError(
                f"Expected a study of schema version {SCHEMA_VERSION} ({error}). Received: '{path}'"
            ) from error


def remove_study(path: pathlib.Path) -> None:
    """Deletes a study, in whatever state, with the files that SQLite keeps beside it.

    Raises:
        StudyError: If a search has it open, or glo_tf has not written the file.
    """
    lock = _locked(path)
    try:
        if path.exists() and path.stat().st_size and not _is_study(path):
            raise StudyError(
                f"Expected a study of glo_tf to overwrite. Received: '{path}', which is something "
                "else; it was left as it is: move it away, or take another output_dir"
            )
        for end in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + end).unlink(missing_ok=True)
    finally:
        lock.release()


def _locked(path: pathlib.Path) -> filelock.BaseFileLock:
    """Keeps other processes, and other searches of this one, from the study until released."""
    lock = filelock.FileLock(path.with_suffix(".lock"))
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        raise StudyError(
            f"Expected no other search to write to output_dir. Received: '{path.parent}', "
            "which one has open"
        ) from None
    except OSError as error:
        raise not_written(path, error) from error
    return lock


def _is_study(path: pathlib.Path) -> bool:
    """Whether a file was written by this module, in whatever state it is now."""
    header = _header(path)
    is_sqlite = header.startswith(b"SQLite format 3\0")
    return is_sqlite and int.from_bytes(header[68:72], "big") == _APPLICATION_ID


def _connect(path: str | pathlib.Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    # What was committed survives the death of the process; the file survives that of the machine.
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def _create(path: pathlib.Path, settings: Mapping[str, str]) -> None:
    """Makes the file in one step, so that there never is half a study."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(partial)
    try:
        connection.executescript(
            f"PRAGMA application_id={_APPLICATION_ID}; PRAGMA user_version={SCHEMA_VERSION};"
            + _SCHEMA
        )
        with connection:
            connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
    finally:
        connection.close()
    os.replace(partial, path)


def _check_header(path: pathlib.Path) -> None:
    """Looks at the first bytes only: SQLite itself might write to what it opens."""
    if not _is_study(path):
        raise StudyError(
            f"Expected a study of glo_tf. Received: '{path}', which is something else, or corrupt; "
            "it was left as it is: move it away, or take another output_dir"
        )
    version = int.from_bytes(_header(path)[60:64], "big")
    if version != SCHEMA_VERSION:
        raise StudyError(
            f"Expected a study of schema version {SCHEMA_VERSION}. Received: '{path}' of version "
            f"{version}; continue it with the glo_tf that wrote it, or take another output_dir"
        )


def _connect_to_read(path: pathlib.Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _check_contents(path: pathlib.Path, given: Mapping[str, str]) -> None:
    """Compares the settings, and looks for damage, without writing."""
    connection = _connect_to_read(path)
    try:
        problem = connection.execute("PRAGMA quick_check").fetchone()[0]
        there = dict(connection.execute("SELECT name, value FROM settings"))
    except sqlite3.DatabaseError as error:
        problem = str(error)
    finally:
        connection.close()
    if problem != "ok":
        raise StudyError(
            f"Expected a readable study. Received: '{path}', which is corrupt "
            f"({' '.join(problem.split())}); it was left as it is: move it away, or use "
            "overwrite=True (--overwrite)"
        )
    names = [name for name in {**given, **there} if given.get(name) != there.get(name)]
    if names:
        differences = ", ".join(
            f"{name}={given.get(name, 'absent')} (there: {there.get(name, 'absent')})"
            for name in names
        )
        raise StudyError(
            "Expected the settings of the search in output_dir, to continue it, or overwrite=True "
            f"(--overwrite). Received: output_dir='{path.parent}', {differences}"
        )


def _header(path: pathlib.Path) -> bytes:
    with path.open("rb") as file:
        return file.read(100)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as one level of names and JSON texts."""
    flat: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = json.dumps(value, default=str)
    return flat


def _hash(task: Mapping[str, Any]) -> str:
    return fingerprint.of_bytes([json.dumps(_flat(task), sort_keys=True).encode()])


def not_written(path: pathlib.Path | None, error: Exception) -> StudyError:
    """The error for a file that cannot be written, as on a full disk."""
    return StudyError(
        f"Expected room and permission to write. Received: '{path}' ({error}); what was finished "
        "before is kept, and the same command continues"
    )
