"""Tree to graph: one expression as TensorFlow ops, with its coefficients as a tensor argument."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from glo_tf.expressions import operations
from glo_tf.expressions.leaves import LEAVES, values
from glo_tf.expressions.operations import Dual
from glo_tf.expressions.seen_by_loss import LogPrediction
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import is_log_of_scaled_y


def translate(
    expression: Expression,
    y_true: tf.Tensor,
    y_pred: tf.Tensor,
    coefficients: tf.Tensor,
    *,
    log_y: LogPrediction | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The value and d/dy of a tree, by the rules of `operations`, as ops of the caller's graph.

    One trace of the caller serves every coefficient vector, so a search over the coefficients of
    one tree (Section 3 of arXiv 1905.11528) compiles once. NaN and infinity arise as in IEEE
    arithmetic.

    Args:
        expression: The tree; its own coefficients are not heeded.
        y_true: True labels x, any shape, float.
        y_pred: Predictions y, same shape and dtype.
        coefficients: One factor per node in prefix order, shape `(size,)`, same dtype.
        log_y: Of predictions that come from logits; it says what derivatives are then taken with
            respect to.

    Returns:
        Value and slope, two tensors of the shape and dtype of `y_pred`.

    Example:
        >>> import tensorflow as tf
        >>> from glo_tf import Expression
        >>> from glo_tf.training.tensorflow.translator import translate
        >>> x, y, ones = tf.constant([1.0, 0.0]), tf.constant([0.5, 0.5]), tf.ones(4)
        >>> value, slope = translate(Expression.parse("square(x - y)"), x, y, ones)
        >>> value.numpy().tolist(), slope.numpy().tolist()
        ([0.25, 0.25], [-1.0, 1.0])
    """
    zero, one = tf.zeros_like(y_pred), tf.ones_like(y_pred)
    slope_of_y = one if log_y is None else log_y.slope_of_y
    leaves = {
        name: Dual(value, slope_of_y if LEAVES[name].depends else zero, LEAVES[name].depends)
        for name, value in values(y_true, y_pred).items()
    }
    factors = tf.unstack(coefficients, num=expression.size)

    def combine(index: int, operands: Sequence[Dual]) -> Dual:
        node, factor = expression.nodes[index], factors[index]
        if isinstance(node, int):
            return Dual(factor * node, zero, False)
        if node in leaves:
            leaf = leaves[node]
            return Dual(leaf.value * factor, leaf.slope * factor, leaf.depends)
        depends = any(operand.depends for operand in operands)
        value, slope = operations.get(node).dual(keras.ops, *operands)
        if log_y is not None and is_log_of_scaled_y(expression, index, any_scale=True):
            scale = factors[index + 1]
            value = tf.where(scale > 0.0, log_y.value + tf.math.log(scale), value)
            slope = tf.where(scale > 0.0, log_y.slope, slope)
        return Dual(value * factor, slope * factor if depends else zero, depends)

    value, slope, _ = expression.fold(combine)
    return tf.broadcast_to(value, tf.shape(y_pred)), slope
