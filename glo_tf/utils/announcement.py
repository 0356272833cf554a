"""What is said when a signal comes, in this process or, where that may be held up, in another."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ENDED, ENDING = ord("E"), ord("I")
LINES = {ENDED: b"Ended before its time.\n", ENDING: b"Ending; once more ends at once.\n"}
"""What is said of the next signal, by the number that asks for it, which is no signal's."""


def numbers(source: int) -> Iterator[int]:
    """What is written into a pipe, until nobody can write any more."""
    with open(source, "rb", buffering=0) as file:
        while received := file.read(1):
            yield received[0]


def announced(heard: Iterable[int]) -> Iterator[int]:
    """The same numbers; before a signal is given on, the line asked for last is said, once."""
    line = b""
    for number in heard:
        if number in SIGNALS:
            say(line)
            line = b""
        line = LINES.get(number, line)
        yield number


def say(line: bytes) -> None:
    """Writes a line to standard output, whatever its buffers hold."""
    with contextlib.suppress(OSError):  # nobody reads it
        os.write(1, line)


def announced_by_a_process(source: int, writing_end: int) -> int:
    """Lets a child process announce, and returns where the numbers come from then.

    It ends with this one, whose end of the pipe is the only one. Where no process can be made, the
    source stays.
    """
    given_on, end = os.pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        child = os.fork()
        if not child:
            try:
                for each in SIGNALS:
                    signal.signal(each, signal.SIG_IGN)
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                os.close(writing_end)
                os.close(given_on)
                for number in announced(numbers(source)):
                    os.write(end, bytes([number]))
            finally:
                os._exit(0)
    except OSError:
        os.close(given_on)
        os.close(end)
        return source
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(source)
    os.close(end)
    return given_on
