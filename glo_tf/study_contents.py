"""What is in a study, for those who only read."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import sqlite3
from typing import Any

from glo_tf.study_file import APPLICATION_ID, SCHEMA_VERSION, StudyError, connect_to_read


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
    # Not by `check_header`, which closes the file: a search of this process would lose its locks.
    with contextlib.closing(connect_to_read(path)) as connection:
        try:
            (kind,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if (kind, version) != (APPLICATION_ID, SCHEMA_VERSION):
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
