"""A trainer in a child process: what crashes or hangs there leaves this process as it is.

The task travels as cloudpickle writes it, with the code of functions that cannot be imported by a
name: those of a script or a notebook, and lambdas. What comes back is JSON.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import faulthandler
import json
import logging
import os
import pickle
import platform
import queue
import signal
import subprocess
import sys
import threading
import time
import weakref
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import IO, Any

import cloudpickle

from glo_tf.errors import InvalidArgumentError
from glo_tf.strategies.base import Failure, FailureKind, Task, TrainingError
from glo_tf.strategies.environment import environment
from glo_tf.strategies.worker import Deadline, failure_of, given_up_at, run, timeout_message
from glo_tf.training.trial import (
    Evaluation,
    Request,
    Status,
    Trainer,
    measured_as_json,
    measured_from_json,
)
from glo_tf.utils.importing import quick_imports

_POLL = 0.5  # seconds between two looks at whether the other process lives
_STARTS = 3  # of a process that dies before it is ready
_SECONDS_TO_DIE = 5.0  # for a process that has closed the connection
_SECONDS_TO_READ = 2.0  # what a dead process has printed
_LINES, _LINE_LENGTH = 400, 500  # of it that are kept

logger = logging.getLogger("glo_tf")


class WorkerProcess:
    """Trains one candidate at a time in a child process, which is started again when it dies.

    What the child prints goes to the log, with the Python stack of a crash. It ends with this
    process, however that ends.

    Args:
        task: What it makes its trainer from.

    Attributes:
        where: Host and process, for the study.

    Raises:
        ValueError: If the task cannot be sent.
    """

    def __init__(self, task: Task):
        self._messages = _as_messages(task)
        self._child: _Child | None = None
        self.where = platform.node()

    def start(self) -> None:
        """Starts the child, and waits until it has a trainer.

        Raises:
            TrainingError: If the model or the data raise there, or it dies each time.
        """
        message = ""
        for _ in range(_STARTS):
            self._child = _Child()
            self._end = weakref.finalize(self, self._child.end)  # if nobody calls `close`
            self.where = f"{platform.node()} process {self._child.pid}"
            outcome = self._child.ask(self._messages)
            if not isinstance(outcome, Failure):
                return
            self.close()
            if outcome.kind != FailureKind.WORKER_LOST:
                logger.error("%s", outcome.traceback or outcome.message)
                raise TrainingError(
                    f"Expected the worker process to be ready. Received: {outcome.message}"
                )
            message = outcome.message
            logger.warning("Before its first training: %s", message)
        raise TrainingError(
            f"Expected the worker process to start. Received, {_STARTS} times: {message}"
        )

    def train(self, request: Request, timeout: float | None) -> Evaluation | Failure:
        """Trains, for as long as that may take; a child that dies or hangs ends.

        Raises:
            TrainingError: As `start`, for the child that takes its place.
        """
        if self._child is None or not self._child.lives:
            self.close()
            self.start()
        assert self._child is not None
        end = given_up_at(timeout)
        outcome = self._child.ask([pickle.dumps((request, timeout))], end)
        if outcome is None:
            logger.warning("The training in the worker process hangs; another takes its place")
            self.close()
            return Failure(FailureKind.TIMEOUT, timeout_message(timeout))
        if isinstance(outcome, Failure):
            return outcome
        measured = measured_from_json(outcome.pop("measured"))
        status = Status(outcome.pop("status"))
        return Evaluation(
            request.candidate, request.seed, status=status, **outcome, measured=measured
        )

    def close(self) -> None:
        """Ends the child at once, with whatever it has started."""
        if self._child is not None:
            self._end()
            self._child = None


class _Child:
    """The process, and the connection to it."""

    def __init__(self) -> None:
        self._connection, theirs = Pipe()
        with theirs:
            self._process = _start(theirs)
        assert self._process.stdout is not None
        self._printed = _Printed(self._process.stdout)
        self._printed.start()
        self.pid = self._process.pid

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def ask(self, messages: list[Any], end: float | None = None) -> dict[str, Any] | Failure | None:
        """Sends, and waits for the answer; None if there is none at `end`."""
        try:
            for message in messages:
                self._connection.send_bytes(message)
            while not self._connection.poll(_POLL):
                if not self.lives and not self._connection.poll(0):
                    return self._lost()
                if end is not None and time.monotonic() > end:
                    return None
            answer: dict[str, Any] = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            return self._lost()
        except BaseException:  # Ctrl-C; what it answers later would be taken for another's answer
            self.end()
            raise
        if "failure" not in answer:
            return answer
        failure = answer["failure"]
        return Failure(**{**failure, "kind": FailureKind(failure["kind"])})

    def end(self) -> None:
        if self._connection.closed:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # the group is gone
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._connection.close()
        self._printed.join(_SECONDS_TO_READ)

    def _lost(self) -> Failure:
        try:
            code = self._process.wait(_SECONDS_TO_DIE)
        except subprocess.TimeoutExpired:  # it has closed the connection, and lives
            code = None
        self.end()
        return Failure(FailureKind.WORKER_LOST, _how_it_died(code) + self._printed.place_of_crash())


def _start(theirs: Connection[Any, Any]) -> subprocess.Popen[bytes]:
    """A process, the leader of its group, that serves a connection."""
    path = [place for place in sys.path if isinstance(place, str)]
    code = (
        f"import sys; sys.path[:] = {path!r}; from glo_tf.strategies.process import serve; "
        f"serve({theirs.fileno()}, {os.getpid()})"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | environment(),
        pass_fds=[theirs.fileno()],
        process_group=0,  # Ctrl-C on the terminal is for the parent alone
    )


class _Printed(threading.Thread):
    """Copies to the log what a process prints."""

    def __init__(self, stream: IO[bytes]):
        super().__init__(name="output of the worker process", daemon=True)
        self._stream = stream
        self._lines: collections.deque[str] = collections.deque(maxlen=_LINES)

    def run(self) -> None:
        with self._stream:
            for line in iter(lambda: self._stream.readline(10_000), b""):
                text = line.decode(errors="replace").rstrip()[:_LINE_LENGTH]
                if text:
                    self._lines.append(text)
                    logger.info("Worker process: %s", text)

    def place_of_crash(self) -> str:
        """Where the thread that crashed was in Python, if `faulthandler` has said so."""
        lines = list(self._lines)
        for number, line in enumerate(lines[:-1]):
            if line.startswith("Current thread ") and lines[number + 1].startswith("  File "):
                return f" at {lines[number + 1].strip()}"
        return ""


def _how_it_died(code: int | None) -> str:
    if code is None:
        return "the worker process closed its connection"
    if code >= 0:
        return f"the worker process ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"the worker process died of {name} ({signal.strsignal(-code)})"


def _as_messages(task: Task) -> list[Any]:
    """The task for `Connection.send_bytes`: how many arrays follow, itself, and these uncopied."""
    buffers: list[pickle.PickleBuffer] = []
    try:
        pickled = cloudpickle.dumps(task, protocol=5, buffer_callback=buffers.append)
    except Exception as error:  # the model function's objects raise what they like
        raise InvalidArgumentError(
            "Expected a model function, metric and optimizer that can be sent to a worker process, "
            "as candidate_timeout and process=True of strategy 'local' need it; strategy='devices' "
            f"does not. Received: {type(error).__name__}: {' '.join(str(error).split())}"
        ) from error
    return [str(len(buffers)).encode(), pickled, *(buffer.raw() for buffer in buffers)]


def serve(descriptor: int, parent: int) -> None:
    """The child: makes a trainer of the task that comes first, and trains what follows."""
    faulthandler.enable()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.set_inheritable(descriptor, False)
    connection: Connection[Any, Any] = Connection(descriptor)
    count = int(connection.recv_bytes())
    pickled, *buffers = (connection.recv_bytes() for _ in range(count + 1))
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(connection, parent, inbox), daemon=True).start()
    trainer = _trainer(pickled, buffers)
    del pickled, buffers
    if isinstance(trainer, Failure):
        connection.send_bytes(_as_json(trainer))
        return
    connection.send_bytes(b"{}")
    while True:
        request, timeout = pickle.loads(inbox.get())
        connection.send_bytes(_as_json(run(trainer, request, Deadline(timeout))))


def _trainer(pickled: bytes, buffers: list[bytes]) -> Trainer | Failure:
    try:
        with quick_imports(freezes=True):
            task: Task = pickle.loads(pickled, buffers=buffers)
            task.prepare_process()
        return task.make_trainer()
    except Exception as error:
        return failure_of(error)


def _receive(
    connection: Connection[Any, Any], parent: int, inbox: queue.SimpleQueue[bytes]
) -> None:
    """Takes requests, until the parent is gone; then ends this process, whatever it is at."""
    with contextlib.suppress(EOFError, OSError):
        while os.getppid() == parent:
            if connection.poll(_POLL):
                inbox.put(connection.recv_bytes())
    os.killpg(0, signal.SIGKILL)


def _as_json(outcome: Evaluation | Failure) -> bytes:
    if isinstance(outcome, Failure):
        return json.dumps({"failure": dataclasses.asdict(outcome)}).encode()
    names = ("fitness", "status", "steps", "seconds")
    data = {name: getattr(outcome, name) for name in names}
    measured, values = measured_as_json(outcome.measured), dict(outcome.values)
    return json.dumps({**data, "values": values, "measured": measured}).encode()
