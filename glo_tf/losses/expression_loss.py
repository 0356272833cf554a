"""Keras losses from expressions; any Keras backend, no TensorFlow needed.

A loss is a function of the true label x and the predicted probability y of one class, or of the
target x and the prediction y of a regression. Its terms are summed over the classes, as Keras does
for cross-entropy, and reduced over the batch by Keras.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from glo_tf.data.outputs import DEFAULT_EPSILON
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of
from glo_tf.losses import export
from glo_tf.losses.inputs import Numbers
from glo_tf.losses.output_loss import OutputLoss
from glo_tf.losses.seen import KnownToLoss

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from sympy import Expr


@keras.saving.register_keras_serializable(package="glo_tf")
class ExpressionLoss(OutputLoss):
    """Loss whose term per class is an expression of the label x and the prediction y.

    Predictions of one output, shape `(..., 1)`, are binary: the output is the probability (or
    logit) of the second of two classes, and the terms of both are summed, as in Figure 2 of
    arXiv 1905.11528.

    Args:
        expression: The whole loss per class, as text (`"-(log(y) - x/y)"`; `y_true` and `y_pred`
            are accepted for x and y) or as an `Expression`. Beside x and y it may have n, the
            frequency of the class, t, the progress of the training, w, the weight of the sample,
            which multiplies the loss all the same, and C, the number of classes.
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
            that is no class, out of range or 0.5, makes the loss NaN.
        class_reduction: `"sum"` or `"mean"` of the terms over the classes.
        activation: `"softmax"` of classes that exclude each other, or `"sigmoid"` of labels of
            their own: what is applied to logits.
        two_sided: With `activation="sigmoid"`: whether each label is two classes, there and not
            there, of which both terms are summed: `t(x, y) + t(1 - x, 1 - y)`. So losses of classes
            are losses of labels. One output is two classes in any case.
        ignore_class: With `sparse`, an index that is no class, such as 255 or -1: where it is the
            label, the loss is 0 and masked, as by `SparseCategoricalCrossentropy`.
        target_mean: With `epsilon=None`, x and y are targets and predictions less this, a number or
            one for each unit of the output, divided by `target_deviation`: a loss of standardised
            numbers that is given numbers in the user's units.
        target_deviation: See `target_mean`; above 0.
        frequencies: Of each class in the training data, which n stands for: counts or shares; of
            labels of their own shares. Needed where the expression has n, and kept in files.
        progress: Of the training, from 0 to 1, which t stands for. `glo_tf.TrainingProgress` sets
            it in `fit`, and `set_progress` anywhere.

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
        two_sided: bool = False,
        ignore_class: int | None = None,
        target_mean: Numbers | None = None,
        target_deviation: Numbers | None = None,
        frequencies: Sequence[float] | None = None,
        progress: float | None = None,
    ):
        super().__init__(
            from_logits,
            label_smoothing,
            reduction,
            name,
            dtype,
            epsilon=epsilon,
            sparse=sparse,
            class_reduction=class_reduction,
            activation=activation,
            two_sided=two_sided,
            ignore_class=ignore_class,
            target_mean=target_mean,
            target_deviation=target_deviation,
        )
        if not isinstance(expression, Expression):
            expression = Expression.parse(expression)
        self.tree = expression
        self._known = KnownToLoss(
            expression,
            self.activation,
            two_sided=two_sided,
            frequencies=frequencies,
            progress=progress,
        )

    @property
    def expression(self) -> str:
        """The whole loss per class, as text."""
        return str(self.tree)

    @property
    def frequencies(self) -> tuple[float, ...] | None:
        """Of each class or label in the training data, as they were given."""
        return self._known.frequencies

    @property
    def progress(self) -> float | None:
        """Of the training, from 0 to 1, as it was last set; None if it never was."""
        return self._known.progress

    @property
    def sees_progress(self) -> bool:
        """Whether the expression has a leaf, such as t, that changes in the course of trainings."""
        return self._known.sees_progress

    @property
    def progress_variable(self) -> keras.Variable | None:
        """What holds the progress for compiled trainings; None where nothing sees it."""
        return self._known.variable

    def set_progress(self, progress: float) -> None:
        """Sets what t stands for from now on, also in what is compiled already.

        Args:
            progress: From 0 to 1.

        Raises:
            ValueError: If it is no such number.
        """
        self._known.set_progress(progress)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss; see the class."""
        self._known.weights = sample_weight
        try:
            return super().__call__(y_true, y_pred, sample_weight)
        finally:
            self._known.weights = None

    def value(self, x: Any, y: Any, log_y: Any) -> Any:
        """Terms summed (or averaged) over the classes, shape `(...)`."""
        around = self._known.around(y)
        terms = value_of(self.tree, x, y, ops=ops, log_y_pred=log_y, surroundings=around)
        terms = ops.broadcast_to(terms, ops.shape(y))
        return ops.sum(terms, axis=-1) if self.two_sided else self.reduced(terms)

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the loss again."""
        return {
            **super().get_config(),
            "expression": self.expression,
            **({} if self.frequencies is None else {"frequencies": list(self.frequencies)}),
            **({} if self.progress is None else {"progress": self.progress}),
        }

    def sympy(self) -> Expr:
        """The term of one class as SymPy sees it, in symbols of its leaves."""
        return self.tree.sympy()

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self.expression}')"

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

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
