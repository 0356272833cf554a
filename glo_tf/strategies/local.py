"""Trainings on one device, one after the other or in lanes: the reference for other strategies."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from glo_tf.strategies.base import Failure, Result, Strategy, Task
from glo_tf.strategies.lanes import LaneWorkers, names_of_lanes
from glo_tf.strategies.process import WorkerProcess
from glo_tf.strategies.worker import run
from glo_tf.training.trial import (
    Evaluation,
    Request,
    SideBySideTrainer,
    Trainer,
    nothing_to_check,
)

_NAME = "local"


class LocalStrategy(Strategy):
    """One worker on the default device: this process, or a child of it.

    A child it is if asked for, and with a `candidate_timeout`: a training that never returns from a
    call into TensorFlow or JAX can only be ended with its process. In this process, a task with
    several lanes has a worker for each.

    Args:
        process: Whether to train in a worker process, which a candidate can crash without harm to
            this one. What a training gives does not depend on it.
    """

    def __init__(self, *, process: bool = False) -> None:
        self._process = process
        self._task: Task | None = None
        self._worker: _ThisProcess | WorkerProcess | None = None
        self._lanes: LaneWorkers | None = None
        self._timeout: float | None = None
        self._request: Request | None = None

    @property
    def shares_process(self) -> bool:
        """Whether this process trains."""
        return isinstance(self._worker, _ThisProcess)

    @property
    def trains_side_by_side(self) -> bool:
        """In this process."""
        return not self._process

    def start(self, task: Task, candidate_timeout: float | None = None) -> None:
        """Makes the trainer.

        Started again with the same task, it keeps the one that this process has.

        Raises:
            ValueError: If the task cannot be sent to a worker process.
            TrainingError: If a worker process cannot make a trainer.
        """
        self._timeout = candidate_timeout
        if self._process or candidate_timeout is not None:
            self._worker, self._lanes = WorkerProcess(task), None
            self._worker.start()
        elif not self.shares_process or self._task is not task:
            trainer = task.make_trainer()
            self._worker = _ThisProcess(trainer)
            self._lanes = None
            if isinstance(trainer, SideBySideTrainer) and trainer.lanes > 1:
                self._lanes = LaneWorkers(trainer, names_of_lanes(trainer.lanes))
        self._task = task

    def idle(self) -> Sequence[str]:
        """The one worker, until it has a request; lanes without one."""
        if self._lanes is not None:
            return self._lanes.idle
        return [] if self._request else [_NAME]

    def workers(self) -> Sequence[str]:
        """The one worker, or all lanes."""
        return [_NAME] if self._lanes is None else self._lanes.names

    def submit(self, request: Request, worker: str) -> None:
        """Keeps the request for `wait`."""
        if self._lanes is not None:
            self._lanes.submit(request, worker)
        else:
            self._request = request

    def wait(self) -> list[Result]:
        """Does the training, or trains all lanes until one has ended."""
        if self._lanes is not None:
            return self._lanes.wait()
        assert self._request is not None
        assert self._worker is not None
        request, self._request = self._request, None
        outcome = self._worker.train(request, self._timeout)
        return [Result(request, _NAME, self._worker.where, outcome)]

    def close(self) -> None:
        """Forgets the requests, and ends the worker process."""
        self._request = None
        if self._lanes is not None:
            self._lanes.clear()
        if isinstance(self._worker, WorkerProcess):
            self._worker.close()


class _ThisProcess:
    """The trainer that this process has."""

    def __init__(self, trainer: Trainer):
        self._trainer = trainer
        self.where = platform.node()

    def train(self, request: Request, timeout: float | None) -> Evaluation | Failure:
        return run(self._trainer, request, nothing_to_check)


def local(*, process: bool = False) -> LocalStrategy:
    """One device, one training after the other, in this process or a worker process."""
    return LocalStrategy(process=process)
