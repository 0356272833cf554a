"""A clock by which a training that hangs is late at once, and all others have a minute."""

import pathlib
import time
import types

import pytest

from glo_tf.testing import scripted_task as scripted
from glo_tf.testing.scripted_task import ScriptedTask

TIMEOUT = 60.0
"""Seconds that a training may take; only by this clock does one need them."""


def install(monkeypatch: pytest.MonkeyPatch, task: ScriptedTask) -> None:
    """Makes it the clock by which strategies give up trainings of `task`.

    It is for one worker: other trainings that run while one hangs are late, too.
    """

    log = pathlib.Path(task.folder, "trainings.txt")

    def monotonic() -> float:
        begun = task.trainings() if log.exists() else []
        return time.monotonic() + 1000.0 * begun.count(str(scripted.HANG))

    clock = types.SimpleNamespace(**{**vars(time), "monotonic": monotonic})
    for module in ("devices", "process", "worker"):
        monkeypatch.setattr(f"glo_tf.strategies.{module}.time", clock)
