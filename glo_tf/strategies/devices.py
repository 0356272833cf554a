"""Trainings side by side on the devices of this process, one thread and one trainer each.

A trainer's lanes stay on its device, so devices exchange nothing, and none waits for another.
"""

from __future__ import annotations

import contextlib
import logging
import platform
import queue
import threading
import time
from collections.abc import Iterator, Sequence

from glo_tf.strategies.base import Result, Strategy, Task
from glo_tf.strategies.lanes import LaneWorkers, names_of_lanes
from glo_tf.strategies.worker import (
    Deadline,
    failure_of,
    given_up_at,
    patience,
    run,
    timed_out,
)
from glo_tf.training.trial import Request, SideBySideTrainer, Trainer

_LONGEST_WAIT = 1.0  # seconds; a signal that another thread received is not seen before
_SECONDS_TO_STOP = 5.0  # for a thread, when the strategy is closed

logger = logging.getLogger("glo_tf")


class DevicesStrategy(Strategy):
    """One worker per logical device, or as many as a task has lanes.

    `tf.distribute.Strategy` splits a batch over devices; this hands each device a candidate of its
    own, so nothing is exchanged while a network trains.

    Args:
        devices: Names such as `"GPU:0"`; None takes all GPUs that TensorFlow or JAX lists, or all
            CPUs if there are none.
    """

    def __init__(self, devices: Sequence[str] | None = None):
        self._devices = devices
        self._threads: dict[str, _DeviceThread] = {}
        self._results: queue.SimpleQueue[tuple[_DeviceThread, Result]] = queue.SimpleQueue()
        self._task: Task | None = None
        self._timeout: float | None = None

    @property
    def shares_process(self) -> bool:
        """Threads do."""
        return True

    @property
    def trains_side_by_side(self) -> bool:
        """In the lanes of each device."""
        return True

    def start(self, task: Task, candidate_timeout: float | None = None) -> None:
        """Starts the threads; each makes its trainer when it gets its first request."""
        if self._devices is None:
            from glo_tf.training.backends import backend

            self._devices = backend().logical_devices()
        self._task, self._timeout = task, candidate_timeout
        for name in self._devices:
            self._start_thread(name)

    def idle(self) -> Sequence[str]:
        """Devices without a training, or their lanes without one."""
        return [lane for t in self._threads.values() for lane in t.lanes if lane not in t.held]

    def workers(self) -> Sequence[str]:
        """All devices, or all their lanes."""
        return [lane for thread in self._threads.values() for lane in thread.lanes]

    def submit(self, request: Request, worker: str) -> None:
        """Wakes the device's thread."""
        (thread,) = (t for t in self._threads.values() if worker in t.lanes)
        thread.take(request, worker)

    def wait(self) -> list[Result]:
        """Waits for a thread to finish, or for one to be past all patience."""
        results: list[Result] = []
        while not results:
            with contextlib.suppress(queue.Empty):
                results.append(self._next(self._patience()))
                while True:
                    results.append(self._next(0.0))
            results.extend(self._give_up_hanging())
        return results

    def close(self) -> None:
        """Ends the threads; one that hangs in a call is left behind."""
        for thread in self._threads.values():
            thread.stop()
        for thread in self._threads.values():
            thread.join(_SECONDS_TO_STOP)
            if thread.is_alive():
                logger.warning("The training on %s does not return and is left behind", thread.name)
        self._threads = {}

    def _start_thread(self, name: str) -> None:
        assert self._task is not None
        thread = _DeviceThread(name, self._task, self._timeout, self._results)
        self._threads[name] = thread
        thread.start()

    def _next(self, timeout: float) -> Result:
        while True:
            thread, result = self._results.get(timeout=timeout)
            if self._threads.get(thread.name) is thread:  # else one that was left behind
                del thread.held[result.worker]
                return result

    def _patience(self) -> float:
        return patience((t.given_up_at for t in self._threads.values()), _LONGEST_WAIT)

    def _give_up_hanging(self) -> list[Result]:
        results = []
        for name, thread in list(self._threads.items()):
            end = thread.given_up_at
            if end is not None and time.monotonic() > end:
                logger.warning("The training on %s hangs; a new thread takes its place", name)
                thread.stop()
                self._start_thread(name)
                results += [
                    timed_out(request, lane, thread.where, self._timeout)
                    for lane, request in thread.held.items()
                ]
        return results


class _StoppedError(Exception):
    """The search has no use for a training any more."""


class _DeviceThread(threading.Thread):
    """Trains on one device; `held` is what it works on, by lane, kept by the caller's thread."""

    def __init__(
        self,
        name: str,
        task: Task,
        timeout: float | None,
        results: queue.SimpleQueue[tuple[_DeviceThread, Result]],
    ):
        super().__init__(name=name, daemon=True)
        self.lanes = names_of_lanes(task.lanes, name)
        self.held: dict[str, Request] = {}
        self.given_up_at: float | None = None
        self.where = f"{platform.node()} {name}"
        self._task = task
        self._timeout = timeout
        self._results = results
        self._inbox: queue.SimpleQueue[tuple[Request, str] | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._trainer: Trainer | None = None
        self._in_lanes: LaneWorkers | None = None

    def take(self, request: Request, lane: str) -> None:
        self.held[lane] = request
        self.given_up_at = given_up_at(self._timeout)
        self._inbox.put((request, lane))

    def stop(self) -> None:
        self._stopped.set()
        self._inbox.put(None)

    def run(self) -> None:
        while (taken := self._inbox.get()) is not None and not self._stopped.is_set():
            for result in self._trained(*taken):
                if self._stopped.is_set():
                    return
                self.given_up_at = None
                self._results.put((self, result))

    def _trained(self, request: Request, lane: str) -> Iterator[Result]:
        """The result of a request, and of all that arrive meanwhile for other lanes."""
        from glo_tf.training.backends import backend  # Keras, which no list of strategies needs

        deadline = Deadline(self._timeout)

        def check() -> None:
            deadline()
            self._check_wanted()

        with backend().device(self.name):
            if self._trainer is None:
                try:
                    self._trainer = self._task.make_trainer()
                except Exception as error:
                    yield Result(request, lane, self.where, failure_of(error))
                    return
                if isinstance(self._trainer, SideBySideTrainer) and len(self.lanes) > 1:
                    self._in_lanes = LaneWorkers(
                        self._trainer, self.lanes, self.where, self._arrive, self._check_wanted
                    )
            if self._in_lanes is None:
                yield Result(request, lane, self.where, run(self._trainer, request, check))
                return
            self._in_lanes.submit(request, lane)
            while len(self._in_lanes.idle) < len(self.lanes):
                yield from self._in_lanes.wait()

    def _arrive(self) -> None:
        """Hands to the lanes what has been taken meanwhile."""
        assert self._in_lanes is not None
        with contextlib.suppress(queue.Empty):
            while (taken := self._inbox.get_nowait()) is not None:
                self._in_lanes.submit(*taken)

    def _check_wanted(self) -> None:
        if self._stopped.is_set():
            raise _StoppedError


def devices() -> DevicesStrategy:
    """All GPUs of this machine, a candidate each, or as many as there are lanes."""
    return DevicesStrategy()
