"""SIGINT and SIGTERM: the first ends a run in order, or a start at once. And native crashes."""

from __future__ import annotations

import abc
import contextlib
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


_ours: set[int] = set()  # ends of pipes that signals are written to


def _forget() -> None:
    """In a forked child: its signals are none of its parent's, whose pipes it shares."""
    if _ours:
        with contextlib.suppress(ValueError):  # it was forked by another thread
            signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_forget)


class _Handling(abc.ABC):
    """Handles both signals while it is entered, in the main thread of a process.

    A signal that the process was started to ignore, as SIGINT in the background of a script, stays
    ignored. Handlers of Python wait for the end of a call into C, such as the import of TensorFlow
    or a compilation; so a thread of its own hears of each signal, too, where that call lets it run.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._wakeup_before = -1
        self._writing_end = -1

    @abc.abstractmethod
    def _receive(self, number: int, frame: FrameType | None) -> None:
        """Is told of each signal by the main thread."""

    @abc.abstractmethod
    def _hear(self, number: int) -> None:
        """Is told of each signal at once, in a thread of its own."""

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        reading_end, self._writing_end = os.pipe()
        os.set_blocking(self._writing_end, False)
        self._wakeup_before = signal.set_wakeup_fd(self._writing_end, warn_on_full_buffer=False)
        _ours.add(self._writing_end)
        self._listener = threading.Thread(target=self._listen, args=(reading_end,), daemon=True)
        self._listener.start()
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._writing_end >= 0:
            signal.set_wakeup_fd(self._wakeup_before, warn_on_full_buffer=False)
            _ours.discard(self._writing_end)
            os.close(self._writing_end)  # which ends the thread
            self._listener.join()  # it may have something to say yet
            self._writing_end = -1

    def _listen(self, reading_end: int) -> None:
        with open(reading_end, "rb", buffering=0) as file:
            while received := file.read(1):
                if received[0] in self._before:
                    self._hear(received[0])


class Exit(_Handling):
    """While it is entered, either signal ends the process: nothing has begun, or all is done.

    So it is while libraries are imported, data is loaded and a model is built, none of which takes
    a `KeyboardInterrupt` well.
    """

    def __init__(self) -> None:
        super().__init__()
        self._first = threading.Lock()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._hear(number)

    def _hear(self, number: int) -> None:
        if self._first.acquire(blocking=False):  # of the two threads that are told
            with contextlib.suppress(OSError):
                os.write(1, b"Ended before its time.\n")
            os._exit(128 + number)


def begin_command_line() -> None:
    """Heeds signals from now on, if this process is that of the command line.

    What it imports takes seconds, in which a `KeyboardInterrupt` would show as a traceback.
    """
    arguments = [*sys.orig_argv, ""]
    as_module = sys.argv[:1] == ["-m"] and arguments[arguments.index("-m") + 1] == "glo_tf.main"
    if as_module or os.path.basename(sys.argv[0] if sys.argv else "") == "glo-tf":
        Exit().__enter__()  # until the process has ended


class Interruption(_Handling):
    """While it is entered, either signal raises `KeyboardInterrupt` the first time.

    The second one, of either kind, ends the process: what is finished is in the study.
    """

    def __init__(self) -> None:
        super().__init__()
        self._received: int = signal.SIGINT
        self._raised = self._heard = 0

    @property
    def exit_code(self) -> int:
        """What the process should end with: 130 after SIGINT, 143 after SIGTERM."""
        return 128 + self._received

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._raised += 1
        if self._raised > 1:
            os._exit(128 + number)
        self._received = number
        raise KeyboardInterrupt

    def _hear(self, number: int) -> None:
        self._heard += 1
        if self._heard > 1:
            os._exit(128 + number)
        with contextlib.suppress(OSError):  # what runs in C is waited for
            os.write(1, b"Ending; once more ends at once.\n")


@contextlib.contextmanager
def stack_of_crashes() -> Iterator[None]:
    """A native crash, as a segmentation fault, prints the Python stack to standard error.

    It does so also while that is silenced, and leaves a handler that is there already alone.
    """
    if faulthandler.is_enabled():
        yield
        return
    with open(os.dup(2), "w") as screen:
        faulthandler.enable(screen)
        try:
            yield
        finally:
            faulthandler.disable()
