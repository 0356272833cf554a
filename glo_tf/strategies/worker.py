"""What a worker does with a request, whichever process it lives in."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable

from glo_tf.fitness import Evaluation, Request, Trainer
from glo_tf.strategies.base import ERROR, OUT_OF_MEMORY, TIMEOUT, Failure


class CandidateTimeoutError(Exception):
    """A training took longer than it may."""


class Deadline:
    """A check that raises `CandidateTimeoutError` once its time is up.

    Args:
        seconds: From now; None for no limit.
    """

    def __init__(self, seconds: float | None):
        self._seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    def __call__(self) -> None:
        """Raises if the time is up."""
        if self._end is not None and time.monotonic() > self._end:
            raise CandidateTimeoutError(timeout_message(self._seconds))


def timeout_message(seconds: float | None) -> str:
    """What is said of a training that was given up."""
    return f"not done after candidate_timeout={seconds:g} seconds"


def run(trainer: Trainer, request: Request, check: Callable[[], None]) -> Evaluation | Failure:
    """Trains, and turns what goes wrong into a `Failure`.

    `KeyboardInterrupt` and its like go through.
    """
    try:
        return trainer.evaluate(request, check)
    except Exception as error:
        return failure_of(error)


def failure_of(error: Exception) -> Failure:
    """Tells what a retry may help against from an error in the model or the data."""
    message = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if isinstance(error, CandidateTimeoutError):
        return Failure(TIMEOUT, str(error))
    # TensorFlow's own class, by name: workers of other tasks need no TensorFlow.
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return Failure(OUT_OF_MEMORY, message)
    return Failure(ERROR, message, traceback.format_exc())
