"""A found loss, or one beside it, with its trainings on seeds that nothing was selected on."""

from __future__ import annotations

import dataclasses
import statistics
from typing import Any

from glo_tf.expressions.tree import Expression


@dataclasses.dataclass(frozen=True)
class ComparedLoss:
    """One row of a comparison.

    Attributes:
        name: How the row is shown.
        loss: The whole loss, per class.
        learning_rate: What it was trained with; None is the optimizer's own.
        seeds: Seeds of the trainings, fresh ones that the search did not select on.
        fitnesses: Fitness for each seed.
    """

    name: str
    loss: Expression
    learning_rate: float | None
    seeds: tuple[int, ...]
    fitnesses: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean fitness."""
        return statistics.fmean(self.fitnesses)

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON-ready data, with the mean."""
        return {**dataclasses.asdict(self), "loss": str(self.loss), "mean": self.mean}
