"""SIGINT and SIGTERM: the first ends a run in order, or a start at once. And native crashes."""

from __future__ import annotations

import abc
import contextlib
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType
from typing import Any, ClassVar, Self

from glo_tf.utils.announcement import (
    ENDED,
    ENDING,
    LINES,
    SIGNALS,
    announced,
    announced_by_a_process,
    numbers,
    say,
)


class _Ear:
    """Hears of each signal at once, while handlers of Python wait for the end of a call into C.

    A thread does, where that call lets it run. Some do not, as parts of TensorFlow's import, so at
    the command line a process says that a signal has come, and gives it on to the thread.

    Args:
        by_a_process: Whether a process says it; only for a process that has no threads yet.
    """

    def __init__(self, by_a_process: bool = False) -> None:
        self._handlings: list[_Handling] = []
        self._changed = threading.Condition()
        self._asked, self._reached, self._ended = 0, 0, False
        source, self.writing_end = os.pipe()
        os.set_blocking(self.writing_end, False)
        given_on = announced_by_a_process(source, self.writing_end) if by_a_process else source
        heard = numbers(given_on)
        self._before = signal.set_wakeup_fd(self.writing_end, warn_on_full_buffer=False)
        self._thread = threading.Thread(
            target=self._listen,
            args=(announced(heard) if given_on == source else heard,),
            daemon=True,
        )
        self._thread.start()

    def attend(self, handling: _Handling) -> None:
        """Tells this one of signals from now on."""
        self._handlings.append(handling)
        self._ask(handling.line)

    def leave(self) -> bool:
        """Tells the one before it again, when all is said; returns whether there is none."""
        self._handlings.pop()
        if self._handlings:
            self._ask(self._handlings[-1].line)
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._reached == self._asked)
            return False
        signal.set_wakeup_fd(self._before, warn_on_full_buffer=False)
        os.close(self.writing_end)  # which ends the thread
        self._thread.join()
        return True

    def wait_if_told(self) -> None:
        """Waits for the end of the thread, if it is told of signals, which libraries may change."""
        if signal.set_wakeup_fd(self.writing_end, warn_on_full_buffer=False) == self.writing_end:
            self._thread.join()

    def _ask(self, line: int) -> None:
        self._asked += 1
        with contextlib.suppress(OSError):  # the process is gone; handlers are left
            os.write(self.writing_end, bytes([line]))

    def _listen(self, heard: Iterable[int]) -> None:
        for number in heard:
            if number in LINES:
                with self._changed:
                    self._reached += 1
                    self._changed.notify_all()
            elif number in SIGNALS:
                self._handlings[-1].hear(number)
        with self._changed:
            self._ended = True
            self._changed.notify_all()


_ear: _Ear | None = None


def _forget() -> None:
    """In a forked child: its signals are none of its parent's, whose pipes it shares."""
    global _ear
    if _ear is not None:
        with contextlib.suppress(ValueError):  # it was forked by another thread
            signal.set_wakeup_fd(-1)
        os.close(_ear.writing_end)
        _ear = None


os.register_at_fork(after_in_child=_forget)


class _Handling(abc.ABC):
    """Handles both signals while it is entered, in the main thread of a process.

    A signal that the process was started to ignore, as SIGINT in the background of a script, stays
    ignored.
    """

    line: ClassVar[int]
    """What is said of the first signal."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._heeds = False

    @abc.abstractmethod
    def _receive(self, number: int, frame: FrameType | None) -> None:
        """Is told of each signal by the main thread."""

    @abc.abstractmethod
    def hear(self, number: int) -> None:
        """Is told of each signal at once, in a thread of its own, when its line is said."""

    def __enter__(self) -> Self:
        global _ear
        if threading.current_thread() is not threading.main_thread():
            return self
        if _ear is None:
            _ear = _Ear()
        _ear.attend(self)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._receive)
        self._heeds = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global _ear
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._heeds and _ear is not None and _ear.leave():
            _ear = None


class Exit(_Handling):
    """While it is entered, either signal ends the process: nothing has begun, or all is done.

    So it is while libraries are imported, data is loaded and a model is built, none of which takes
    a `KeyboardInterrupt` well.
    """

    line = ENDED

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if _ear is not None:
            _ear.wait_if_told()  # its thread ends this process
        say(LINES[self.line])
        self.hear(number)

    def hear(self, number: int) -> None:
        """Ends the process."""
        os._exit(128 + number)


def begin_command_line() -> None:
    """Heeds signals from now on, if this process is that of the command line.

    What it imports takes seconds, in which a `KeyboardInterrupt` would show as a traceback.
    """
    arguments = [*sys.orig_argv, ""]
    as_module = sys.argv[:1] == ["-m"] and arguments[arguments.index("-m") + 1] == "glo_tf.main"
    if as_module or os.path.basename(sys.argv[0] if sys.argv else "") == "glo-tf":
        global _ear
        _ear = _Ear(by_a_process=True)
        Exit().__enter__()  # until the process has ended


class Interruption(_Handling):
    """While it is entered, either signal raises `KeyboardInterrupt` the first time.

    The second one, of either kind, ends the process: what is finished is in the study.
    """

    line = ENDING

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

    def hear(self, number: int) -> None:
        """Ends the process when it is told again; before, what runs in C is waited for."""
        self._heard += 1
        if self._heard > 1:
            os._exit(128 + number)


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
