"""Trainings that ended before their task's last step, for longer ones to go on from."""

from __future__ import annotations

from typing import Generic, TypeVar

from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request

State = TypeVar("State")
_Key = tuple[Candidate, int, bool]


class PausedTrainings(Generic[State]):
    """The last of them, with their states.

    Args:
        most: How many are kept.
    """

    def __init__(self, most: int):
        self._most = most
        self._held: dict[_Key, tuple[int, State]] = {}

    def keep(self, request: Request, looks_at: int | None, done: int, state: State) -> None:
        """Keeps a training that has come to its end.

        Args:
            request: What it was asked for.
            looks_at: The step after which it was looked at, see `early_stopping`; None if it was
                not.
            done: Steps of it.
            state: After these.
        """
        self._held[request.candidate, request.seed, looks_at is not None] = done, state
        if len(self._held) > self._most:
            self._held.pop(next(iter(self._held)))

    def take(self, request: Request, total: int, looks_at: int | None) -> tuple[int, State] | None:
        """Steps done and state of a shorter training, which is given up; None if there is none.

        Args:
            request: What is to be trained; one with checkpoints is trained from its beginning.
            total: Its steps.
            looks_at: The step after which it has to be looked at; None for never.
        """
        if request.checkpoints:
            return None
        for seen in (True, False):
            key = (request.candidate, request.seed, seen)
            if key in self._held:
                done = self._held[key][0]
                missed = not seen and looks_at is not None and done > looks_at
                if done <= total and not missed:
                    return self._held.pop(key)
        return None
