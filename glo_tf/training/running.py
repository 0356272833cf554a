"""A training that runs, on any backend: where it stops, and what it is worth there."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import numpy as np

from glo_tf.data.split import Split
from glo_tf.metrics.meter import Meter
from glo_tf.training import early_stopping
from glo_tf.training.trial import WORTHLESS, Evaluation, Request, Status, Values

if TYPE_CHECKING:
    from glo_tf.data.held_out import HeldOut
    from glo_tf.training.task import TrainingTask


class MeasuredData:
    """What predictions for held-out data are measured by; trainers add the samples.

    Args:
        task: What is trained.
        data: Samples and labels.
    """

    def __init__(self, task: TrainingTask, data: HeldOut):
        self.known_of_some = early_stopping.known_of_some(data, task.outputs)
        self.meter = Meter(task.objective, task.outputs, data)


@dataclasses.dataclass
class Found:
    """What a network predicts at a stop; None is what is not needed there.

    Attributes:
        looked: Columns for some of the validation samples.
        validation: Columns for all of them.
        sound: Whether all weights are finite.
        test: Columns for the test samples.
    """

    looked: np.ndarray | None = None
    validation: np.ndarray | None = None
    sound: bool = True
    test: np.ndarray | None = None


class RunningTraining:
    """A training on its way from stop to stop.

    It stops where early stopping looks at it, at checkpoints and at its end.

    Args:
        task: What is trained.
        request: What was asked for.
        validation: What its fitness is measured on.
        test: What it is measured on at checkpoints, too.

    Raises:
        ValueError: If a checkpoint lies beyond the training's end.
    """

    def __init__(
        self,
        task: TrainingTask,
        request: Request,
        validation: MeasuredData,
        test: MeasuredData | None,
    ):
        self.request, self.total = request, request.steps_of(task.train_steps)
        self.look = early_stopping.looks_at(request.stop_at_chance, self.total, task.train_steps)
        self._train_steps = task.train_steps
        self._measured_at = {*request.checkpoints, self.total}
        self._stops = sorted(self._measured_at | ({self.look} if self.look else set()))
        self._outputs = task.outputs
        self._validation, self._test = validation, test
        self._began = time.perf_counter()
        self._values: dict[Split, dict[str, tuple[float | None, ...]]] = {}

    def go_on(self, done: int) -> None:
        """Leaves out where a shorter training stopped that this one goes on from."""
        self._stops = [
            step
            for step in self._stops
            if step > done or step == self.total or step == done == self.look
        ]

    @property
    def goal(self) -> int:
        """The step at which it stops next."""
        return self._stops[0]

    @property
    def looked_at(self) -> bool:
        """Whether early stopping looks at it there."""
        return self.goal == self.look

    @property
    def measured(self) -> bool:
        """Whether the validation data is measured there."""
        return self.goal in self._measured_at

    @property
    def pauses(self) -> bool:
        """Whether it ends there, and a longer one may go on from it."""
        return self.goal == self.total < self._train_steps

    @property
    def measures_test(self) -> bool:
        """Whether the test data is measured there, too."""
        return self._test is not None and self.goal in self.request.checkpoints

    def judged(self, found: Found | None, step: int) -> Evaluation | None:
        """Takes what is known at a stop.

        Args:
            found: None if the loss or a weight was not finite.
            step: Where it is.

        Returns:
            Its evaluation if that is its end; else None.
        """
        if found is None:
            return self._ended(Status.NON_FINITE, step)
        self._stops.pop(0)
        if found.looked is not None and early_stopping.guesses(
            self._outputs, found.looked, *self._validation.known_of_some
        ):
            return self._ended(Status.STOPPED, step)
        if found.validation is None:
            return None
        columns, sound = found.validation, found.sound
        if step in self.request.checkpoints:
            self._record(Split.VALIDATION, self._validation, columns, sound)
            if self._test is not None and found.test is not None:
                self._record(Split.TEST, self._test, found.test, sound)
        if step < self.total:
            return None
        if not sound:
            return self._ended(Status.NON_FINITE, step)
        fitness, values = self._validation.meter.judge(columns)
        if fitness is None:
            return self._ended(Status.NON_FINITE, step, values=values)
        return self._ended(Status.OK, step, fitness, values)

    def _record(self, split: Split, data: MeasuredData, columns: np.ndarray, sound: bool) -> None:
        of_split = self._values.setdefault(split, {})
        for name, value in data.meter.values(columns).items():
            of_split[name] = (*of_split.get(name, ()), value if sound else None)

    def _ended(
        self,
        status: Status,
        step: int,
        fitness: float = WORTHLESS,
        values: Values | None = None,
    ) -> Evaluation:
        return Evaluation(
            candidate=self.request.candidate,
            seed=self.request.seed,
            fitness=fitness,
            status=status,
            steps=step,
            seconds=time.perf_counter() - self._began,
            values=values or {},
            measured=self._values,
        )
