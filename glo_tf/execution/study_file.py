"""The file of a study: its tables, its lock, and what it must be to be taken for one."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sqlite3
from collections.abc import Iterator, Mapping

import filelock

from glo_tf.errors import StudyError as StudyError
from glo_tf.execution.study_log import log_of, log_problem
from glo_tf.execution.study_tables import (
    NOTE,
    SETTINGS,
    DamageError,
    insert,
    make_tables,
    verify,
)

SCHEMA_VERSION = 5
"""Of the tables; a file with another is refused."""

APPLICATION_ID = 0x474C4F54  # "GLOT", in the file's header

RUNNING = "-running"  # the file of `glo_tf.execution.started`
SIDE_FILES = ("-wal", "-shm", "-journal", RUNNING)  # beside a database; the first are SQLite's


def not_written(path: pathlib.Path | None, error: Exception) -> StudyError:
    """The error for a file that cannot be written, as on a full disk."""
    return _explained(
        path,
        error,
        "room and permission to write",
        "what was finished before is kept, and the same command resumes",
    )


def not_read(path: pathlib.Path | None, error: Exception) -> StudyError:
    """The error for a study that cannot be opened or read."""
    return _explained(path, error, "permission to read", "it was left as it is")


def _explained(
    path: pathlib.Path | None, error: Exception, expected: str, remark: str
) -> StudyError:
    code = getattr(error, "sqlite_errorcode", None)
    kind = None if code is None else code & 0xFF
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path, str(error))
    if code is None and isinstance(error, sqlite3.OperationalError):
        return damaged(path, str(error))  # Python's own error: text that cannot be decoded
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        expected = "no other program to hold the study"
    elif kind == sqlite3.SQLITE_CONSTRAINT:
        expected = "values that a study can hold"
    elif kind in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_MISMATCH):
        expected = "the tables of a study, which something else has changed"
        remark = "move it away, or use overwrite=True (--overwrite)"
    return StudyError(f"Expected {expected}. Received: '{path}' ({error}); {remark}")


def damaged(path: pathlib.Path | None, problem: str, way_out: str = "") -> StudyError:
    """The error for a study that is not as it was written.

    Args:
        path: Of the study.
        problem: What is wrong.
        way_out: A gentler one than those that it names anyway.
    """
    problem = " ".join(problem.split())[:300]  # SQLite quotes whole tables
    return StudyError(
        f"Expected a readable study. Received: '{path}', which is corrupt ({problem}); it was "
        f"left as it is: {way_out}move it away, or use overwrite=True (--overwrite)"
    )


def remove_study(path: pathlib.Path) -> None:
    """Deletes a study, in whatever state, with the files that SQLite keeps beside it.

    Raises:
        StudyError: If a search has it open, or glo_tf has not written the file.
    """
    lock = locked(path)
    try:
        if path.exists() and path.stat().st_size and not is_study(path):
            raise StudyError(
                f"Expected a study of glo_tf to overwrite. Received: '{path}', which is something "
                "else; it was left as it is: move it away, or take another output_dir"
            )
        for end in ("", *SIDE_FILES):
            path.with_name(path.name + end).unlink(missing_ok=True)
    finally:
        lock.release()


def locked(path: pathlib.Path) -> filelock.BaseFileLock:
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


def is_study(path: pathlib.Path) -> bool:
    """Whether a file was written by this module, in whatever state it is now."""
    header = _header(path)
    is_sqlite = header.startswith(b"SQLite format 3\0")
    return is_sqlite and int.from_bytes(header[68:72], "big") == APPLICATION_ID


def connect(path: str | pathlib.Path) -> sqlite3.Connection:
    """Opens a study that is there, or one in memory, to write to it.

    Transactions are begun explicitly.
    """
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        _guarded(connection)
        connection.execute("PRAGMA journal_mode=WAL")
        # What was committed survives the death of the process; the file survives the machine's.
        connection.execute("PRAGMA synchronous=NORMAL")
        # Only `empty_log` empties the log, as a whole: see `study_log`.
        connection.execute("PRAGMA wal_autocheckpoint=0")
        empty_log(connection)
    except BaseException:
        connection.close()  # or it would keep the next one from the file
        raise
    return connection


def empty_log(connection: sqlite3.Connection) -> None:
    """Moves what the write-ahead log holds to the file, unless a reader is in the way."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def create(path: pathlib.Path, settings: Mapping[str, str]) -> None:
    """Makes the file in one step, so that there never is half a study."""
    partial = path.with_name(path.name + ".partial")
    for end in ("", *SIDE_FILES):
        partial.with_name(partial.name + end).unlink(missing_ok=True)
    connection = sqlite3.connect(partial, isolation_level=None)
    try:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        make_tables(connection)
        with transaction(connection):
            for row in settings.items():
                insert(connection, SETTINGS, row)
        # Here, as a change that fails half-way would leave a file that a reader cannot open.
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
    os.replace(partial, path)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Writes all that is executed within, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back after some errors
            connection.execute("ROLLBACK")
        raise


def check_header(path: pathlib.Path) -> None:
    """Looks at the first bytes only: SQLite itself might write to what it opens."""
    if not is_study(path):
        raise StudyError(
            f"Expected a study of glo_tf. Received: '{path}', which is something else, or corrupt; "
            "it was left as it is: move it away, or take another output_dir"
        )
    header = _header(path)
    version = int.from_bytes(header[60:64], "big")
    if version != SCHEMA_VERSION:
        raise StudyError(
            f"Expected a study of schema version {SCHEMA_VERSION}. Received: '{path}' of version "
            f"{version}; resume it with the glo_tf that wrote it, or take another output_dir"
        )
    if not {*header[18:20]} <= {1, 2}:  # SQLite would take it for one that cannot be written
        raise damaged(path, f"its file format versions are {header[18]} and {header[19]}")


def check_contents(path: pathlib.Path, given: Mapping[str, str]) -> None:
    """Looks for damage, and compares the settings, without writing.

    Raises:
        StudyError: If there is damage, or settings differ.
    """
    with reading(path) as connection:
        there = settings_in(connection)
    names = [name for name in {**given, **there} if given.get(name) != there.get(name)]
    if names:
        differences = ", ".join(
            f"{name}={given.get(name, 'absent')} (there: {there.get(name, 'absent')})"
            for name in names
        )
        raise StudyError(
            "Expected the settings of the search in output_dir, to resume it, or overwrite=True "
            f"(--overwrite). Received: output_dir='{path.parent}', {differences}"
        )


def settings_in(connection: sqlite3.Connection) -> dict[str, str]:
    """The settings of a study, as JSON by dotted names."""
    rows = connection.execute(f"SELECT name, value FROM {SETTINGS}")
    return {name: value for name, value in rows if not name.startswith(NOTE)}


@contextlib.contextmanager
def reading(path: pathlib.Path) -> Iterator[sqlite3.Connection]:
    """A study as it is at one moment, all of it verified, beside a search that may write to it.

    Raises:
        StudyError: If it is no study, or damaged; for what the reader of a verified study meets,
            too.
    """
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            _guarded(connection)
            # Not by `check_header`, which closes the file: a search of this process would lose its
            # locks.
            (kind,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if (kind, version) != (APPLICATION_ID, SCHEMA_VERSION):
                raise StudyError(
                    f"Expected a study of schema version {SCHEMA_VERSION} (application {kind:#x}, "
                    f"schema version {version}). Received: '{path}'"
                )
            connection.execute("BEGIN")
            verify(connection)
            problem = log_problem(path)
            if problem:
                log = log_of(path)
                raise damaged(path, problem, f"move '{log}' away to go on from what is older, or ")
            yield connection
    except (DamageError, UnicodeDecodeError) as error:  # SQLite quotes what it cannot read
        raise damaged(path, str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise not_read(path, error) from error


def _guarded(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Runs nothing that a file brings along, and takes no cell for longer than it can be."""
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    return connection


def _header(path: pathlib.Path) -> bytes:
    with path.open("rb") as file:
        return file.read(100)
