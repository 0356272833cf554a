"""What models are usually trained with, as expressions."""

from __future__ import annotations

from glo_tf.data.outputs import Activation, Outputs
from glo_tf.expressions.tree import Expression

CROSS_ENTROPY = Expression.parse("-(x*log(y))")
# 1 - y would be 0 where a sigmoid is sure.
BINARY_CROSS_ENTROPY = Expression.parse("-(x*log(y) + (1 - x)*log(1.0000002 - y))")
SQUARED_ERROR = Expression.parse("square(x - y)")


def kind_of(outputs: Outputs) -> Activation:
    """What all outputs are to one loss: numbers if one is linear, else labels if one is of these.

    One sigmoid is two classes.
    """
    kinds = {Activation.SOFTMAX if output.binary else output.activation for output in outputs.each}
    return next(
        kind
        for kind in (Activation.LINEAR, Activation.SIGMOID, Activation.SOFTMAX)
        if kind in kinds
    )


def usual_loss(outputs: Outputs) -> tuple[str, Expression]:
    """What a model with such outputs is usually trained with, by its name.

    Cross-entropy for classes, binary cross-entropy for probabilities of their own, and squared
    error where an output is linear (for classes beside it, that is the Brier score).
    """
    return {
        Activation.LINEAR: ("squared error", SQUARED_ERROR),
        Activation.SIGMOID: ("binary cross-entropy", BINARY_CROSS_ENTROPY),
        Activation.SOFTMAX: ("cross-entropy", CROSS_ENTROPY),
    }[kind_of(outputs)]
