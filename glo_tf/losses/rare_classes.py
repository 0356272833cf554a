"""Losses for rare classes, which know how frequent each class is in the training data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from glo_tf.data.outputs import DEFAULT_EPSILON, Activation
from glo_tf.errors import InvalidArgumentError
from glo_tf.losses.all_classes import AllClassesLoss
from glo_tf.losses.frequencies import checked_positive
from glo_tf.losses.named import register_loss
from glo_tf.losses.parameters import Parameter


class FrequencyLoss(AllClassesLoss):
    """Base of losses that know how frequent each class is in the training data.

    Args:
        frequencies: Of each class, above 0: counts of labels, or shares; length C.
        **options: As for `AllClassesLoss`, without `activation`.
    """

    FITS = (Activation.SOFTMAX,)

    frequencies: tuple[float, ...]

    def __init__(
        self,
        frequencies: Sequence[float],
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        *,
        epsilon: float = DEFAULT_EPSILON,
        sparse: bool = False,
        ignore_class: int | None = None,
        **parameters: float,
    ):
        self.values_of(parameters)  # none named as what is fixed
        super().__init__(
            from_logits,
            label_smoothing,
            reduction,
            name,
            dtype,
            epsilon=epsilon,
            sparse=sparse,
            activation=Activation.SOFTMAX,
            ignore_class=ignore_class,
            **parameters,
        )
        self.frequencies = checked_positive(frequencies)

    @property
    def shares(self) -> np.ndarray:
        """Of each class among all labels, float64 `(C,)`."""
        counts = np.array(self.frequencies)
        shares: np.ndarray = counts / counts.sum()
        return shares

    def check_classes(self, count: int) -> None:
        """Raises `ValueError` if frequencies are those of another number of classes."""
        if count != len(self.frequencies):
            raise InvalidArgumentError(
                f"Expected frequencies of {count} classes, as predictions have them. "
                f"Received: {len(self.frequencies)} frequencies"
            )

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the loss again."""
        return {**super().get_config(), "frequencies": list(self.frequencies)}


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class ClassWeighted(FrequencyLoss):
    """Cross-entropy with a weight for each class, `-sum(w*x*log(y))`.

    `w` is `n^-power` of the class's frequency n, times what makes the mean weight of the training
    data 1. A power of 1 counts all classes alike, as scikit-learn's `class_weight="balanced"`; 0 is
    cross-entropy.

    Args:
        frequencies: Of each class, above 0: counts of labels, or shares; length C.
        power: In [0, 1].
        **options: As for `AllClassesLoss`, without `activation`.
    """

    NAME = "class_weighted"
    PARAMETERS = (Parameter("power", 1.0, least=0.0, most=1.0, tries=(0.25, 0.5, 0.75, 1.0)),)

    @classmethod
    def expression_of(cls, *, power: float) -> str:  # type: ignore[override]
        """The term of one class, as text."""
        weight = _power_of_n(-power)
        return f"-(x*log(y)*({weight}/total(n*{weight})))"

    def formula(self, ops: Any, x: Any, y: Any, log_y: Any) -> Any:
        """The loss of samples; see `AllClassesLoss`."""
        weights = self.shares ** -self.parameters["power"]
        weights /= (self.shares * weights).sum()
        return -ops.sum(x * log_y * _like(ops, weights, y), axis=-1)


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class LogitAdjusted(FrequencyLoss):
    """Logit-adjusted cross-entropy (arXiv 2007.07314): of logits plus `tau*log(frequency)`.

    The network predicts then as if all classes were equally frequent.

    Args:
        frequencies: Of each class, above 0: counts of labels, or shares; length C.
        tau: At least 0; 0 is cross-entropy.
        **options: As for `AllClassesLoss`, without `activation`.
    """

    NAME = "logit_adjusted"
    PARAMETERS = (Parameter("tau", 1.0, least=0.0, tries=(0.5, 1.0, 1.5, 2.0)),)

    @classmethod
    def expression_of(cls, *, tau: float) -> str:  # type: ignore[override]
        """The term of one class, as text."""
        shifted = f"y*{_power_of_n(tau)}"
        return f"-(x*log({shifted}/total({shifted})))"

    def formula(self, ops: Any, x: Any, y: Any, log_y: Any) -> Any:
        """The loss of samples; see `AllClassesLoss`."""
        shift = self.parameters["tau"] * np.log(self.shares)
        return _cross_entropy_of_logits(ops, x, log_y + _like(ops, shift, y))


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class LDAM(FrequencyLoss):
    """Label-distribution-aware margin loss (arXiv 1906.07413): rare classes have wider margins.

    Cross-entropy of `scale*(z - x*margin)`, where z are logits and the margin of a class is
    `frequency^(-1/4)`, times what makes the widest `max_margin`.

    Args:
        frequencies: Of each class, above 0: counts of labels, or shares; length C.
        max_margin: Margin of the rarest class, above 0.
        scale: Above 0. The default, the authors', is for logits that are cosines, from -1 to 1; for
            the logits of a plain layer, 1.
        **options: As for `AllClassesLoss`, without `activation`.
    """

    NAME = "ldam"
    PARAMETERS = (
        Parameter("max_margin", 0.5, above=0.0, tries=(0.25, 0.5, 1.0, 2.0)),
        Parameter("scale", 30.0, above=0.0, tries=(1.0, 5.0, 30.0)),
    )

    def formula(self, ops: Any, x: Any, y: Any, log_y: Any) -> Any:
        """The loss of samples; see `AllClassesLoss`."""
        max_margin, scale = self.parameters.values()
        margins = (self.shares / self.shares.min()) ** -0.25 * max_margin
        return _cross_entropy_of_logits(ops, x, scale * (log_y - x * _like(ops, margins, y)))


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class Vanern(FrequencyLoss):
    """Vanern loss, for classes of which some are rare; found by this project.

    `-sum(x*log(y*n/sum(y*n)) + alpha*log(y)/C)` of C classes and the class's frequency n:
    logit-adjusted cross-entropy with a tau of 1, and a share alpha of the cross-entropy of what the
    network itself predicts against all classes alike. That term keeps it from being sure of samples
    that it has by heart, as label smoothing does, which smooths what is adjusted.

    Where it was ahead of the known losses for rare classes, and where not, stands in
    docs/results/suite.md.

    Args:
        frequencies: Of each class, above 0: counts of labels, or shares; length C.
        alpha: At least 0; 0 is `LogitAdjusted(frequencies)`.
        **options: As for `AllClassesLoss`, without `activation`.
    """

    NAME = "vanern"
    PARAMETERS = (Parameter("alpha", 0.2, least=0.0, tries=(0.05, 0.1, 0.2, 0.5, 1.0)),)

    @classmethod
    def expression_of(cls, *, alpha: float) -> str:  # type: ignore[override]
        """The term of one class, as text."""
        return f"-(x*log(y*n/total(y*n)) + {alpha!r}*(log(y)/C))"

    def formula(self, ops: Any, x: Any, y: Any, log_y: Any) -> Any:
        """The loss of samples; see `AllClassesLoss`."""
        shift = _like(ops, np.log(self.shares), y)
        alike = self.parameters["alpha"] * ops.mean(log_y, axis=-1)
        return _cross_entropy_of_logits(ops, x, log_y + shift) - alike


def _power_of_n(exponent: float) -> str:
    """A power of the class's frequency, with a logarithm only where no simpler node says it."""
    simple = {1.0: "n", 0.5: "sqrt(n)", -1.0: "(1/n)", -0.5: "(1/sqrt(n))"}
    return simple.get(exponent, f"exp({exponent!r}*log(n))")


def _cross_entropy_of_logits(ops: Any, x: Any, logits: Any) -> Any:
    # Keras refuses the maximum of nothing, as an empty batch is.
    largest = ops.max(logits, axis=-1, keepdims=True, initial=-np.inf)
    total = ops.sum(ops.exp(logits - largest), axis=-1, keepdims=True)
    return -ops.sum(x * (logits - largest - ops.log(total)), axis=-1)


def _like(ops: Any, row: np.ndarray, y: Any) -> Any:
    """A row of classes in the library and the dtype of y."""
    return row if ops is np else ops.convert_to_tensor(row, dtype=y.dtype)
