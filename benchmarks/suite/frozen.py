"""Losses of our own: found on several tasks at once, and tested where no search has looked."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.suite.tasks import Task


@dataclasses.dataclass(frozen=True)
class Frozen:
    """A loss that stays as it is.

    Attributes:
        name: How it is shown.
        expression: Its text, of one class.
        group: Of the tasks that it is for.
        kinds: Their damage.
        seen: Data sets that it was found on, where it is not tested.
        rivals: Known losses for such tasks, beside the best one.
        text: What the page says of it.
    """

    name: str
    expression: str
    group: str
    kinds: tuple[str, ...]
    seen: tuple[str, ...]
    rivals: tuple[str, ...]
    text: str

    def is_tested_on(self, task: Task) -> bool:
        """Whether the task is one of its kind, on data that its search did not see."""
        group, kind, *_ = task.name.split("/")
        return group == self.group and kind in self.kinds and task.data_set not in self.seen


FROZEN: tuple[Frozen, ...] = (
    Frozen(
        name="ladoga",
        expression="-1.63*(sqrt(sqrt(y)) + 4.9*(y*(x + 0.28*y)))",
        group="noise",
        kinds=("symmetric 40 %", "asymmetric 40 %"),
        seen=("digits", "satimage", "penbased"),
        rivals=("gce", "sce", "nce_rce", "nce_amse"),
        text="`-1.63*(sqrt(sqrt(y)) + 4.9*(y*(x + 0.28*y)))`, found by one search over symmetric "
        "and asymmetric noise of 40 % in digits, satimage and penbased (`python -m "
        "benchmarks.suite.own_loss`), frozen before it met other data, and tested on these. Those "
        "that it was found on have 6 to 10 classes; MNIST has 10, texture 11, letter 26. It has no "
        "parameter: its trials are over the learning rate alone. P-values are corrected (Holm) for "
        "all tests of this table.",
    ),
)
"""Those that `python -m benchmarks.suite.own_loss` found; the page says how."""


def of_task(task: Task) -> dict[str, Any]:
    """Names and texts of the losses that are tested on a task."""
    return {one.name: one.expression for one in FROZEN if one.is_tested_on(task)}
