"""The file of a study: its tables, its lock, and what it must be to be taken for one."""

from __future__ import annotations

import os
import pathlib
import sqlite3
from collections.abc import Mapping

import filelock

SCHEMA_VERSION = 2
"""Of the tables; a file with another is refused."""

APPLICATION_ID = 0x474C4F54  # "GLOT", in the file's header
SCHEMA = """
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


class StudyError(ValueError):
    """A study cannot be read, written or continued."""


def not_written(path: pathlib.Path | None, error: Exception) -> StudyError:
    """The error for a file that cannot be written, as on a full disk."""
    return StudyError(
        f"Expected room and permission to write. Received: '{path}' ({error}); what was finished "
        "before is kept, and the same command continues"
    )


def remove_study(path: pathlib.Path) -> None:
    """Deletes a study, in whatever state, with the files that SQLite keeps beside it.

    Raises:
        StudyError: If a search has it open, or glo_tf has not written the file.
    """
    lock = locked(path)
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


def _is_study(path: pathlib.Path) -> bool:
    """Whether a file was written by this module, in whatever state it is now."""
    header = _header(path)
    is_sqlite = header.startswith(b"SQLite format 3\0")
    return is_sqlite and int.from_bytes(header[68:72], "big") == APPLICATION_ID


def connect(path: str | pathlib.Path) -> sqlite3.Connection:
    """Opens a study that is there, or one in memory, to write to it."""
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    # What was committed survives the death of the process; the file survives that of the machine.
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def create(path: pathlib.Path, settings: Mapping[str, str]) -> None:
    """Makes the file in one step, so that there never is half a study."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(partial)
    try:
        connection.executescript(
            f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA_VERSION};"
            + SCHEMA
        )
        with connection:
            connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
    finally:
        connection.close()
    os.replace(partial, path)


def check_header(path: pathlib.Path) -> None:
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


def connect_to_read(path: pathlib.Path) -> sqlite3.Connection:
    """Opens a study beside a search that may be writing to it."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def check_contents(path: pathlib.Path, given: Mapping[str, str]) -> None:
    """Compares the settings, and looks for damage, without writing."""
    connection = connect_to_read(path)
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
