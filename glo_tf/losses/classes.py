"""Known losses of classes and labels, each an expression of one class's label and prediction.

Of labels of their own (`activation="sigmoid"`) each is two classes, there and not there.
"""

from __future__ import annotations

from typing import Any

import keras

from glo_tf.data.outputs import DEFAULT_EPSILON, Activation
from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.losses.named import NamedLoss, register_loss
from glo_tf.losses.parameters import Parameter

_NOT_Y = "1.0000002 - y"  # not 0 where a float32 prediction is sure, so that it has a logarithm


class ClassLoss(NamedLoss):
    """Base of the known losses of classes; its arguments are those of `NamedLoss`."""

    TWO_SIDED = True


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class CrossEntropy(ClassLoss):
    """Cross-entropy, `-(x*log(y))` per class: the negative log-likelihood.

    With `activation="sigmoid"` it is binary cross-entropy, summed over the labels.

    Its arguments are those of `NamedLoss`.
    """

    EXPRESSION = "-(x*log(y))"
    NAME = "cross_entropy"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class LabelSmoothing(ClassLoss):
    """Cross-entropy of smoothed labels, `x*(1 - alpha) + alpha/C` (arXiv 1512.00567).

    It is `CrossEntropy(label_smoothing=alpha)`, as a loss with a name and a parameter of its own.

    Args:
        alpha: The part of each label that is spread over the classes, in [0, 1].
        **options: As for `NamedLoss`, without `label_smoothing`.
    """

    EXPRESSION = "-(x*log(y))"
    NAME = "label_smoothing"
    PARAMETERS = (Parameter("alpha", 0.1, least=0.0, most=1.0, tries=(0.05, 0.1, 0.2, 0.4)),)
    SMOOTHS = True

    def __init__(
        self,
        from_logits: bool = False,
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
        self.values_of(parameters)  # none named as what is fixed
        super().__init__(
            from_logits,
            0.0,
            reduction,
            name,
            dtype,
            epsilon=epsilon,
            sparse=sparse,
            activation=activation,
            ignore_class=ignore_class,
            **parameters,
        )
        self.label_smoothing = self.parameters["alpha"]

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the loss again."""
        config = super().get_config()
        del config["label_smoothing"]
        return config


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class Focal(ClassLoss):
    """Focal loss, `-(x*(1 - y)^gamma*log(y))` per class (arXiv 1708.02002).

    The paper's balancing factor alpha is left out: one factor for all classes is a learning rate,
    and several are `glo_tf.ClassWeighted`.

    Args:
        gamma: How much samples that are predicted well count less, at least 0; 0 is cross-entropy.
        **options: As for `NamedLoss`.
    """

    NAME = "focal"
    PARAMETERS = (Parameter("gamma", 2.0, least=0.0, tries=(0.5, 1.0, 2.0, 4.0)),)

    @classmethod
    def expression_of(cls, *, gamma: float) -> str:  # type: ignore[override]
        """The whole loss per class, as text."""
        return f"-(x*{_power('(1 - y)', gamma, _NOT_Y)}log(y))"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class Poly1(ClassLoss):
    """Poly-1 loss, `-(x*log(y)) + epsilon_1*x*(1 - y)` per class (arXiv 2204.12511).

    Cross-entropy with another first coefficient of its series in 1 - y.

    Args:
        epsilon_1: What is added to that coefficient, at least -1.
        **options: As for `NamedLoss`.
    """

    NAME = "poly1"
    PARAMETERS = (Parameter("epsilon_1", 2.0, least=-1.0, tries=(-1.0, 1.0, 2.0, 5.0)),)

    @classmethod
    def expression_of(cls, *, epsilon_1: float) -> str:  # type: ignore[override]
        """The whole loss per class, as text."""
        return f"{epsilon_1!r}*(x*(1 - y)) - x*log(y)"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class GCE(ClassLoss):
    """Generalised cross-entropy, `x*(1 - y^q)/q` per class (arXiv 1805.07836).

    Between cross-entropy, its limit for q to 0, and half of the mean absolute error, at q = 1.

    Args:
        q: In (0, 1].
        **options: As for `NamedLoss`.
    """

    NAME = "gce"
    PARAMETERS = (Parameter("q", 0.7, above=0.0, most=1.0, tries=(0.3, 0.5, 0.7, 0.9)),)

    @classmethod
    def expression_of(cls, *, q: float) -> str:  # type: ignore[override]
        """The whole loss per class, as text."""
        return f"{1.0 / q!r}*(x - {_power('y', q)}x)"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class SCE(ClassLoss):
    """Symmetric cross-entropy, `-alpha*x*log(y) - beta*y*log(x)` per class (arXiv 1908.06112).

    In the second term, the reverse cross-entropy, labels are clipped to `[least_label, 1]`. So
    log(0), the paper's A, is the logarithm of `least_label`, which is 1e-4 in the authors' code.

    Args:
        alpha: Weight of cross-entropy, at least 0.
        beta: Weight of reverse cross-entropy, above 0.
        least_label: In (0, 1).
        **options: As for `NamedLoss`.
    """

    NAME = "sce"
    PARAMETERS = (
        Parameter("alpha", 0.1, least=0.0, tries=(0.01, 0.1, 1.0)),
        Parameter("beta", 1.0, above=0.0),
        Parameter("least_label", 1e-4, above=0.0, below=1.0),
    )

    @classmethod
    def expression_of(  # type: ignore[override]
        cls, *, alpha: float, beta: float, least_label: float
    ) -> str:
        """The whole loss per class, as text."""
        return f"-({alpha!r}*(x*log(y)) + {beta!r}*(y*log(max(x, {least_label!r}))))"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class Bootstrapping(ClassLoss):
    """Soft bootstrapping, `-((beta*x + (1 - beta)*y)*log(y))` per class (arXiv 1412.6596).

    For wrong labels: a label is mixed with what the network itself predicts, so that it need not
    fit one of which it is sure that it is wrong. As slopes flow through that y, too, it is
    cross-entropy with the entropy of the predictions added, which makes these surer.

    Args:
        beta: How far labels are trusted, in (0, 1]; 1 is cross-entropy.
        **options: As for `NamedLoss`.
    """

    NAME = "bootstrapping"
    PARAMETERS = (Parameter("beta", 0.95, above=0.0, most=1.0, tries=(0.3, 0.5, 0.8, 0.95)),)

    @classmethod
    def expression_of(cls, *, beta: float) -> str:  # type: ignore[override]
        """The whole loss per class, as text."""
        return f"-(({beta!r}*x + {1.0 - beta:.15g}*y)*log(y))"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class MAE(ClassLoss):
    """Mean absolute error of classes, `abs(x - y)` per class, summed (arXiv 1712.09482).

    Of one-hot labels it is 2 - 2y for the true class's y.

    Its arguments are those of `NamedLoss`.
    """

    EXPRESSION = "abs(x - y)"
    NAME = "mae"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class Brier(ClassLoss):
    """Brier score, `square(x - y)` per class, summed (Brier, Monthly Weather Review 78, 1950).

    Its arguments are those of `NamedLoss`.
    """

    EXPRESSION = "square(x - y)"
    NAME = "brier"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class AMSE(ClassLoss):
    """Asymmetric mean square error, `square(a*x - y)` per class, summed (arXiv 2507.17692).

    The larger `a`, the more it is like the mean absolute error, of which the slope is constant; 1
    is the Brier score.

    Args:
        a: What a label of 1 becomes, at least 1.
        **options: As for `NamedLoss`.
    """

    NAME = "amse"
    PARAMETERS = (Parameter("a", 30.0, least=1.0, tries=(2.0, 5.0, 10.0, 30.0)),)

    @classmethod
    def expression_of(cls, *, a: float) -> str:  # type: ignore[override]
        """The whole loss per class, as text."""
        return f"square({a!r}*x - y)"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class TaylorCrossEntropy(ClassLoss):
    """Taylor cross-entropy, cross-entropy's series in 1 - y up to an order (IJCAI 2020, 305).

    `x*((1 - y) + (1 - y)^2/2 + ... + (1 - y)^order/order)` per class.

    Args:
        order: Number of terms, 1 to 30; 1 is half of the mean absolute error.
        **options: As for `NamedLoss`.
    """

    NAME = "taylor_cross_entropy"
    PARAMETERS = (Parameter("order", 2, least=1, most=30, whole=True, tries=(2, 3, 5, 10)),)

    @classmethod
    def expression_of(cls, *, order: int) -> str:  # type: ignore[override]
        """The whole loss per class, as text."""
        series = f"{1.0 / order!r}*(1 - y)"
        for place in range(order - 1, 0, -1):
            series = f"({1.0 / place!r} + {series})*(1 - y)"
        return f"x*({series})"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class Asymmetric(NamedLoss):
    """Asymmetric loss of labels of their own, several to a sample (arXiv 2009.14119).

    `-(x*(1 - y)^gamma_positive*log(y) + (1 - x)*p^gamma_negative*log(1 - p))` per label, summed,
    with `p = max(y - margin, 0)`.

    Args:
        gamma_positive: As gamma of the focal loss, of labels that are there; at least 0.
        gamma_negative: Of those that are not; at least 0.
        margin: Predictions below it count as 0 for labels that are not there; in [0, 1).
        **options: As for `NamedLoss`, without `sparse`; `activation` is `"sigmoid"`.
    """

    NAME = "asymmetric"
    PARAMETERS = (
        Parameter("gamma_positive", 0.0, least=0.0),
        Parameter("gamma_negative", 4.0, least=0.0, tries=(1.0, 2.0, 4.0)),
        Parameter("margin", 0.05, least=0.0, below=1.0, tries=(0.0, 0.05, 0.2)),
    )
    FITS = (Activation.SIGMOID,)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        *,
        epsilon: float = DEFAULT_EPSILON,
        activation: str = "sigmoid",
        **parameters: float,
    ):
        if activation != Activation.SIGMOID:
            raise InvalidArgumentError(
                "Expected activation='sigmoid', of labels of their own. "
                f"Received: activation={shown(activation)}"
            )
        self.values_of(parameters)  # none named as what is fixed
        super().__init__(
            from_logits,
            label_smoothing,
            reduction,
            name,
            dtype,
            epsilon=epsilon,
            sparse=False,
            activation=activation,
            ignore_class=None,
            **parameters,
        )

    @classmethod
    def expression_of(  # type: ignore[override]
        cls, *, gamma_positive: float, gamma_negative: float, margin: float
    ) -> str:
        """The whole loss per label, as text."""
        there = f"x*{_power('(1 - y)', gamma_positive, _NOT_Y)}log(y)"
        power, rest = _power("y", gamma_negative), _NOT_Y
        if margin:
            shifted, positive = (f"max(y - {margin!r}, {least})" for least in ("0", "1e-07"))
            power = _power(shifted, gamma_negative, positive)
            rest = f"min({1.0 + margin!r} - y, 1)"
        return f"-({there} + (1 - x)*{power}log({rest}))"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One value per sample, shape `(...)`, in the loss's dtype."""
        if y_pred.shape[-1:] == (1,):
            raise InvalidArgumentError(
                "Expected several labels of their own; one output is two classes, as for "
                f"glo_tf.Focal. Received: y_pred.shape={tuple(y_pred.shape)}"
            )
        return super().call(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the loss again."""
        config = super().get_config()
        del config["sparse"]
        return config


def _power(base: str, exponent: float, positive: str | None = None) -> str:
    """A power as the text of a factor, with `*` after it.

    Args:
        base: Such as `y`.
        exponent: At least 0; 0 makes no factor.
        positive: The base, where it is not above 0 everywhere, as something that is, and of which
            there is a logarithm.
    """
    plain = {0.0: "", 1.0: f"{base}*", 2.0: f"square({base})*"}
    return plain.get(exponent, f"exp({exponent!r}*log({positive or base}))*")
