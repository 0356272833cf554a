"""The best loss of a search as its user is given it, with the learning rate that goes with it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from glo_tf.expressions.tree import Expression
from glo_tf.screening.scale import relative_scale
from glo_tf.training.candidate import LARGEST_RATE, SMALLEST_RATE, Candidate, Hyperparameters

if TYPE_CHECKING:
    from glo_tf.training.task import TrainingTask


@dataclasses.dataclass(frozen=True)
class FoundLoss:
    """A loss and a learning rate that train as the best candidate of a search did.

    Attributes:
        loss: The whole loss, per class.
        learning_rate: What it is trained with; of a schedule its peak.
        scale: How steep it is beside the usual loss; see `glo_tf.gradient_scale`. None where nobody
            asked, as the search had one learning rate for all.
        remark: Why the scale is not 1, for readers; empty where it is, or nobody asked.
    """

    loss: Expression
    learning_rate: float
    scale: float | None = None
    remark: str = ""

    @classmethod
    def given(cls, candidate: Candidate, task: TrainingTask) -> FoundLoss:
        """The candidate as it is."""
        own = candidate.hyperparameters.learning_rate
        return cls(candidate.loss, task.learning_rate if own is None else own)

    @classmethod
    def at_scale_1(cls, candidate: Candidate, task: TrainingTask) -> FoundLoss:
        """The candidate divided by its scale, so that it can take the place of the usual loss.

        Its learning rate becomes what trains the same, up to rounding: for SGD it is multiplied by
        the scale, for Adam it stays. Where there is no such rate, as with weight decay beside SGD
        or with regularizers in the model, or where the loss has no scale, it stays as it is.

        Args:
            candidate: What was found.
            task: What it was trained on.
        """
        from glo_tf.training.step_length import measure_step_length

        as_it_is = cls.given(candidate, task)
        rate, scale = as_it_is.learning_rate, relative_scale(candidate.loss, task.outputs)
        factor = float(f"{1.0 / scale:.9g}") if scale > 0.0 else 0.0
        first, *others = candidate.loss.coefficients
        if not 0.0 < abs(first * factor) < float("inf"):
            remark = "undecided predictions give it no finite gradient, so that it has no scale"
            return dataclasses.replace(as_it_is, scale=0.0, remark=remark)
        scaled = candidate.loss.with_coefficients((first * factor, *others))
        if scaled.coefficients == candidate.loss.coefficients:
            return dataclasses.replace(as_it_is, scale=1.0)
        steps = measure_step_length(task.optimizer)
        multiplied = float(f"{rate * factor**-steps.exponent:.6g}")
        exact = steps.exact and not task.has_penalties
        if exact and SMALLEST_RATE <= multiplied <= LARGEST_RATE:
            return cls(scaled, multiplied, 1.0)
        return dataclasses.replace(
            as_it_is,
            scale=float(f"{scale:.6g}"),
            remark="no learning rate makes model and optimizer train alike with it divided by that",
        )

    @property
    def candidate(self) -> Candidate:
        """As trainings take it."""
        return Candidate(self.loss, Hyperparameters(self.learning_rate))
