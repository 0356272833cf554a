"""Trainings in the calling thread, one after the other: the reference for all other strategies."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from glo_tf.fitness import Request, Trainer
from glo_tf.strategies.base import Result, Strategy, Task
from glo_tf.strategies.worker import Deadline, run

_NAME = "local"


class LocalStrategy(Strategy):
    """One worker: this process, on TensorFlow's default device.

    A training that is over its time is given up between two of its calls of 0.2 s; one that never
    returns from a call is not, as it has this thread.
    """

    def __init__(self) -> None:
        self._task: Task | None = None
        self._trainer: Trainer | None = None
        self._timeout: float | None = None
        self._request: Request | None = None

    def start(self, task: Task, candidate_timeout: float | None = None) -> None:
        """Makes the trainer; started again with the same task, it keeps the one it has."""
        if self._trainer is None or self._task is not task:
            self._task, self._trainer = task, task.make_trainer()
        self._timeout = candidate_timeout

    def idle(self) -> Sequence[str]:
        """The one worker, until it has a request."""
        return [] if self._request else [_NAME]

    def workers(self) -> Sequence[str]:
        """The one worker."""
        return [_NAME]

    def submit(self, request: Request, worker: str) -> None:
        """Keeps the request for `wait`."""
        self._request = request

    def wait(self) -> list[Result]:
        """Does the training."""
        assert self._request is not None
        assert self._trainer is not None
        request, self._request = self._request, None
        outcome = run(self._trainer, request, Deadline(self._timeout))
        return [Result(request, _NAME, platform.node(), outcome)]

    def close(self) -> None:
        """Forgets the request."""
        self._request = None


def local() -> LocalStrategy:
    """This process, one device, one training after the other."""
    return LocalStrategy()
