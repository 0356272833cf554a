"""What models are usually trained with, as expressions."""

from __future__ import annotations

from glo_tf.data.outputs import Activation, Outputs
from glo_tf.expressions.tree import Expression

CROSS_ENTROPY = Expression.parse("-(x*log(y))")
# 1 - y would be 0 where a sigmoid is sure.
BINARY_CROSS_ENTROPY = Expression.parse("-(x*log(y) + (1 - x)*log(1.0000002 - y))")
SQUARED_ERROR = Expression.parse("square(x - y)")


def usual_loss(outputs: Outputs) -> tuple[str, Expression]:
    """What a model with such outputs is usually trained with, by its name.

    Cross-entropy for classes, binary cross-entropy for probabilities of their own, and squared
    error where an output is linear (for classes beside it, that is the Brier score).
    """
    activations = {
        Activation.SOFTMAX if output.binary else output.activation for output in outputs.each
    }
    if Activation.LINEAR in activations:
        return "squared error", SQUARED_ERROR
    if Activation.SIGMOID in activations:
        return "binary cross-entropy", BINARY_CROSS_ENTROPY
    return "cross-entropy", CROSS_ENTROPY
