"""Tree to graph: one expression as TensorFlow ops under `tf.function`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from glo_tf.expressions import operations
from glo_tf.expressions.evaluate import evaluate, is_log_of_scaled_y
from glo_tf.expressions.operations import Dual
from glo_tf.expressions.seen_by_loss import LogPrediction
from glo_tf.expressions.tree import Expression


class Translation:
    """An expression compiled to a TensorFlow graph, with its coefficients as a tensor argument.

    One trace serves every coefficient vector, so a search over the coefficients of one tree
    (Section 3 of arXiv 1905.11528) compiles once. Slopes follow the rules of `operations`; NaN
    and infinity arise as in IEEE arithmetic.

    Args:
        expression: The tree to translate; its own coefficients are the default ones.

    Example:
        >>> import tensorflow as tf
        >>> from glo_tf import Expression
        >>> from glo_tf.training.tensorflow.translator import Translation
        >>> loss = Translation(Expression.parse("square(x - y)"))
        >>> loss(tf.constant([1.0, 0.0]), tf.constant([0.5, 0.5])).numpy().tolist()
        [0.25, 0.25]
        >>> loss([1.0, 0.0], [0.5, 0.5], coefficients=[2.0, 1.0, 1.0, 1.0]).numpy().tolist()
        [0.5, 0.5]
    """

    def __init__(self, expression: Expression):
        self.expression = expression
        self._graph = tf.function(self._value, reduce_retracing=True, autograph=False)

    def __call__(
        self, y_true: Any, y_pred: Any, coefficients: Sequence[float] | tf.Tensor | None = None
    ) -> tf.Tensor:
        """Evaluates the expression element-wise.

        Args:
            y_true: True labels x, any shape, float.
            y_pred: Predictions y, same shape and dtype.
            coefficients: One factor per node in prefix order, shape `(size,)`; the expression's own
                if None.

        Returns:
            Tensor of the shape and dtype of `y_pred`.

        Raises:
            ValueError: If `coefficients` has another shape.
        """
        y_pred = tf.convert_to_tensor(y_pred)
        y_true = tf.convert_to_tensor(y_true, y_pred.dtype)
        if coefficients is None:
            coefficients = self.expression.coefficients
        factors = tf.convert_to_tensor(coefficients, y_pred.dtype)
        if factors.shape.as_list() not in (None, [None], [self.expression.size]):
            raise ValueError(
                f"Expected coefficients of shape ({self.expression.size},). "
                f"Received: shape={tuple(factors.shape)}"
            )
        return self._graph(y_true, y_pred, factors)

    @property
    def trace_count(self) -> int:
        """How many times the graph was traced."""
        return int(self._graph.experimental_get_tracing_count())

    def value_and_slope(
        self,
        y_true: tf.Tensor,
        y_pred: tf.Tensor,
        coefficients: tf.Tensor,
        *,
        log_y: LogPrediction | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The value and d/dy, by the rules of `glo_tf.nodes`, as ops of the caller's graph.

        Args:
            y_true: True labels x, any shape, float.
            y_pred: Predictions y, same shape and dtype.
            coefficients: One factor per node in prefix order, shape `(size,)`, same dtype.
            log_y: Of predictions that come from logits; it says what derivatives are then taken
                with respect to.

        Returns:
            Two tensors of the shape and dtype of `y_pred`.
        """
        zero, one = tf.zeros_like(y_pred), tf.ones_like(y_pred)
        slope_of_y = one if log_y is None else log_y.slope_of_y
        leaves = {"x": Dual(y_true, zero, False), "y": Dual(y_pred, slope_of_y, True)}
        factors = tf.unstack(coefficients, num=self.expression.size)

        def combine(index: int, operands: Sequence[Dual]) -> Dual:
            node, factor = self.expression.nodes[index], factors[index]
            if isinstance(node, int):
                return Dual(factor * node, zero, False)
            if node in leaves:
                leaf = leaves[node]
                return Dual(leaf.value * factor, leaf.slope * factor, leaf.depends)
            depends = any(operand.depends for operand in operands)
            value, slope = operations.get(node).dual(keras.ops, *operands)
            if log_y is not None and is_log_of_scaled_y(self.expression, index, any_scale=True):
                scale = factors[index + 1]
                value = tf.where(scale > 0.0, log_y.value + tf.math.log(scale), value)
                slope = tf.where(scale > 0.0, log_y.slope, slope)
            return Dual(value * factor, slope * factor if depends else zero, depends)

        value, slope, _ = self.expression.fold(combine)
        return tf.broadcast_to(value, tf.shape(y_pred)), slope

    def _value(self, y_true: tf.Tensor, y_pred: tf.Tensor, coefficients: tf.Tensor) -> tf.Tensor:
        factors = tf.unstack(coefficients, num=self.expression.size)
        value = evaluate(self.expression, y_true, y_pred, ops=keras.ops, coefficients=factors)
        return tf.broadcast_to(value, tf.shape(y_pred))  # a tree of constants alone is a scalar
