"""How much memory there is, and how much data a process may hold."""

from __future__ import annotations

import contextlib
import os
import pathlib

from glo_tf.errors import InvalidArgumentError

_SHARE = 1 / 3  # of the memory: data is there twice while it is joined, and while it is trained on
_WHERE_UNKNOWN = 16 * 2**30  # bytes
_CGROUP = pathlib.Path("/sys/fs/cgroup")
_OF_LINUX = pathlib.Path("/proc/meminfo")


def most_bytes() -> int:
    """Bytes that the data of one argument may have: a third of the machine's or container's."""
    total = _WHERE_UNKNOWN
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit
        total = min(total, int((_CGROUP / "memory.max").read_text()))
    return int(total * _SHARE)


def free_bytes() -> int:
    """Bytes that the machine or container has left; where that is unknown, `most_bytes`."""
    free = most_bytes()
    with contextlib.suppress(OSError, ValueError):
        lines = _OF_LINUX.read_text().splitlines()
        (kibibytes,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        free = int(kibibytes) * 1024
    with contextlib.suppress(OSError, ValueError):
        most, taken = (_CGROUP / f"memory.{name}" for name in ("max", "current"))
        free = min(free, int(most.read_text()) - int(taken.read_text()))
    return max(0, free)


def check(argument: str, size: int, advice: str) -> None:
    """Refuses data that do not fit.

    Args:
        argument: For the message.
        size: Bytes.
        advice: For the message.

    Raises:
        ValueError: If there are more than `most_bytes`.
    """
    most = most_bytes()
    if size > most:
        raise InvalidArgumentError(
            f"Expected {argument} of at most {most / 2**30:.1f} GiB, a third of the memory, which "
            f"holds it. Received: over {size / 2**30:.1f} GiB ({size} bytes); {advice}"
        )
