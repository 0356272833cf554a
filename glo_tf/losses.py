"""Keras losses from expressions; any Keras backend, no TensorFlow needed.

A loss is a function of the true label x and the predicted probability y of one class. Its terms are
summed over the classes, as Keras does for cross-entropy, and reduced over the batch by Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from glo_tf import export
from glo_tf.evaluation import evaluate
from glo_tf.expression import Expression

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from sympy import Expr

_EXACT_INTEGERS = {"float16": 2**11, "bfloat16": 2**8}  # beyond, class indices lose digits


@keras.saving.register_keras_serializable(package="glo_tf")
class ExpressionLoss(keras.losses.Loss):
    """Loss whose term per class is an expression of the label x and the prediction y.

    Predictions of one output, shape `(..., 1)`, are binary: the output is the probability (or
    logit) of the second of two classes, and the terms of both are summed, as in Figure 2 of
    arXiv 1905.11528.

    Args:
        expression: The whole loss per class, as text (`"-(log(y) - x/y)"`; `y_true` and `y_pred`
            are accepted for x and y) or as an `Expression`.
        from_logits: Whether predictions are logits rather than probabilities. log(y) and y are then
            taken from their log-softmax (log-sigmoid if binary).
        label_smoothing: In [0, 1]; labels become `x*(1 - label_smoothing) + label_smoothing/C`.
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`.
        dtype: As in `keras.losses.Loss`; Keras's default, float32, also for half-precision models.
            Half-precision dtypes are computed in float32 and rounded at the end.
        epsilon: Predictions are clipped to `[epsilon, 1]`.
        sparse: Whether labels are class indices, as for `SparseCategoricalCrossentropy`. An index
            out of range makes the loss NaN.
        class_reduction: `"sum"` or `"mean"` of the terms over the classes.

    Call arguments:
        y_true: True labels, shape `(..., C)`, one-hot or probabilities; with `sparse`, class
            indices of shape `(...)` or `(..., 1)`.
        y_pred: Predictions, shape `(..., C)`.

    Returns:
        The reduced loss; with reduction None, one value per sample, shape `(...)`.

    Raises:
        ValueError: If an argument is out of range, the text is no expression (`ParseError`), or the
            shapes of labels and predictions do not fit.

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
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "expression_loss",
        dtype: Any = None,
        *,
        epsilon: float = 1e-7,
        sparse: bool = False,
        class_reduction: str = "sum",
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not 0.0 < epsilon < 1.0:
            raise ValueError(f"Expected epsilon between 0 and 1. Received: epsilon={epsilon}")
        if not 0.0 <= label_smoothing <= 1.0:
            raise ValueError(
                f"Expected label_smoothing in [0, 1]. Received: label_smoothing={label_smoothing}"
            )
        if class_reduction not in ("sum", "mean"):
            raise ValueError(
                f"Expected 'sum' or 'mean'. Received: class_reduction={class_reduction!r}"
            )
        if not isinstance(expression, Expression):
            expression = Expression.parse(expression)
        self.tree = expression
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.epsilon = epsilon
        self.sparse = sparse
        self.class_reduction = class_reduction

    @property
    def expression(self) -> str:
        """The whole loss per class, as text."""
        return str(self.tree)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss; see the class."""
        for name, value in (("y_true", y_true), ("y_pred", y_pred)):
            if type(value).__name__ == "RaggedTensor":
                raise ValueError(f"Expected dense labels and predictions. Received: ragged {name}")
        # Keras would take a list for a structure of scalars.
        y_true, y_pred = (
            ops.convert_to_tensor(value) if isinstance(value, list | tuple) else value
            for value in (y_true, y_pred)
        )
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Terms summed (or averaged) over the classes, shape `(...)`, in the loss's dtype."""
        _check_shapes(tuple(y_true.shape), tuple(y_pred.shape), self.sparse)
        # Clipped probabilities and their reciprocals are beyond the range of half precision.
        dtype = "float32" if self.dtype in _EXACT_INTEGERS else self.dtype
        y_pred = ops.cast(y_pred, dtype)
        x = self._labels(y_true, y_pred.shape[-1], dtype)
        if self.from_logits:
            log_y = _log_probabilities(y_pred)
            y = ops.exp(ops.maximum(log_y, ops.log(ops.cast(self.epsilon, dtype))))
        else:
            log_y = None
            both = y_pred if y_pred.shape[-1] > 1 else ops.concatenate([1.0 - y_pred, y_pred], -1)
            y = ops.clip(both, self.epsilon, 1.0)
        terms = evaluate(self.tree, x, y, ops=ops, log_y_pred=log_y)
        reduce = ops.sum if self.class_reduction == "sum" else ops.mean
        return ops.cast(reduce(ops.broadcast_to(terms, ops.shape(y)), axis=-1), self.dtype)

    def _labels(self, y_true: Any, outputs: int, dtype: str) -> Any:
        """Labels of every class, shape `(..., C)`, smoothed."""
        if self.sparse and outputs > _EXACT_INTEGERS.get(self.dtype, outputs):
            raise ValueError(
                f"Expected a dtype that holds class indices up to {outputs}. "
                f"Received: dtype={self.dtype}"
            )
        classes = max(outputs, 2)
        if self.sparse:
            indices = y_true[..., 0] if len(y_true.shape) > 1 and y_true.shape[-1] == 1 else y_true
            x = ops.one_hot(ops.cast(indices, "int32"), classes, dtype=dtype)
            known = ops.logical_and(indices >= 0, indices < classes)
            nothing = ops.where(known, 0.0, float("nan"))
            x = x + ops.cast(ops.expand_dims(nothing, -1), dtype)
        else:
            x = ops.cast(y_true, dtype)
            x = x if outputs > 1 else ops.concatenate([1.0 - x, x], -1)
        if self.label_smoothing:
            x = x + self.label_smoothing * (1.0 / classes - x)
        return x

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the loss again."""
        return {
            **super().get_config(),
            "expression": self.expression,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "dtype": self.dtype,
            "epsilon": self.epsilon,
            "sparse": self.sparse,
            "class_reduction": self.class_reduction,
        }

    def sympy(self) -> Expr:
        """The term of one class as SymPy sees it, in the symbols x and y."""
        return self.tree.sympy()

    def latex(self) -> str:
        """LaTeX of the term of one class, in the shape in which it was found."""
        return self.tree.latex()

    def simplified(self) -> Expr:
        """The term of one class, simplified by SymPy; see `glo_tf.export.simplified`."""
        return export.simplified(self.tree)

    def python(self) -> str:
        """Source of a stand-alone NumPy function that computes the loss of each sample."""
        return export.python(self)

    def plot(self) -> Figure:
        """Figure of the loss against the prediction beside cross-entropy; needs matplotlib.

        Left, as in Figure 2 of arXiv 1905.11528, two classes and the true one's prediction; right,
        the terms of a positive and of a negative class. Constants are shifted away: each curve's
        minimum is 0.
        """
        from glo_tf.loss_plot import plot_loss

        return plot_loss(self)


def _log_probabilities(logits: Any) -> Any:
    if logits.shape[-1] > 1:
        return ops.log_softmax(logits, axis=-1)
    return ops.concatenate([ops.log_sigmoid(-logits), ops.log_sigmoid(logits)], -1)


def _check_shapes(
    labels: tuple[int | None, ...], predictions: tuple[int | None, ...], sparse: bool
) -> None:
    """An element-wise loss would broadcast (N, 1) against (N, C) without a word."""
    known = bool(predictions) and predictions[-1] is not None
    if sparse:
        what = "y_true (class indices) of shape (...) or (..., 1) and y_pred of shape (..., C)"
        fits = known and any(
            _agree(labels, shape) for shape in (predictions[:-1], (*predictions[:-1], 1))
        )
    else:
        what = "y_true (one-hot labels or probabilities) and y_pred of one shape (..., C)"
        fits = known and _agree(labels, predictions) and labels[-1] is not None
    if not fits:
        hint = "" if sparse else "; sparse=True takes class indices"
        raise ValueError(
            f"Expected {what}{hint}. Received: y_true.shape={labels}, y_pred.shape={predictions}"
        )


def _agree(left: tuple[int | None, ...], right: tuple[int | None, ...]) -> bool:
    return len(left) == len(right) and all(
        a == b or None in (a, b) for a, b in zip(left, right, strict=True)
    )
