"""The interface of a distribution strategy."""

from __future__ import annotations

import abc
import dataclasses
import enum
from collections.abc import Sequence

from glo_tf.errors import TrainingError as TrainingError
from glo_tf.training.trial import Evaluation, Request
from glo_tf.training.trial import Task as Task


class FailureKind(enum.StrEnum):
    """Why a training has no evaluation.

    All but an error may have hit a candidate by chance, so that it is tried again; an error no
    other worker would change, as the model or the data raise it.
    """

    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out of memory"
    WORKER_LOST = "worker lost"
    ERROR = "error"


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why there is no evaluation.

    Attributes:
        kind: `"timeout"`, `"out of memory"`, `"worker lost"` or `"error"`.
        message: One line.
        traceback: Of an error, as Python prints it.
    """

    kind: FailureKind
    message: str
    traceback: str = ""


@dataclasses.dataclass(frozen=True)
class Result:
    """The end of one request.

    Attributes:
        request: What was asked for.
        worker: Who was asked; a name from `Strategy.idle`.
        where: Host and device that it ran on, for the study.
        outcome: The evaluation, or why there is none.
    """

    request: Request
    worker: str
    where: str
    outcome: Evaluation | Failure


class Strategy(abc.ABC):
    """Runs trainings on workers, each of which has a trainer of its own.

    The caller hands a request to an idle worker and waits for results; who waits, for how long and
    how often a request is tried again is not a strategy's business.
    """

    @property
    def shares_process(self) -> bool:
        """Whether trainings run in this process, which a crash in a model would take with it."""
        return False

    @property
    def trains_side_by_side(self) -> bool:
        """Whether a worker stands for a lane of a trainer, where the task has several."""
        return False

    @abc.abstractmethod
    def start(self, task: Task, candidate_timeout: float | None = None) -> None:
        """Prepares the workers.

        Args:
            task: What they make their trainers from.
            candidate_timeout: Seconds after which a training is given up, and its result is a
                `Failure` of kind `"timeout"`; None for no limit.

        Raises:
            ValueError: If the workers cannot be had.
        """

    @abc.abstractmethod
    def idle(self) -> Sequence[str]:
        """Names of the workers that wait for a request."""

    @abc.abstractmethod
    def workers(self) -> Sequence[str]:
        """Names of all workers that can be expected to take requests, idle or not."""

    @abc.abstractmethod
    def submit(self, request: Request, worker: str) -> None:
        """Hands a request to an idle worker, and returns at once."""

    @abc.abstractmethod
    def wait(self) -> list[Result]:
        """Waits until a request has ended, or a worker has become idle.

        Returns:
            The results since the last call, in no order; empty if only a worker became idle.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Gives up what still runs, and frees the workers; `start` may follow."""
