"""Known losses that look at all classes at once, so that no expression of one class is them."""

from __future__ import annotations

import abc
from typing import Any

import keras
from keras import ops

from glo_tf.data.outputs import DEFAULT_EPSILON, Activation
from glo_tf.errors import InvalidArgumentError
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.losses.named import Named, register_loss
from glo_tf.losses.output_loss import OutputLoss
from glo_tf.losses.parameters import Parameter
from glo_tf.utils.checks import check_between_0_and_1


class AllClassesLoss(Named, OutputLoss):
    """Base of losses that look at all classes at once.

    Args:
        from_logits: Whether predictions are logits rather than probabilities.
        label_smoothing: As in `keras.losses.CategoricalCrossentropy`.
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`; the class's `NAME` if None.
        dtype: As in `keras.losses.Loss`.
        epsilon: Predictions are clipped to `[epsilon, 1]`.
        sparse: Whether labels are class indices, as for `SparseCategoricalCrossentropy`.
        activation: `"softmax"`, or `"sigmoid"` of labels of their own, of which each is two
            classes; the losses of the labels are summed.
        ignore_class: See `glo_tf.ExpressionLoss`.
        **parameters: Values of the class's `PARAMETERS`.
    """

    TWO_SIDED = True

    frequencies: tuple[float, ...] | None = None
    """Of the classes in the training data; None if it does not know them."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        *,
        epsilon: float = DEFAULT_EPSILON,
        sparse: bool = False,
        activation: str = "softmax",
        ignore_class: int | None = None,
        **parameters: float,
    ):
        self.parameters = self.values_of(parameters)
        check_between_0_and_1(epsilon=epsilon)  # None is for losses of numbers
        super().__init__(
            from_logits,
            label_smoothing,
            reduction,
            name or self.NAME,
            dtype,
            epsilon=epsilon,
            sparse=sparse,
            class_reduction="sum",
            activation=activation,
            two_sided=activation == Activation.SIGMOID,
            ignore_class=ignore_class,
        )

    def value(self, x: Any, y: Any, log_y: Any) -> Any:
        """The loss over the last axis, shape `(...)`."""
        self.check_classes(y.shape[-1])
        return self.formula(ops, x, y, ops.log(y) if log_y is None else log_y)

    @abc.abstractmethod
    def formula(self, ops: Any, x: Any, y: Any, log_y: Any) -> Any:
        """The loss of samples.

        Args:
            ops: The library that computes: `numpy` or `keras.ops`.
            x: Labels `(..., C)`.
            y: Probabilities `(..., C)`.
            log_y: Their logarithms.

        Returns:
            Array `(...)`.
        """

    @classmethod
    def expression_of(cls, **parameters: float) -> str | None:
        """The term of one class, as text, for values of all parameters; None if there is none.

        It has sums over the classes (`total`) and, of losses that know how frequent classes are, n.
        It is for classes that exclude each other, and what searches and comparisons train.
        """
        return None

    def as_expression(self) -> ExpressionLoss:
        """The loss as an expression of each class, which has LaTeX, a plot and files.

        It is what searches and comparisons train: all that it makes of predictions is of those that
        are clipped to `[epsilon, 1]`, logits' too, where this loss has their exact logarithms.

        Raises:
            InvalidArgumentError: (a `ValueError`) if no expression is this loss, or if it is one of
                labels of their own.
        """
        text = self.expression_of(**self.parameters)
        if text is None or self.activation == Activation.SIGMOID:
            raise InvalidArgumentError(
                "Expected a loss of classes that exclude each other, of which an expression is "
                f"known. Received: {self!r}, activation={str(self.activation)!r}"
            )
        return ExpressionLoss(
            text,
            self.from_logits,
            self.label_smoothing,
            self.reduction,
            self.name,
            self.dtype,
            epsilon=self.epsilon,
            sparse=self.sparse,
            ignore_class=self.ignore_class,
            frequencies=self.frequencies,
        )

    def check_classes(self, count: int) -> None:
        """Raises `ValueError` if it is no loss of so many classes."""

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the loss again."""
        config = super().get_config()
        del config["class_reduction"]
        config.pop("two_sided", None)
        return {**config, **self.parameters}


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class NCE(AllClassesLoss):
    """Normalised cross-entropy: cross-entropy over its sum for all labels (arXiv 2006.13554).

    `sum(x*log(y))/sum(log(y))` over the classes.

    Its arguments are those of `AllClassesLoss`.
    """

    NAME = "nce"

    @classmethod
    def expression_of(cls) -> str:  # type: ignore[override]
        """The term of one class, as text."""
        return _NCE

    def formula(self, ops: Any, x: Any, y: Any, log_y: Any) -> Any:
        """The loss of samples; see `AllClassesLoss`."""
        return _normalised_cross_entropy(ops, x, log_y)


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class NCEAndRCE(AllClassesLoss):
    """Normalised and reverse cross-entropy, an active and a passive loss (arXiv 2006.13554).

    `alpha*sum(x*log(y))/sum(log(y)) - beta*sum(y*log(x))` over the classes, with labels clipped to
    `[least_label, 1]` in the latter, as in `glo_tf.SCE`.

    Args:
        alpha: Weight of normalised cross-entropy, at least 0.
        beta: Weight of reverse cross-entropy, above 0.
        least_label: In (0, 1).
        **options: As for `AllClassesLoss`.
    """

    NAME = "nce_rce"
    PARAMETERS = (
        Parameter("alpha", 1.0, least=0.0),
        Parameter("beta", 1.0, above=0.0, tries=(0.1, 1.0, 10.0)),
        Parameter("least_label", 1e-4, above=0.0, below=1.0),
    )

    @classmethod
    def expression_of(  # type: ignore[override]
        cls, *, alpha: float, beta: float, least_label: float
    ) -> str:
        """The term of one class, as text."""
        return f"{alpha!r}*({_NCE}) - {beta!r}*(y*log(max(x, {least_label!r})))"

    def formula(self, ops: Any, x: Any, y: Any, log_y: Any) -> Any:
        """The loss of samples; see `AllClassesLoss`."""
        alpha, beta, least_label = self.parameters.values()
        reverse = -ops.sum(y * ops.log(ops.maximum(x, least_label)), axis=-1)
        return alpha * _normalised_cross_entropy(ops, x, log_y) + beta * reverse


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class NCEAndAMSE(AllClassesLoss):
    """Joint asymmetric loss: normalised cross-entropy and AMSE (JAL-CE of arXiv 2507.17692).

    `alpha*sum(x*log(y))/sum(log(y)) + beta*mean((a*x - y)^2)` over the classes.

    Args:
        alpha: Weight of normalised cross-entropy, at least 0.
        beta: Weight of AMSE, above 0; here it is the mean over the classes.
        a: What a label of 1 becomes in AMSE, at least 1.
        **options: As for `AllClassesLoss`.
    """

    NAME = "nce_amse"
    PARAMETERS = (
        Parameter("alpha", 1.0, least=0.0),
        Parameter("beta", 1.0, above=0.0, tries=(0.1, 1.0, 10.0)),
        Parameter("a", 30.0, least=1.0, tries=(10.0, 30.0)),
    )

    @classmethod
    def expression_of(  # type: ignore[override]
        cls, *, alpha: float, beta: float, a: float
    ) -> str:
        """The term of one class, as text."""
        return f"{alpha!r}*({_NCE}) + {beta!r}*(square({a!r}*x - y)/C)"

    def formula(self, ops: Any, x: Any, y: Any, log_y: Any) -> Any:
        """The loss of samples; see `AllClassesLoss`."""
        alpha, beta, a = self.parameters.values()
        squares = ops.mean(ops.square(a * x - y), axis=-1)
        return alpha * _normalised_cross_entropy(ops, x, log_y) + beta * squares


_NCE = "x*log(y)/total(log(y))"


def _normalised_cross_entropy(ops: Any, x: Any, log_y: Any) -> Any:
    return ops.sum(x * log_y, axis=-1) / ops.sum(log_y, axis=-1)
