"""The tables of a study, in which no bit changes and no row is lost unnoticed.

Each row ends with a checksum of its other columns. `totals` keeps for each table the number of its
rows and the sum of their checksums, written in the same transaction as the rows.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from glo_tf.errors import GloError
from glo_tf.identity import fingerprint
from glo_tf.training.trial import Status

SETTINGS, EVALUATIONS = TABLES = ("settings", "evaluations")
NOTE = "note."
"""How names of settings begin that are none: what a run decided by more than its evaluations."""

_TOTALS = "totals"

_STATUSES = ", ".join(f"'{status}'" for status in Status)
_LARGEST = 1.7976931348623157e308  # finite, that is


def _is(kind: str, *names: str) -> str:
    return " AND ".join(f"typeof({name}) = '{kind}'" for name in names)


_POSSIBLE = " AND ".join(
    (
        _is("text", "hash", "loss", "coefficients", "hyperparameters"),
        _is("text", "worker", "reason", "finished"),
        _is("text", "checkpoints", "measured", '"values"'),
        _is("integer", "trained", "seed", "steps", "tries"),
        _is("real", "fitness", "seconds"),
        f"(inherited_from IS NULL OR {_is('text', 'inherited_from')})",
        f"(train_steps IS NULL OR {_is('integer', 'train_steps')} AND train_steps > 0)",
        "trained IN (0, 1) AND seed >= 0 AND steps >= 0 AND tries >= 0",
        f"fitness >= 0 AND fitness <= {_LARGEST!r} AND seconds >= 0 AND seconds <= {_LARGEST!r}",
        f"status IN ({_STATUSES})",
    )
)
"""What an evaluation's columns may hold."""

SCHEMA = f"""
CREATE TABLE {SETTINGS} (
    name TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL,           -- JSON
    checksum TEXT NOT NULL
);
CREATE TABLE {EVALUATIONS} (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,            -- of the task and the request: all that determines the value
    trained INTEGER NOT NULL,      -- 0 where the fitness was found without a training
    loss TEXT NOT NULL,            -- the whole loss, with its coefficients
    coefficients TEXT NOT NULL,    -- JSON, one per node in prefix order
    hyperparameters TEXT NOT NULL, -- JSON, those that are not the task's own
    seed INTEGER NOT NULL,
    train_steps INTEGER,           -- NULL for the task's own
    fitness REAL NOT NULL,
    status TEXT NOT NULL,
    steps INTEGER NOT NULL,        -- that were trained
    seconds REAL NOT NULL,
    worker TEXT NOT NULL,          -- where it ran
    tries INTEGER NOT NULL,
    reason TEXT NOT NULL,          -- why it failed
    inherited_from TEXT,           -- the candidate that was trained instead
    finished TEXT NOT NULL,        -- UTC
    checkpoints TEXT NOT NULL,     -- JSON, steps
    measured TEXT NOT NULL,        -- JSON, by split and name the values at checkpoints
    "values" TEXT NOT NULL,        -- JSON, by name what the fitness is made of
    checksum TEXT NOT NULL,
    UNIQUE (hash, trained),
    CHECK ({_POSSIBLE})
);
CREATE TABLE {_TOTALS} (
    name TEXT PRIMARY KEY NOT NULL,  -- of a table
    rows INTEGER NOT NULL,
    sum TEXT NOT NULL,               -- of its checksums
    checksum TEXT NOT NULL
);
"""

Row = tuple[Any, ...]

_Content = TypeVar("_Content")


class DamageError(GloError, ValueError):
    """A row or a table is not as it was written; the text says which."""


def make_tables(connection: sqlite3.Connection) -> None:
    """Makes the tables in an empty database."""
    connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
    for table in TABLES:
        _set_total(connection, table, 0, 0)


def insert(connection: sqlite3.Connection, table: str, row: Sequence[Any]) -> None:
    """Adds a row, in the caller's transaction.

    Args:
        connection: To the database.
        table: Its name.
        row: All columns but the checksum.
    """
    checksum = _checksum(table, row)
    places = ",".join("?" * (len(row) + 1))
    connection.execute(f"INSERT INTO {table} VALUES ({places})", (*row, checksum))
    _add_to_total(connection, table, 1, int(checksum, 16))


def delete(connection: sqlite3.Connection, table: str, where: str, values: Sequence[Any]) -> None:
    """Removes rows, in the caller's transaction."""
    found = connection.execute(f"SELECT checksum FROM {table} WHERE {where}", values).fetchall()
    connection.execute(f"DELETE FROM {table} WHERE {where}", values)
    _add_to_total(connection, table, -len(found), -sum(int(one, 16) for (one,) in found))


def checked(table: str, row: Row) -> Row:
    """A row as it was written, without its checksum.

    Raises:
        DamageError: If it is not.
    """
    *values, checksum = row
    if checksum != _checksum(table, values):
        raise DamageError(f"row {values[0]!a} of the table {table} is not as it was written")
    return tuple(values)


def verify(connection: sqlite3.Connection) -> None:
    """Looks at the schema, the structure and every row.

    Raises:
        DamageError: If anything is not as this module wrote it.
        sqlite3.Error: If SQLite cannot even read it.
    """
    _verify_schema(connection)
    (problem,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if problem != "ok":
        raise DamageError(" ".join(problem.split()))
    # SQLite's own look at constraints leaves out what it may only read.
    query = f"SELECT id FROM {EVALUATIONS} WHERE NOT coalesce({_POSSIBLE}, 0)"
    for (number,) in connection.execute(query):
        raise DamageError(f"row {number} of the table {EVALUATIONS} holds what no training gives")
    for table in TABLES:
        count = total = 0
        for row in connection.execute(f"SELECT * FROM {table}"):
            checked(table, row)
            count += 1
            total += int(row[-1], 16)
        if (count, total % 2**64) != _total(connection, table):
            raise DamageError(f"the table {table} has lost rows, or has others than were written")


def read_column(name: str, read: Callable[[str], _Content], text: str) -> _Content:
    """What a column of JSON holds.

    Args:
        name: Of the column.
        read: Raises `ValueError` where the text is not as `Study` writes it.
        text: The column.

    Raises:
        DamageError: If it is not.
    """
    try:
        return read(text)
    except ValueError as error:
        raise DamageError(f"a column '{name}' is not what a study writes ({error})") from error


def _checksum(table: str, row: Sequence[Any]) -> str:
    return fingerprint.of_bytes([ascii((table, *row)).encode()])


def _total(connection: sqlite3.Connection, table: str) -> tuple[int, int]:
    row = connection.execute(f"SELECT * FROM {_TOTALS} WHERE name=?", (table,)).fetchone()
    if row is None:
        raise DamageError(f"the total of the table {table} is lost")
    _, count, total = checked(_TOTALS, row)
    return count, int(total, 16)


def _add_to_total(connection: sqlite3.Connection, table: str, count: int, total: int) -> None:
    old_count, old_total = _total(connection, table)
    _set_total(connection, table, old_count + count, old_total + total)


def _set_total(connection: sqlite3.Connection, table: str, count: int, total: int) -> None:
    row = (table, count, f"{total % 2**64:016x}")
    values = (*row, _checksum(_TOTALS, row))
    connection.execute(f"INSERT OR REPLACE INTO {_TOTALS} VALUES (?,?,?,?)", values)


def _verify_schema(connection: sqlite3.Connection) -> None:
    there, ours = _schema(connection), _own_schema()
    differences = [
        *(f"{name} is missing" for name in ours.keys() - there.keys()),
        *(f"{name} is new" for name in there.keys() - ours.keys()),
        *(f"{name} differs" for name in ours.keys() & there.keys() if ours[name] != there[name]),
    ]
    if differences:
        listed = ", ".join(sorted(differences))
        raise DamageError(f"its tables are not those of a study: {listed}")


@functools.cache
def _own_schema() -> dict[str, Row]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(SCHEMA)
        return _schema(connection)
    finally:
        connection.close()


def _schema(connection: sqlite3.Connection) -> dict[str, Row]:
    """Of each table, index, trigger and view what makes it."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master"
    return {f"{kind} {name}": (of, sql) for kind, name, of, sql in connection.execute(query)}
