"""What a worker does with a request, whichever process it lives in."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable

from glo_tf.errors import CandidateTimeoutError as CandidateTimeoutError
from glo_tf.errors import is_out_of_memory
from glo_tf.strategies.base import Failure, FailureKind, Result
from glo_tf.training.trial import Evaluation, Request, Trainer

GRACE = 5.0
"""Seconds beyond its time after which a training that does not return is given up by its driver."""


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


def given_up_at(timeout: float | None) -> float | None:
    """When, by the monotonic clock, a training that begins now is past all patience."""
    return None if timeout is None else time.monotonic() + timeout + GRACE


def patience(ends: Iterable[float | None], longest: float) -> float:
    """Seconds to wait for results: until the first of `ends`, `longest` at most."""
    known = [end for end in ends if end is not None]
    return max(0.01, min([time.monotonic() + longest, *known]) - time.monotonic())


def timed_out(request: Request, worker: str, where: str, timeout: float | None) -> Result:
    """The result of a training that was given up."""
    return Result(request, worker, where, Failure(FailureKind.TIMEOUT, timeout_message(timeout)))


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
        return Failure(FailureKind.TIMEOUT, str(error))
    if is_out_of_memory(error):
        return Failure(FailureKind.OUT_OF_MEMORY, message)
    return Failure(FailureKind.ERROR, message, traceback.format_exc())
