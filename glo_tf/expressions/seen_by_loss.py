"""Predictions as a loss takes them: clipped, and of logits with their logarithm, which is not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from glo_tf.data.outputs import Outputs


class LogPrediction(NamedTuple):
    """log(y) where it is known better than from y, as of logits; arrays of the shape of y.

    Derivatives are then not d/dy: they are taken with respect to log(y) before it is clipped, in
    columns of logits.

    Attributes:
        value: log(y), not clipped.
        slope: Its derivative.
        slope_of_y: That of y, which is clipped.
    """

    value: Any
    slope: Any
    slope_of_y: Any


class SeenByLoss(NamedTuple):
    """Predictions as a loss takes them; arrays `(N, W)`.

    Attributes:
        y: Clipped.
        inside: Where the loss has a slope: where y is not clipped, or its logarithm is not.
        log_y: None if no output gives logits.
    """

    y: Any
    inside: Any
    log_y: LogPrediction | None


def seen_by_loss(outputs: Outputs, ops: Any, scores: Any) -> SeenByLoss:
    """Clipped predictions, and of logits their logarithms, which are not clipped.

    Args:
        outputs: Of the model.
        ops: The library that computes: `numpy` or `keras.ops`.
        scores: Columns `(N, W)`, see `Outputs.scores`.
    """
    logarithms = outputs.from_logits
    lower, upper = outputs.bounds()
    clipped = ops.clip(scores, lower, upper)
    inside = (scores >= lower) & (scores <= upper)
    if not logarithms.any():
        return SeenByLoss(clipped, inside, None)
    least = math.log(outputs.epsilon)
    y = ops.where(logarithms, ops.exp(ops.maximum(scores, least)), clipped)
    one = ops.ones_like(scores)
    log_y = LogPrediction(
        value=ops.where(logarithms, scores, ops.log(y)),
        slope=ops.where(logarithms, one, one / y),
        slope_of_y=ops.where(logarithms, ops.where(scores >= least, y, ops.zeros_like(y)), one),
    )
    return SeenByLoss(y, inside | logarithms, log_y)
