"""What is in a study, for those who only read."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

from glo_tf.execution.study_file import reading, settings_in
from glo_tf.execution.study_tables import EVALUATIONS


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
        StudyError: If it is no study, damaged, or cannot be read.
    """
    with reading(path) as connection:
        settings = settings_in(connection)
        trained = f"FROM {EVALUATIONS} WHERE trained"
        statuses = dict(connection.execute(f"SELECT status, count(*) {trained} GROUP BY status"))
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
