"""Trainings side by side on the devices of this process, one thread and one trainer each."""

from __future__ import annotations

import contextlib
import logging
import platform
import queue
import threading
import time
from collections.abc import Sequence

from glo_tf.strategies.base import Failure, Result, Strategy, Task
from glo_tf.strategies.worker import (
    Deadline,
    failure_of,
    given_up_at,
    patience,
    run,
    timed_out,
)
from glo_tf.training.trial import Evaluation, Request, Trainer

_LONGEST_WAIT = 1.0  # seconds; a signal that another thread received is not seen before
_SECONDS_TO_STOP = 5.0  # for a thread, when the strategy is closed

logger = logging.getLogger("glo_tf")


class DevicesStrategy(Strategy):
    """One worker per logical device.

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

    def start(self, task: Task, candidate_timeout: float | None = None) -> None:
        """Starts the threads; each makes its trainer when it gets its first request."""
        if self._devices is None:
            from glo_tf.training.backends import backend

            self._devices = backend().logical_devices()
        self._task, self._timeout = task, candidate_timeout
        for name in self._devices:
            self._start_thread(name)

    def idle(self) -> Sequence[str]:
        """Devices without a training."""
        return [name for name, thread in self._threads.items() if thread.request is None]

    def workers(self) -> Sequence[str]:
        """All devices."""
        return list(self._threads)

    def submit(self, request: Request, worker: str) -> None:
        """Wakes the device's thread."""
        self._threads[worker].take(request)

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
                thread.request = None
                return result

    def _patience(self) -> float:
        return patience((t.given_up_at for t in self._threads.values()), _LONGEST_WAIT)

    def _give_up_hanging(self) -> list[Result]:
        results = []
        for name, thread in list(self._threads.items()):
            end = thread.given_up_at
            if end is not None and time.monotonic() > end:
                assert thread.request is not None
                logger.warning("The training on %s hangs; a new thread takes its place", name)
                thread.stop()
                self._start_thread(name)
                results.append(timed_out(thread.request, name, thread.where, self._timeout))
        return results


class _StoppedError(Exception):
    """The search has no use for a training any more."""


class _DeviceThread(threading.Thread):
    """Trains on one device; `request` is what it works on, kept by the caller's thread."""

    def __init__(
        self,
        name: str,
        task: Task,
        timeout: float | None,
        results: queue.SimpleQueue[tuple[_DeviceThread, Result]],
    ):
        super().__init__(name=name, daemon=True)
        self.request: Request | None = None
        self.given_up_at: float | None = None
        self.where = f"{platform.node()} {name}"
        self._task = task
        self._timeout = timeout
        self._results = results
        self._inbox: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._trainer: Trainer | None = None

    def take(self, request: Request) -> None:
        self.request = request
        self.given_up_at = given_up_at(self._timeout)
        self._inbox.put(request)

    def stop(self) -> None:
        self._stopped.set()
        self._inbox.put(None)

    def run(self) -> None:
        while (request := self._inbox.get()) is not None and not self._stopped.is_set():
            outcome = self._run(request)
            if self._stopped.is_set():
                return
            self.given_up_at = None
            self._results.put((self, Result(request, self.name, self.where, outcome)))

    def _run(self, request: Request) -> Evaluation | Failure:
        from glo_tf.training.backends import backend  # Keras, which no list of strategies needs

        deadline = Deadline(self._timeout)

        def check() -> None:
            deadline()
            if self._stopped.is_set():
                raise _StoppedError

        with backend().device(self.name):
            if self._trainer is None:
                try:
                    self._trainer = self._task.make_trainer()
                except Exception as error:
                    return failure_of(error)
            return run(self._trainer, request, check)


def devices() -> DevicesStrategy:
    """All GPUs of this machine, a candidate each."""
    return DevicesStrategy()
