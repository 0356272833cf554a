"""Where learning rates of losses are looked for: by the usual loss's, and how steep each is."""

from __future__ import annotations

import math

from glo_tf.data.outputs import Outputs
from glo_tf.expressions.tree import Expression
from glo_tf.screening.scale import relative_scale, relative_steepness
from glo_tf.training.candidate import held_rate


class ExpectedRates:
    """Where the learning rates of losses are looked for.

    Args:
        reference: The rate that suits the usual loss.
        exponent: See `glo_tf.training.step_length.StepLength`.
        outputs: Of the model.
    """

    def __init__(self, reference: float, exponent: float, outputs: Outputs):
        self._reference, self._exponent, self._outputs = reference, exponent, outputs

    def of(self, loss: Expression, factor: float = 1.0) -> float:
        """The rate at which a loss is expected to train best, times a factor."""
        steepness = relative_steepness(loss, self._outputs)
        if not 0.0 < steepness < math.inf:
            steepness = 1.0
        return held_rate(self._reference * factor * steepness**-self._exponent)

    def at_scale_1(self, loss: Expression) -> Expression:
        """The loss with the coefficient of its root such that it is as steep as the usual one."""
        scale = relative_scale(loss, self._outputs)
        first, *others = loss.coefficients
        if not 0.0 < scale < math.inf or not math.isfinite(first / scale):
            return loss
        return loss.with_coefficients((first / scale, *others))

    def taken_over(self, rate: float, loss: Expression, by: Expression) -> float:
        """The rate at which a loss trains as another one with proportional gradients does.

        Args:
            rate: Of the other one.
            loss: The other one.
            by: The loss.
        """
        ratio = relative_scale(loss, self._outputs) / relative_scale(by, self._outputs)
        return held_rate(rate * ratio**self._exponent)
