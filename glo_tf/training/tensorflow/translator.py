"""Tree to graph: one expression as TensorFlow ops, with its coefficients as a tensor argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from glo_tf.expressions import operations
from glo_tf.expressions.leaves import LEAVES, Surroundings, values
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
    surroundings: Surroundings | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The value and d/dy of a tree, by the rules of `operations`, as ops of the caller's graph.

    One trace of the caller serves every coefficient vector, so a search over the coefficients of
    one tree (Section 3 of arXiv 1905.11528) compiles once. NaN and infinity arise as in IEEE
    arithmetic.

    Args:
        expression: The tree; its own coefficients are not heeded.
        y_true: True labels x, any shape, float; the last axis is that of the classes.
        y_pred: Predictions y, same shape and dtype.
        coefficients: One factor per node in prefix order, shape `(size,)`, same dtype.
        log_y: Of predictions that come from logits; it says what derivatives are then taken with
            respect to.
        surroundings: What leaves beside x and y are made of.

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
    seen = values(y_true, y_pred, surroundings, expression.surroundings, zeros=zero)
    leaves = {
        name: Dual(value, slope_of_y if LEAVES[name].depends else zero, LEAVES[name].depends)
        for name, value in seen.items()
    }
    factors = tf.unstack(coefficients, num=expression.size)

    def logarithm(index: int, value: tf.Tensor, slope: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Of y times a coefficient, where log(y) is known better."""
        if log_y is None or not is_log_of_scaled_y(expression, index, any_scale=True):
            return value, slope
        scale = factors[index + 1]
        value = tf.where(scale > 0.0, log_y.value + tf.math.log(scale), value)
        return value, tf.where(scale > 0.0, log_y.slope, slope)

    def combine(index: int, operands: Sequence[Dual]) -> Dual:
        node, factor = expression.nodes[index], factors[index]
        if isinstance(node, int):
            return Dual(factor * node, zero, False)
        if node in leaves:
            leaf = leaves[node]
            return Dual(leaf.value * factor, leaf.slope * factor, leaf.depends)
        depends = any(operand.depends for operand in operands)
        value, slope = operations.get(node).dual(keras.ops, *operands)
        value, slope = logarithm(index, value, slope)
        return Dual(value * factor, slope * factor if depends else zero, depends)

    if expression.across:
        return _backward(expression, leaves, factors, logarithm)
    value, slope, _ = expression.fold(combine)
    return tf.broadcast_to(value, tf.shape(y_pred)), slope


def _backward(
    expression: Expression,
    leaves: Mapping[str, Dual],
    factors: Sequence[tf.Tensor],
    logarithm: Callable[[int, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
) -> tuple[tf.Tensor, tf.Tensor]:
    """The same with operations across classes: values from the leaves up, derivatives down.

    A logarithm of y is a leaf there, with the slope that it has.
    """
    one = tf.ones_like(leaves["y"].value)
    found: dict[int, Dual] = {}
    places: dict[int, list[int]] = {}

    def combine(index: int, operands: Sequence[int]) -> int:
        node, parts = expression.nodes[index], [found[place] for place in operands]
        places[index] = list(operands)
        if isinstance(node, int):
            plain = Dual(one * node, tf.zeros_like(one), False)
        elif node in leaves:
            plain = leaves[node]
        else:
            operation = operations.get(node)
            depends = any(part.depends for part in parts)
            if is_log_of_scaled_y(expression, index, any_scale=True):
                plain = Dual(*logarithm(index, *operation.dual(keras.ops, *parts)), True)
                places[index] = []
            else:
                value = operation.value(keras.ops, *(part.value for part in parts))
                plain = Dual(value, None, depends)
        scaled = None if plain.slope is None else plain.slope * factors[index]
        found[index] = Dual(plain.value * factors[index], scaled, plain.depends)
        return index

    expression.fold(combine)
    adjoints, slope = {0: one}, tf.zeros_like(one)
    for index in range(expression.size):  # parents before their operands
        adjoint = adjoints.pop(index, None)
        if adjoint is None or not found[index].depends:
            continue
        if found[index].slope is not None:
            slope += adjoint * found[index].slope
            continue
        operation = operations.get(str(expression.nodes[index]))
        values_below = [found[place].value for place in places[index]]
        for number, place in enumerate(places[index]):
            adjoints[place] = operation.pulled(
                keras.ops, adjoint * factors[index], number, *values_below
            )
    return found[0].value, slope
