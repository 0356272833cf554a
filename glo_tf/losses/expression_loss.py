"""Keras losses from expressions; any Keras backend, no TensorFlow needed.

A loss is a function of the true label x and the predicted probability y of one class, or of the
target x and the prediction y of a regression. Its terms are summed over the classes, as Keras does
for cross-entropy, and reduced over the batch by Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from glo_tf.data.outputs import DEFAULT_EPSILON, Activation
from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of
from glo_tf.losses import export
from glo_tf.losses import inputs as loss_inputs
from glo_tf.utils.checks import check_between_0_and_1

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from sympy import Expr


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
        label_smoothing: In [0, 1]; labels become `x*(1 - label_smoothing) + label_smoothing/C`,
            with C of 2 for a sigmoid.
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`.
        dtype: As in `keras.losses.Loss`; Keras's default, float32, also for half-precision models.
            Half-precision dtypes are computed in float32 and rounded at the end.
        epsilon: Predictions are clipped to `[epsilon, 1]`. None is for targets that are numbers
            (regression): predictions are taken as they are, and one output is one number.
        sparse: Whether labels are class indices, as for `SparseCategoricalCrossentropy`. An index
            out of range makes the loss NaN.
        class_reduction: `"sum"` or `"mean"` of the terms over the classes.
        activation: `"softmax"` of classes that exclude each other, or `"sigmoid"` of labels of
            their own: what is applied to logits.

    Call arguments:
        y_true: True labels, shape `(..., C)`, one-hot, probabilities or numbers; with `sparse`,
            class indices of shape `(...)` or `(..., 1)`. Of one output also `(...)`.
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
        epsilon: float | None = DEFAULT_EPSILON,
        sparse: bool = False,
        class_reduction: str = "sum",
        activation: str = "softmax",
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if epsilon is not None:
            check_between_0_and_1(epsilon=epsilon)
        if epsilon is None and (from_logits or label_smoothing or sparse):
            raise InvalidArgumentError(
                "Expected an epsilon with from_logits, label_smoothing or sparse, which are for "
                "classes. Received: epsilon=None"
            )
        if not 0.0 <= label_smoothing <= 1.0:
            raise InvalidArgumentError(
                f"Expected label_smoothing in [0, 1]. Received: label_smoothing={label_smoothing}"
            )
        if class_reduction not in ("sum", "mean"):
            raise InvalidArgumentError(
                f"Expected 'sum' or 'mean'. Received: class_reduction={class_reduction!r}"
            )
        if activation not in (Activation.SOFTMAX, Activation.SIGMOID):
            raise InvalidArgumentError(
                f"Expected 'softmax' or 'sigmoid'. Received: activation={shown(activation)}"
            )
        if sparse and activation == Activation.SIGMOID:
            raise InvalidArgumentError(
                "Expected activation='softmax' for class indices. Received: sparse=True, "
                "activation='sigmoid'"
            )
        if not isinstance(expression, Expression):
            expression = Expression.parse(expression)
        self.tree = expression
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.epsilon = None if epsilon is None else float(epsilon)
        self.sparse = sparse
        self.class_reduction = class_reduction
        self.activation = Activation.LINEAR if epsilon is None else Activation(activation)

    @property
    def probabilities(self) -> bool:
        """Whether it is one of classes, and not of numbers (regression); as `Output` says it."""
        return self.activation != Activation.LINEAR

    @property
    def expression(self) -> str:
        """The whole loss per class, as text."""
        return str(self.tree)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss; see the class."""
        for name, value in (("y_true", y_true), ("y_pred", y_pred)):
            if type(value).__name__ == "RaggedTensor":
                raise InvalidArgumentError(
                    f"Expected dense labels and predictions. Received: ragged {name}"
                )
        # Keras would take a list for a structure of scalars.
        y_true, y_pred = (
            ops.convert_to_tensor(value) if isinstance(value, list | tuple) else value
            for value in (y_true, y_pred)
        )
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Terms summed (or averaged) over the classes, shape `(...)`, in the loss's dtype."""
        if y_pred.shape[-1:] == (1,) and len(y_true.shape) == len(y_pred.shape) - 1:
            y_true = ops.expand_dims(y_true, -1)  # as Keras does for one output
        loss_inputs.check_shapes(tuple(y_true.shape), tuple(y_pred.shape), self.sparse)
        if self.sparse:
            loss_inputs.check_indices_are_exact(self.dtype, y_pred.shape[-1])
        # Clipped probabilities and their reciprocals are beyond the range of half precision.
        y_pred = ops.cast(y_pred, loss_inputs.full_precision(self.dtype))
        log_y = None
        if not self.probabilities:
            x, y = ops.cast(y_true, y_pred.dtype), y_pred
        else:
            assert self.epsilon is not None
            independent = self.activation == Activation.SIGMOID
            x = loss_inputs.labels(y_true, y_pred, self.sparse, self.label_smoothing, independent)
            y, log_y = loss_inputs.probabilities(
                y_pred, self.from_logits, self.epsilon, independent
            )
        terms = value_of(self.tree, x, y, ops=ops, log_y_pred=log_y)
        reduce = ops.sum if self.class_reduction == "sum" else ops.mean
        return ops.cast(reduce(ops.broadcast_to(terms, ops.shape(y)), axis=-1), self.dtype)

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
            # Not in the files of earlier releases, of which all losses are softmax.
            **({"activation": "sigmoid"} if self.activation == Activation.SIGMOID else {}),
        }

    def sympy(self) -> Expr:
        """The term of one class as SymPy sees it, in the symbols x and y."""
        return self.tree.sympy()

    def latex(self) -> str:
        """LaTeX of the term of one class, in the shape in which it was found."""
        return self.tree.latex()

    def simplified(self) -> Expr:
        """The term of one class or number, simplified; see `glo_tf.losses.export.simplified`."""
        return export.simplified(self.tree, probabilities=self.probabilities)

    def python(self) -> str:
        """Source of a stand-alone NumPy function that computes the loss of each sample."""
        return export.python(self)

    def plot(self) -> Figure:
        """Figure of the loss against the prediction beside cross-entropy.

        Left, as in Figure 2 of arXiv 1905.11528, two classes and the true one's prediction; right,
        the terms of a positive and of a negative class. Constants are shifted away: each curve's
        minimum is 0.
        """
        from glo_tf.losses.figure import plot_loss

        return plot_loss(self)
