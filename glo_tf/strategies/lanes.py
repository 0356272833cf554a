"""Trainings side by side in the lanes of one trainer."""

from __future__ import annotations

import collections
import contextlib
import platform
import queue
import threading
from collections.abc import Callable, Iterator, Sequence

from glo_tf.strategies.base import Result
from glo_tf.strategies.worker import failure_of
from glo_tf.training.trial import Evaluation, Request, SideBySideTrainer, nothing_to_check


def names_of_lanes(lanes: int, worker: str = "") -> list[str]:
    """What the lanes of a worker are called; the one lane of a worker has its name."""
    return [f"{worker} lane {n}".strip() for n in range(lanes)] if lanes > 1 else [worker]


class LaneWorkers:
    """What trains in the lanes of a trainer.

    Args:
        trainer: Has the lanes.
        names: Of the lanes.
        where: Host and device that they are on.
        arrive: Called before a free lane is filled; may `submit`.
        check: As for `evaluate_many`.
    """

    def __init__(
        self,
        trainer: SideBySideTrainer,
        names: list[str],
        where: str = "",
        arrive: Callable[[], None] = nothing_to_check,
        check: Callable[[], None] = nothing_to_check,
    ):
        self.names = names
        self._where = where or platform.node()
        self._trainer = trainer
        self._arrive, self._check = arrive, check
        self._held: dict[Request, str] = {}
        self._waiting: collections.deque[Request] = collections.deque()
        self._evaluations: Iterator[tuple[Request, Evaluation]] = iter(())

    @property
    def idle(self) -> list[str]:
        """Lanes that hold no request."""
        busy = set(self._held.values())
        return [name for name in self.names if name not in busy]

    def submit(self, request: Request, lane: str) -> None:
        """Keeps a request until lanes are trained."""
        self._held[request] = lane
        self._waiting.append(request)

    def wait(self) -> list[Result]:
        """Trains until one request has its result; all have theirs where training fails."""
        try:
            found = next(self._evaluations, None)
            if found is None:  # it had nothing to train when it last came to its end
                self._evaluations = self._trainer.evaluate_many(self._next_requests(), self._check)
                found = next(self._evaluations)
        except Exception as error:
            failure, held = failure_of(error), dict(self._held)
            self.clear()
            return [Result(one, lane, self._where, failure) for one, lane in held.items()]
        except BaseException:  # Ctrl-C has cut all of them off
            self.clear()
            raise
        request, evaluation = found
        return [Result(request, self._held.pop(request), self._where, evaluation)]

    def clear(self) -> None:
        """Forgets what trains, and what waits."""
        self._held.clear()
        self._waiting.clear()
        self._evaluations = iter(())

    def _next_requests(self) -> Iterator[Request | None]:
        while True:
            self._arrive()
            yield self._waiting.popleft() if self._waiting else None


class LaneThread:
    """Lanes that train while requests arrive and results are fetched, each in a thread.

    Args:
        trainer: Has the lanes.
        names: Of the lanes.
        where: Host and device that they are on.
    """

    def __init__(self, trainer: SideBySideTrainer, names: list[str], where: str):
        self._arriving: queue.SimpleQueue[tuple[Request, str]] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._lanes = LaneWorkers(trainer, names, where, self._arrive)
        threading.Thread(target=self._run, name=where, daemon=True).start()

    def submit(self, requests: Sequence[tuple[Request, str]]) -> None:
        """Hands requests to lanes without one, and returns at once."""
        for one in requests:
            self._arriving.put(one)

    def wait(self) -> list[Result]:
        """Waits for a result; with it come all others that are there."""
        found = [self._results.get()]
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._results.get_nowait())
        return found

    def _arrive(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._lanes.submit(*self._arriving.get_nowait())

    def _run(self) -> None:
        while True:
            self._lanes.submit(*self._arriving.get())
            while len(self._lanes.idle) < len(self._lanes.names):
                for result in self._lanes.wait():
                    self._results.put(result)
