"""The folder that a comparison writes to, and continues from."""

from __future__ import annotations

import os
import pathlib

from glo_tf.comparison import Comparison
from glo_tf.output_folder import OutputFolder, check_writable, try_to_write_report
from glo_tf.study import Study
from glo_tf.study_file import not_written, remove_study
from glo_tf.task import TrainingTask


class ComparisonFolder:
    """Studies of the trainings, one for each part of the data, and what is made of them.

    What is there of the same tasks is taken over, whatever losses and seeds it was for: a
    comparison can grow.

    Args:
        path: Created if absent.
        tasks: By their part of the training data.
        overwrite: Whether earlier studies and results may be removed.

    Attributes:
        trained_before: Trainings in the studies of an earlier run.

    Raises:
        StudyError: If the folder cannot be written, or a study there is of another task.
    """

    RESULT, LOG = "comparison.json", "comparison.log"

    def __init__(
        self,
        path: str | os.PathLike[str],
        tasks: dict[float, TrainingTask],
        *,
        overwrite: bool = False,
    ):
        self.path = pathlib.Path(path)
        self._tasks = tasks
        check_writable(self.path)
        if overwrite:
            for study in self.path.glob("trainings*.db"):
                remove_study(study)
            for name in (self.RESULT, self.LOG, OutputFolder.REPORT):
                (self.path / name).unlink(missing_ok=True)
        self.trained_before = 0
        for fraction in tasks:
            opened = self.open_study(fraction)
            self.trained_before += len(opened)
            opened.close()

    def open_study(self, fraction: float) -> Study:
        """The study of a part of the training data, for this process alone; see `Study.open`."""
        name = "trainings.db" if fraction == 1.0 else f"trainings_{fraction:g}.db"
        return Study.open(self.path / name, self._tasks[fraction].description, {})

    def write(self, comparison: Comparison) -> None:
        """Replaces `comparison.json` and `report.html`.

        Raises:
            StudyError: If it cannot be written.
        """
        path = self.path / self.RESULT
        try:
            comparison.save(path)
        except OSError as error:
            raise not_written(path, error) from error
        try_to_write_report(self.path)
