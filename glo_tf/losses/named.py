"""Losses with a name: expressions that evolution found, as Keras losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import keras

from glo_tf.data.outputs import DEFAULT_EPSILON, Activation
from glo_tf.errors import InvalidArgumentError
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.losses.parameters import Parameter, checked, signature
from glo_tf.utils.checks import check_between_0_and_1


class Named:
    """What has a name by which it is found, and maybe parameters; beside a class of losses."""

    NAME: ClassVar[str]
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = ()
    FITS: ClassVar[tuple[Activation, ...]] = (Activation.SOFTMAX, Activation.SIGMOID)
    """Of which outputs it is a loss."""
    EVOLVED: ClassVar[bool] = False
    """Whether it was found by evolution."""

    name: str
    parameters: dict[str, float]

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if cls.PARAMETERS:
            cls.__signature__ = signature(cls, cls.PARAMETERS)  # type: ignore[attr-defined]

    @classmethod
    def values_of(cls, parameters: Mapping[str, object]) -> dict[str, float]:
        """The value of each of the class's parameters, with the defaults of those not given.

        Raises:
            InvalidArgumentError: (a `ValueError`) if a value is no number, or out of range.
            InvalidArgumentTypeError: (a `TypeError`) if there is no such parameter.
        """
        return checked(cls.__name__, cls.PARAMETERS, parameters)

    @property
    def title(self) -> str:
        """The name with the parameters that are not the defaults, as `focal(gamma=1.0)`."""
        if self.name != self.NAME:
            return self.name
        own = [
            f"{each.name}={self.parameters[each.name]!r}"
            for each in self.PARAMETERS
            if self.parameters[each.name] != each.default
        ]
        return f"{self.name}({', '.join(own)})" if own else self.name


class NamedLoss(Named, ExpressionLoss):
    """Base of losses whose expression belongs to their class.

    A subclass has a `NAME` and an `EXPRESSION`, or `PARAMETERS` and an `expression_of` them, which
    become keyword arguments.

    Args:
        from_logits: Whether predictions are logits rather than probabilities.
        label_smoothing: As in `keras.losses.CategoricalCrossentropy`.
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`; the class's `NAME` if None.
        dtype: As in `keras.losses.Loss`.
        epsilon: Predictions are clipped to `[epsilon, 1]`.
        sparse: Whether labels are class indices, as for `SparseCategoricalCrossentropy`.
        activation: What is applied to logits, `"softmax"` or `"sigmoid"`. With the latter, where
            the class says `TWO_SIDED`, each label is two classes, whose terms are summed, whether
            predictions are logits or not; see `glo_tf.ExpressionLoss`.
        ignore_class: See `glo_tf.ExpressionLoss`.
        **parameters: Values of the class's `PARAMETERS`.
    """

    EXPRESSION: ClassVar[str]
    CLASS_REDUCTION: ClassVar[str] = "sum"
    TWO_SIDED: ClassVar[bool] = False

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
            self.expression_of(**self.parameters),
            from_logits,
            label_smoothing,
            reduction,
            name or self.NAME,
            dtype,
            epsilon=epsilon,
            sparse=sparse,
            class_reduction=self.CLASS_REDUCTION,
            activation=activation,
            two_sided=self.TWO_SIDED and activation == Activation.SIGMOID,
            ignore_class=ignore_class,
        )

    @classmethod
    def expression_of(cls, **parameters: float) -> str:
        """The whole loss per class, as text, for values of all parameters."""
        return cls.EXPRESSION

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the loss again."""
        config = super().get_config()
        for known in ("expression", "class_reduction", "two_sided"):
            config.pop(known, None)
        return {**config, **self.parameters}


NAMED_LOSSES: dict[str, type[Named]] = {}
"""What a name means where losses are named, as on the command line."""

Loss = TypeVar("Loss", bound=Named)


def register_loss(kind: type[Loss]) -> type[Loss]:
    """Makes the `NAME` of a loss one by which it is found, as `"baikal"` is.

    A decorator. Keras knows a loss by `keras.saving.register_keras_serializable`.

    Args:
        kind: Subclass of `NamedLoss`.

    Raises:
        InvalidArgumentError: (a `ValueError`) if the class has no name, or another class has it.
    """
    name = getattr(kind, "NAME", None)
    if not (isinstance(kind, type) and issubclass(kind, Named) and isinstance(name, str)):
        raise InvalidArgumentError(f"Expected a NamedLoss with a NAME. Received: {kind!r}")
    known = NAMED_LOSSES.setdefault(name, kind)
    # Where a notebook's cell runs again, the class is another.
    if (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
        raise InvalidArgumentError(
            f"Expected a NAME that no other loss has. Received: NAME='{name}' of "
            f"{kind.__qualname__}, which {known.__qualname__} has"
        )
    NAMED_LOSSES[name] = kind
    return kind


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class Baikal(NamedLoss):
    """Baikal loss, `-(log(y) - x/y)` per class (Section 4.1 of arXiv 1905.11528).

    It keeps a network from being too sure: for a class that is certain, the loss is least at a
    prediction of 1/sqrt(C), not at 1 (other classes sharing the rest). Outputs are therefore
    under-confident; do not read them as calibrated probabilities.

    Its arguments are those of `NamedLoss`.

    Example:
        >>> import keras
        >>> import glo_tf
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
        >>> model.compile(optimizer="sgd", loss=glo_tf.Baikal())
    """

    EXPRESSION = "-(log(y) - x/y)"
    NAME = "baikal"
    EVOLVED = True


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class BaikalCMA(NamedLoss):
    """BaikalCMA loss: Baikal with the paper's optimised coefficients.

    `-2.7279*(0.9863*log(1.5352*y) - 1.8158*(x/y))` per class (Section 4.1 of arXiv 1905.11528). Its
    outputs are under-confident, as `Baikal`'s are.

    Its arguments are those of `NamedLoss`.
    """

    EXPRESSION = "-2.7279*(0.9863*log(1.5352*y) - 1.8158*(x/y))"
    NAME = "baikal_cma"
    EVOLVED = True


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class NGL(NamedLoss):
    """Next Generation Loss, `exp(2.4092 - y - y*x) - cos(cos(sin(y)))` per class, averaged.

    Found by genetic programming for image classification (arXiv 2404.12948). Its slopes are
    bounded, so that one wrong label cannot dominate a batch.

    Its arguments are those of `NamedLoss`.
    """

    EXPRESSION = "exp(2.4092 - y - y*x) - cos(cos(sin(y)))"
    NAME = "ngl"
    EVOLVED = True
    CLASS_REDUCTION = "mean"


@register_loss
@keras.saving.register_keras_serializable(package="glo_tf")
class Saimaa(NamedLoss):
    """Saimaa loss, for labels of which many are wrong; found by this project.

    `-8*(x*(y + alpha*log(y)) + 2.04*y**(3/8)/C + 0.28*y**2)` per class, of C. The first term is
    the mean absolute error, whose slopes a wrong label cannot raise; alpha adds cross-entropy, by
    which training begins. The third keeps predictions apart from 0, as an entropy does, so that no
    class is given up; the last makes sure predictions surer, whatever their labels say. What it is
    worth beside the known losses, and where not, is in `docs/results/suite.md`.

    Args:
        alpha: Weight of cross-entropy, at least 0.
        **options: As for `NamedLoss`.
    """

    NAME = "saimaa"
    PARAMETERS = (Parameter("alpha", 0.02, least=0.0, tries=(0.002, 0.02, 0.2)),)
    EVOLVED = True
    TWO_SIDED = True

    @classmethod
    def expression_of(cls, *, alpha: float) -> str:  # type: ignore[override]
        """The whole loss per class, as text."""
        entropy = "2.04*(sqrt(sqrt(y*sqrt(y)))/C)"
        return f"-8.0*(x*(y + {alpha!r}*log(y)) + {entropy} + 0.28*square(y))"
