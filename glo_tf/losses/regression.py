"""Known losses of numbers: of targets x that any real number may be."""

from __future__ import annotations

import math
from typing import Any

import keras

from glo_tf.data.outputs import Activation
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.losses.named import Named, register_loss
from glo_tf.losses.parameters import Parameter

_ERROR = "(x - y)"


class NumberLoss(Named, ExpressionLoss):
    """Base of the known losses of numbers; the terms of several numbers are averaged, as in Keras.

    Args:
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`; the class's `NAME` if None.
        dtype: As in `keras.losses.Loss`.
        class_reduction: `"mean"` or `"sum"` of the terms of the numbers of a sample.
        **parameters: Values of the class's `PARAMETERS`.
    """

    EXPRESSION: str
    FITS = (Activation.LINEAR,)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        *,
        class_reduction: str = "mean",
        **parameters: float,
    ):
        self.parameters = self.values_of(parameters)
        super().__init__(
            self.expression_of(**self.parameters),
            reduction=reduction,
            name=name or self.NAME,
            dtype=dtype,
            epsilon=None,
            class_reduction=class_reduction,
        )

    @classmethod
    def expression_of(cls, **parameters: float) -> str:
        """The whole loss per number, as text, for values of all parameters."""
        return cls.EXPRESSION

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the loss again."""
        config = super().get_config()
        own = ("reduction", "name", "dtype", "class_reduction")
        return {**{name: config[name] for name in own}, **self.parameters}


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class SquaredError(NumberLoss):
    """Squared error, `square(x - y)`: predictions become means.

    Its arguments are those of `NumberLoss`.
    """

    EXPRESSION = "square(x - y)"
    NAME = "squared_error"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class AbsoluteError(NumberLoss):
    """Absolute error, `abs(x - y)`: predictions become medians.

    Its arguments are those of `NumberLoss`.
    """

    EXPRESSION = "abs(x - y)"
    NAME = "absolute_error"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class Huber(NumberLoss):
    """Huber loss: `e^2/2` of errors e up to delta, `delta*(abs(e) - delta/2)` beyond.

    P. J. Huber, Robust estimation of a location parameter (Annals of Mathematical Statistics 35,
    1964).

    Args:
        delta: The error from where on the loss is linear, above 0, in the unit of the targets.
        **options: As for `NumberLoss`.
    """

    NAME = "huber"
    PARAMETERS = (Parameter("delta", 1.0, above=0.0, tries=(0.1, 0.3, 1.0, 3.0), of_targets=True),)

    @classmethod
    def expression_of(cls, *, delta: float) -> str:  # type: ignore[override]
        """The whole loss per number, as text."""
        squared = f"min(abs{_ERROR}, {delta!r})"
        return f"{squared}*(abs{_ERROR} - 0.5*{squared})"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class LogCosh(NumberLoss):
    """Logarithm of the hyperbolic cosine of the error: squared for small ones, then linear.

    Its arguments are those of `NumberLoss`.
    """

    # Of exp(-2*abs(e)), as cosh is beyond float32 for errors of 90.
    EXPRESSION = "abs(x - y) + log(0.5 + 0.5*exp(-2.0*abs(x - y)))"
    NAME = "log_cosh"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class Quantile(NumberLoss):
    """Quantile (pinball) loss, `max(q*(x - y), (q - 1)*(x - y))`: predictions become quantiles.

    R. Koenker, G. Bassett, Regression quantiles (Econometrica 46, 1978).

    Args:
        q: Which one, in (0, 1): the share of targets below the prediction.
        **options: As for `NumberLoss`.
    """

    NAME = "quantile"
    PARAMETERS = (Parameter("q", 0.5, above=0.0, below=1.0, tries=(0.1, 0.3, 0.5, 0.7, 0.9)),)

    @classmethod
    def expression_of(cls, *, q: float) -> str:  # type: ignore[override]
        """The whole loss per number, as text."""
        return f"max({q!r}*{_ERROR}, {q - 1.0!r}*{_ERROR})"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class AsymmetricSquared(NumberLoss):
    """Asymmetric squared error: `tau*e^2` of predictions below the target, `(1 - tau)*e^2` above.

    Predictions become expectiles: W. K. Newey, J. L. Powell, Asymmetric least squares estimation
    and testing (Econometrica 55, 1987).

    Args:
        tau: In (0, 1).
        **options: As for `NumberLoss`.
    """

    NAME = "asymmetric_squared"
    PARAMETERS = (Parameter("tau", 0.5, above=0.0, below=1.0, tries=(0.1, 0.3, 0.5, 0.7, 0.9)),)

    @classmethod
    def expression_of(cls, *, tau: float) -> str:  # type: ignore[override]
        """The whole loss per number, as text."""
        low, high = math.sqrt(tau), -math.sqrt(1.0 - tau)
        return f"square(max({low!r}*{_ERROR}, {high!r}*{_ERROR}))"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class Cauchy(NumberLoss):
    """Cauchy (Lorentzian) loss, `c^2/2*log(1 + (e/c)^2)`: far errors count ever less.

    P. W. Holland, R. E. Welsch, Robust regression using iteratively reweighted least-squares
    (Communications in Statistics 6, 1977), from where the default has an efficiency of 95 % for
    normal errors of standard deviation 1.

    Args:
        c: Scale of the errors, above 0, in the unit of the targets.
        **options: As for `NumberLoss`.
    """

    NAME = "cauchy"
    PARAMETERS = (Parameter("c", 2.385, above=0.0, tries=(0.5, 1.0, 2.385, 5.0), of_targets=True),)

    @classmethod
    def expression_of(cls, *, c: float) -> str:  # type: ignore[override]
        """The whole loss per number, as text."""
        return f"{c * c / 2.0!r}*log(1 + square({1.0 / c!r}*{_ERROR}))"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class Tukey(NumberLoss):
    """Tukey's biweight, `c^2/6*(1 - (1 - (e/c)^2)^3)` of errors e up to c, constant beyond.

    A. E. Beaton, J. W. Tukey (Technometrics 16, 1974); the default has an efficiency of 95 % for
    normal errors of standard deviation 1 (Holland, Welsch 1977).

    Args:
        c: The error beyond which nothing changes, above 0, in the unit of the targets.
        **options: As for `NumberLoss`.
    """

    NAME = "tukey"
    PARAMETERS = (Parameter("c", 4.685, above=0.0, tries=(2.0, 4.685, 10.0), of_targets=True),)

    @classmethod
    def expression_of(cls, *, c: float) -> str:  # type: ignore[override]
        """The whole loss per number, as text."""
        rest = f"max(1 - square({1.0 / c!r}*{_ERROR}), 0)"
        return f"{c * c / 6.0!r}*(1 - {rest}*square({rest}))"
