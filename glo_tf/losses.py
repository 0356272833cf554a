"""Keras losses from expressions; any Keras backend, no TensorFlow needed.

Every loss here is a function of the true label x and the predicted probability y of one class. Its
terms are summed over the classes, as Keras does for cross-entropy, and reduced over the batch by
Keras.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from glo_tf.evaluation import evaluate
from glo_tf.expression import Expression

BAIKAL = "-(log(y) - x/y)"
"""Section 4.1 of arXiv 1905.11528."""

BAIKAL_CMA = "-2.7279*(0.9863*log(1.5352*y) - 1.8158*(x/y))"
"""Section 4.1 of arXiv 1905.11528, Baikal after coefficient optimisation."""


@keras.saving.register_keras_serializable(package="glo_tf")
class ExpressionLoss(keras.losses.Loss):
    """Loss whose term per class is an expression of the label x and the prediction y.

    Args:
        expression: The whole loss per class, as text (`"-(log(y) - x/y)"`; `y_true` and `y_pred`
            are accepted for x and y) or as an `Expression`.
        from_logits: Whether predictions are logits rather than probabilities. y is then their
            softmax, taken through its logarithm, which keeps small probabilities exact.
        epsilon: Predictions are clipped to `[epsilon, 1]`.
        label_smoothing: In [0, 1]; labels become `x*(1 - label_smoothing) + label_smoothing/C`.
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`.
        dtype: As in `keras.losses.Loss`; Keras's default, float32, also for half-precision models.

    Call arguments:
        y_true: True labels, shape `(..., C)`, one-hot or probabilities.
        y_pred: Predictions, shape `(..., C)`.

    Returns:
        The terms' sum over the last axis, shape `(...)`, before the reduction.

    Raises:
        ValueError: If an argument is out of range, the text is no expression (`ParseError`), or the
            shapes of labels and predictions differ.

    Example:
        >>> import numpy as np
        >>> from glo_tf import ExpressionLoss
        >>> squared_error = ExpressionLoss("square(x - y)")
        >>> float(squared_error(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])))
        0.5
    """

    def __init__(
        self,
        expression: str | Expression,
        from_logits: bool = False,
        epsilon: float = 1e-7,
        label_smoothing: float = 0.0,
        reduction: str = "sum_over_batch_size",
        name: str = "expression_loss",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not 0.0 < epsilon < 1.0:
            raise ValueError(f"Expected epsilon between 0 and 1. Received: epsilon={epsilon}")
        if not 0.0 <= label_smoothing <= 1.0:
            raise ValueError(
                f"Expected label_smoothing in [0, 1]. Received: label_smoothing={label_smoothing}"
            )
        if not isinstance(expression, Expression):
            expression = Expression.parse(expression)
        self._expression = expression
        self.from_logits = from_logits
        self.epsilon = epsilon
        self.label_smoothing = label_smoothing

    @property
    def expression(self) -> str:
        """The whole loss per class, as text."""
        return str(self._expression)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Terms summed over the classes; see the class."""
        _check_shapes(tuple(y_true.shape), tuple(y_pred.shape))
        if self.label_smoothing:
            uniform = 1.0 / y_pred.shape[-1]
            y_true = y_true + self.label_smoothing * (uniform - y_true)
        if self.from_logits:
            log_y = ops.log_softmax(y_pred, axis=-1)
            y = ops.exp(ops.maximum(log_y, ops.log(ops.cast(self.epsilon, log_y.dtype))))
        else:
            y = ops.clip(y_pred, self.epsilon, 1.0)
        terms = evaluate(self._expression, y_true, y, ops=ops)
        return ops.sum(ops.broadcast_to(terms, ops.shape(y)), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the loss again."""
        return {
            **super().get_config(),
            "expression": self.expression,
            "from_logits": self.from_logits,
            "epsilon": self.epsilon,
            "label_smoothing": self.label_smoothing,
            "dtype": self.dtype,
        }


class _NamedLoss(ExpressionLoss):
    """An expression with a name of its own, which is not part of its configuration."""

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["expression"]
        return config


@keras.saving.register_keras_serializable(package="glo_tf")
class Baikal(_NamedLoss):
    """Baikal loss, `-(log(y) - x/y)` per class (Section 4.1 of arXiv 1905.11528).

    It keeps a network from being too sure: for a class that is certain, the loss is least at a
    prediction of 1/sqrt(C), not at 1 (other classes sharing the rest). Outputs are therefore
    under-confident; do not read them as calibrated probabilities.

    Args:
        from_logits: Whether predictions are logits rather than probabilities.
        epsilon: Predictions are clipped to `[epsilon, 1]`.
        label_smoothing: As in `keras.losses.CategoricalCrossentropy`.
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`.
        dtype: As in `keras.losses.Loss`.

    Example:
        >>> import keras
        >>> import glo_tf
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
        >>> model.compile(optimizer="sgd", loss=glo_tf.Baikal())
    """

    def __init__(
        self,
        from_logits: bool = False,
        epsilon: float = 1e-7,
        label_smoothing: float = 0.0,
        reduction: str = "sum_over_batch_size",
        name: str = "baikal",
        dtype: Any = None,
    ):
        super().__init__(BAIKAL, from_logits, epsilon, label_smoothing, reduction, name, dtype)


@keras.saving.register_keras_serializable(package="glo_tf")
class BaikalCMA(_NamedLoss):
    """BaikalCMA loss: Baikal with the paper's optimised coefficients.

    `-2.7279*(0.9863*log(1.5352*y) - 1.8158*(x/y))` per class (Section 4.1 of arXiv 1905.11528). Its
    outputs are under-confident, as `Baikal`'s are.

    Args:
        from_logits: Whether predictions are logits rather than probabilities.
        epsilon: Predictions are clipped to `[epsilon, 1]`.
        label_smoothing: As in `keras.losses.CategoricalCrossentropy`.
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`.
        dtype: As in `keras.losses.Loss`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        epsilon: float = 1e-7,
        label_smoothing: float = 0.0,
        reduction: str = "sum_over_batch_size",
        name: str = "baikal_cma",
        dtype: Any = None,
    ):
        super().__init__(BAIKAL_CMA, from_logits, epsilon, label_smoothing, reduction, name, dtype)


def _check_shapes(labels: tuple[int | None, ...], predictions: tuple[int | None, ...]) -> None:
    """An element-wise loss would broadcast (N, 1) against (N, C) without a word."""
    unequal = len(labels) != len(predictions) or any(
        left != right and None not in (left, right)
        for left, right in zip(labels, predictions, strict=False)
    )
    if unequal or not labels or None in (labels[-1], predictions[-1]):
        raise ValueError(
            "Expected y_true (one-hot labels or probabilities) and y_pred of one shape (..., C). "
            f"Received: y_true.shape={labels}, y_pred.shape={predictions}"
        )
