"""The folder that a comparison writes to, and resumes from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from glo_tf.execution.side_by_side import lanes_of
from glo_tf.execution.study import Study
from glo_tf.execution.study_file import is_study, not_written, remove_study
from glo_tf.report.attempt import try_to_write_report
from glo_tf.results import run_files
from glo_tf.results.owned_files import check_free, check_study_free, remove_owned, write_owned
from glo_tf.results.run_files import (
    COMPARISON,
    COMPARISON_FLAGS,
    COMPARISON_LOG,
    make_writable,
    refuse_orphans,
    writing_to,
)
from glo_tf.training.task import TrainingTask
from glo_tf.utils.files import user_path


class ComparisonFolder:
    """Studies of the trainings, one for each part of the data, and what is made of them.

    That is a comparison, or a recommendation.

    What is there of the same tasks is taken over, whatever losses and seeds it was for: a
    comparison can grow.

    Args:
        path: Created if absent.
        tasks: By their part of the training data.
        results: Names of the files that are written in the end, the main one first.
        beside: Names of further ones that belong to such a run.
        overwrite: Whether earlier studies and results may be removed. What glo_tf has not written
            never is.

    Attributes:
        trained_before: Trainings in the studies of an earlier run.
        suspects: Trainings in whose midst an earlier run died.
        lanes: Side by side that it found room for; None if it found none, or was given them.

    Raises:
        ForeignFileError: If others have put something where results go; nothing is touched.
        StudyError: If the folder cannot be written, or a study there is of another task.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        tasks: dict[float, TrainingTask],
        *,
        results: Sequence[str] = (COMPARISON,),
        beside: Sequence[str] = (COMPARISON_LOG, COMPARISON_FLAGS),
        overwrite: bool = False,
    ):
        self.path = user_path(path)
        self._tasks = tasks
        written, report = [self.path / name for name in results], self.path / run_files.REPORT
        studies = [self.path / _study_name(fraction) for fraction in tasks]
        with writing_to(self.path):
            check_free(*written, report)
            for study in studies:
                check_study_free(study)
        earlier = [
            path
            for path in sorted(self.path.glob("trainings*.db"))
            if _STUDY.fullmatch(path.name) and path.is_file() and is_study(path)
        ]
        if overwrite:
            make_writable(self.path)
            for study in earlier:
                remove_study(study)
            with writing_to(self.path):
                remove_owned([*written, report, *(self.path / name for name in beside)])
        elif not earlier:
            # A search's folder may be compared in, too; the report tells of both.
            searched = (self.path / run_files.STUDY).exists()
            refuse_orphans([*written, *([] if searched else [report])], studies[0])
        make_writable(self.path)
        self.trained_before = 0
        self.suspects: list[str] = []
        self.lanes: int | None = None
        for fraction in tasks:
            opened = self.open_study(fraction)
            self.trained_before += len(opened)
            self.suspects += opened.suspects
            self.lanes = self.lanes or lanes_of(opened)
            opened.close()

    def open_study(self, fraction: float) -> Study:
        """The study of a part of the training data, for this process alone; see `Study.open`."""
        path = self.path / _study_name(fraction)
        return Study.open(path, self._tasks[fraction].description, {})

    def write(self, files: Mapping[str, bytes]) -> None:
        """Replaces the files of a result, and `report.html`.

        Args:
            files: What they hold, by their names.

        Raises:
            StudyError: If one cannot be written.
        """
        for name, data in files.items():
            path = self.path / name
            try:
                write_owned(path, data)
            except OSError as error:
                raise not_written(path, error) from error
        try_to_write_report(self.path)


_STUDY = re.compile(r"trainings(_\d[\d.e-]*)?\.db")


def _study_name(fraction: float) -> str:
    return "trainings.db" if fraction == 1.0 else f"trainings_{fraction}.db"
