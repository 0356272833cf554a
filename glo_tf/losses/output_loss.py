"""What all losses share: labels and predictions as Keras gives them, one value per sample back."""

from __future__ import annotations

import abc
import numbers
from typing import Any, ClassVar, Self

import keras
import numpy as np
from keras import ops

from glo_tf.data.outputs import Activation
from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.losses import inputs as loss_inputs
from glo_tf.losses.inputs import Numbers
from glo_tf.utils.checks import check_between_0_and_1, check_probability


class OutputLoss(keras.losses.Loss, abc.ABC):
    """Base of losses of one output of a model.

    Args:
        from_logits: Whether predictions are logits rather than probabilities.
        label_smoothing: In [0, 1]; labels become `x*(1 - label_smoothing) + label_smoothing/C`,
            with C of 2 for a sigmoid.
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`.
        dtype: As in `keras.losses.Loss`; Keras's default, float32, also for half-precision models.
            Half-precision dtypes are computed in float32 and rounded at the end.
        epsilon: Predictions are clipped to `[epsilon, 1]`; None if they are numbers.
        sparse: Whether labels are class indices.
        class_reduction: `"sum"` or `"mean"` over classes, labels or numbers.
        activation: `"softmax"` or `"sigmoid"`: what is applied to logits.
        two_sided: Of labels of their own: whether each is two classes, there and not there.
        ignore_class: Among class indices, one that is no class: where it is the label, the loss is
            0 and masked; None for none.
        target_mean: What is taken from numbers, targets and predictions, for all or one by one;
            None for nothing.
        target_deviation: What they are divided by then, above 0.

    Raises:
        ValueError: If an argument is out of range or does not fit another.
    """

    TWO_SIDED: ClassVar[bool] = False
    """Whether a loss of this class is one of classes that a label of its own has two of."""

    SMOOTHS: ClassVar[bool] = False
    """Whether label smoothing is what the loss is, so that trainings have it in its expression."""

    def __init__(
        self,
        from_logits: bool,
        label_smoothing: float,
        reduction: str | None,
        name: str,
        dtype: Any,
        *,
        epsilon: float | None,
        sparse: bool,
        class_reduction: str,
        activation: str,
        two_sided: bool,
        ignore_class: int | None = None,
        target_mean: Numbers | None = None,
        target_deviation: Numbers | None = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not isinstance(from_logits, bool | np.bool_):  # as Focal(2) gives it
            raise InvalidArgumentError(
                "Expected from_logits to be True or False, and parameters by their names. "
                f"Received: from_logits={shown(from_logits)}"
            )
        for option, given in {"sparse": sparse, "two_sided": two_sided}.items():
            if not isinstance(given, bool | np.bool_):
                raise InvalidArgumentError(
                    f"Expected {option} to be True or False. Received: {option}={shown(given)}"
                )
        if epsilon is not None:
            check_between_0_and_1(epsilon=epsilon)
        if epsilon is None and (from_logits or label_smoothing or sparse):
            raise InvalidArgumentError(
                "Expected an epsilon with from_logits, label_smoothing or sparse, which are for "
                "classes. Received: epsilon=None"
            )
        check_probability(label_smoothing=label_smoothing)
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
        if two_sided and (activation != Activation.SIGMOID or epsilon is None):
            raise InvalidArgumentError(
                "Expected activation='sigmoid' and an epsilon with two_sided. "
                f"Received: activation={shown(activation)}, epsilon={epsilon}"
            )
        is_index = isinstance(ignore_class, numbers.Integral) and not isinstance(ignore_class, bool)
        if ignore_class is not None and not (is_index and sparse):
            raise InvalidArgumentError(
                "Expected ignore_class as a whole number, beside sparse=True. "
                f"Received: ignore_class={shown(ignore_class)}, sparse={sparse}"
            )
        self.from_logits = bool(from_logits)
        self.label_smoothing = float(label_smoothing)
        self.epsilon = None if epsilon is None else float(epsilon)
        self.sparse = bool(sparse)
        self.class_reduction = class_reduction
        self.activation = Activation.LINEAR if epsilon is None else Activation(activation)
        self.two_sided = bool(two_sided)
        self.ignore_class = None if ignore_class is None else int(ignore_class)
        self.target_mean, self.target_deviation = loss_inputs.checked_units(
            target_mean, target_deviation, of_numbers=epsilon is None
        )

    @property
    def probabilities(self) -> bool:
        """Whether it is one of classes, and not of numbers (regression); as `Output` says it."""
        return self.activation != Activation.LINEAR

    @abc.abstractmethod
    def value(self, x: Any, y: Any, log_y: Any) -> Any:
        """The loss over the last axis.

        Args:
            x: Labels `(..., C)`, smoothed.
            y: Predictions `(..., C)`, clipped.
            log_y: Their logarithms, not clipped; None if predictions are no logits.

        Returns:
            Tensor `(...)`.
        """

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
        if sample_weight is not None:
            sample_weight = loss_inputs.at_each_position(sample_weight, y_pred)
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One value per sample, shape `(...)`, in the loss's dtype."""
        y_true = loss_inputs.with_shape(y_true, y_pred, self.sparse)
        if self.sparse:
            loss_inputs.check_indices_are_exact(self.dtype, y_pred.shape[-1])
        # Clipped probabilities and their reciprocals are beyond the range of half precision.
        y_pred = ops.cast(y_pred, loss_inputs.full_precision(self.dtype))
        if self.ignore_class is None:
            return ops.cast(self._values(y_true, y_pred), self.dtype)
        y_true = ops.reshape(y_true, ops.shape(y_pred)[:-1])
        counts = ops.not_equal(y_true, ops.cast(self.ignore_class, y_true.dtype))
        # What is ignored takes any label and prediction whose derivatives are finite.
        y_true = ops.where(counts, y_true, ops.zeros_like(y_true))
        y_pred = ops.where(ops.expand_dims(counts, -1), y_pred, 0.5 * ops.ones_like(y_pred))
        found = ops.cast(self._values(y_true, y_pred), self.dtype)
        found = ops.where(counts, found, ops.zeros_like(found))
        keras.src.backend.set_keras_mask(found, mask=counts)
        return found

    def _values(self, y_true: Any, y_pred: Any) -> Any:
        if not self.probabilities:
            x = ops.cast(y_true, y_pred.dtype)
            units = self.target_mean, self.target_deviation
            x, y_pred = (loss_inputs.standardized(part, *units) for part in (x, y_pred))
            return self.value(x, y_pred, None)
        assert self.epsilon is not None
        independent = self.activation == Activation.SIGMOID
        if self.two_sided:  # a last axis of one label each, which becomes its two classes
            y_true, y_pred = ops.expand_dims(y_true, -1), ops.expand_dims(y_pred, -1)
        x = loss_inputs.labels(y_true, y_pred, self.sparse, self.label_smoothing, independent)
        y, log_y = loss_inputs.probabilities(y_pred, self.from_logits, self.epsilon, independent)
        values = self.value(x, y, log_y)
        return self.reduced(values) if self.two_sided else values

    def reduced(self, values: Any) -> Any:
        """The sum or mean over the last axis, as `class_reduction` says."""
        return (ops.sum if self.class_reduction == "sum" else ops.mean)(values, axis=-1)

    def with_options(self, **options: Any) -> Self:
        """The same loss with other options, such as `sparse=True` for class indices.

        Args:
            **options: Arguments of the class.

        Raises:
            TypeError: If it has no such argument.
            ValueError: If one is out of range or does not fit another.
        """
        made: Self = type(self).from_config({**self.get_config(), **options})
        return made

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name='{self.name}')"

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the loss again."""
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "dtype": self.dtype,
            "epsilon": self.epsilon,
            "sparse": self.sparse,
            "class_reduction": self.class_reduction,
            # Not in the files of earlier releases, of which all losses are softmax.
            **({"activation": "sigmoid"} if self.activation == Activation.SIGMOID else {}),
            **({"two_sided": True} if self.two_sided else {}),
            **({} if self.ignore_class is None else {"ignore_class": self.ignore_class}),
            **self.units,
        }

    @property
    def units(self) -> dict[str, Numbers]:
        """`target_mean` and `target_deviation`, if it has them."""
        if self.target_mean is None or self.target_deviation is None:
            return {}
        return {"target_mean": self.target_mean, "target_deviation": self.target_deviation}
