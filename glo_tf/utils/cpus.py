"""The CPUs of this process."""

from __future__ import annotations

import os


def available_cpus() -> int:
    """How many it may run on."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return available or 1
