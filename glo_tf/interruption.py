"""SIGINT and SIGTERM: the first ends a run in order, the second at once. And native crashes."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While it is entered, either signal raises `KeyboardInterrupt` the first time.

    The second one, of either kind, ends the process. A signal that the process was started to
    ignore, as SIGINT in the background of a script, stays ignored.
    """

    def __init__(self) -> None:
        self._received: int = signal.SIGINT
        self._count = 0
        self._before: dict[int, Any] = {}

    @property
    def exit_code(self) -> int:
        """What the process should end with: 130 after SIGINT, 143 after SIGTERM."""
        return 128 + self._received

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
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

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count > 1:
            os._exit(128 + number)  # what is finished is in the study
        self._received = number
        raise KeyboardInterrupt


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
