"""The best loss of a search as its user is given it, with the learning rate that goes with it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from glo_tf.expressions.tree import Expression
from glo_tf.screening.scale import relative_scale
from glo_tf.screening.simplification import rounded, shortened, simplified
from glo_tf.training.candidate import (
    LARGEST_RATE,
    SMALLEST_RATE,
    Candidate,
    Hyperparameters,
    held_rate,
)

if TYPE_CHECKING:
    from glo_tf.training.search_task import SearchTask
    from glo_tf.training.step_length import StepLength


_DIGITS = (2, 3)
"""Significant digits that numbers are rounded to, if trainings cannot tell."""

_MORE_DIGITS = (6, 9, 17)
"""Digits with which a loss trains as it did: the first that do not break it; float32 has seven."""

MOST_FORMS = len(_DIGITS) + 1
"""In which a loss may be given."""

_ROOT_DIGITS = 3  # of a factor that the learning rate makes up for


@dataclasses.dataclass(frozen=True)
class FoundLoss:
    """A loss and a learning rate that train as the best candidate of a search did.

    Attributes:
        loss: The whole loss, per class.
        learning_rate: What it is trained with; of a schedule its peak.
        scale: How steep it is beside the usual loss; see `glo_tf.gradient_scale`. None where nobody
            asked, as the search had one learning rate for all.
        remark: Why the scale is not 1, for readers; empty where it is, or nobody asked.
        known: Name of the known loss that it is; empty where it was found.
    """

    loss: Expression
    learning_rate: float
    scale: float | None = None
    remark: str = ""
    known: str = ""

    @classmethod
    def given(cls, candidate: Candidate, task: SearchTask) -> FoundLoss:
        """The candidate as it is."""
        own = candidate.hyperparameters.learning_rate
        return cls(candidate.loss, task.learning_rate if own is None else own)

    @classmethod
    def at_scale_1(
        cls, candidate: Candidate, task: SearchTask, steps: StepLength | None = None
    ) -> FoundLoss:
        """The candidate divided by its scale, so that it can take the place of the usual loss.

        Its learning rate becomes what trains the same, up to rounding: for SGD it is multiplied by
        the scale, for Adam it stays. Where there is no such rate, as with weight decay beside SGD
        or with regularizers in the model, or where the loss has no scale, it stays as it is.

        Args:
            candidate: What was found.
            task: What it was trained on.
            steps: Of the task's optimizer; measured if None.
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
        steps = steps or measure_step_length(task.optimizer)
        multiplied = float(f"{rate * factor**-steps.exponent:.6g}")
        exact = steps.exact and not task.has_penalties
        if exact and SMALLEST_RATE <= multiplied <= LARGEST_RATE:
            return cls(scaled, multiplied, 1.0)
        return dataclasses.replace(
            as_it_is,
            scale=float(f"{scale:.6g}"),
            remark="no learning rate makes model and optimizer train alike with it divided by that",
        )

    @classmethod
    def simplest(
        cls, candidate: Candidate, task: SearchTask, steps: StepLength | None
    ) -> list[FoundLoss]:
        """The candidate in its simplest form, with numbers of ever more digits.

        Which of these train as well as the last one is for trainings to tell. There is one where
        there is nothing to be rounded.

        Args:
            candidate: What was found.
            task: What it was trained on.
            steps: Of the task's optimizer, where candidates have learning rates of their own, so
                that a loss may have another scale; see `at_scale_1`. If None, it keeps its own, up
                to what is rounded.
        """
        short = dataclasses.replace(candidate, loss=simplified(candidate.loss, task.outputs))
        found = cls.given(short, task) if steps is None else cls.at_scale_1(short, task, steps)
        exponent = 0.0 if steps is None else steps.exponent
        few = [found._rounded(digits, task, exponent) for digits in _DIGITS]
        more = (found._rounded(digits, task, exponent) for digits in _MORE_DIGITS)
        forms = [*few, next(form for form in more if form is not None)]
        return list({form.loss: form for form in forms if form is not None}.values())

    def _rounded(self, digits: int, task: SearchTask, exponent: float) -> FoundLoss | None:
        """With numbers of so many digits; None where that breaks the loss."""
        loss = rounded(self.loss, digits, task.outputs)
        if loss is None or self.scale != 1.0:
            return None if loss is None else dataclasses.replace(self, loss=loss)
        first, *others = loss.coefficients
        root = shortened(first / relative_scale(loss, task.outputs), _ROOT_DIGITS)
        scaled = loss.with_coefficients((root, *others))
        if scaled == self.loss:
            return self
        rate = self.learning_rate * relative_scale(scaled, task.outputs) ** -exponent
        return dataclasses.replace(self, loss=scaled, learning_rate=held_rate(rate))

    @property
    def candidate(self) -> Candidate:
        """As trainings take it."""
        return Candidate(self.loss, Hyperparameters(self.learning_rate))
