"""Losses with a name: expressions that were published, as Keras losses."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import keras

from glo_tf.data.outputs import DEFAULT_EPSILON
from glo_tf.errors import InvalidArgumentError
from glo_tf.losses.expression_loss import ExpressionLoss


class NamedLoss(ExpressionLoss):
    """Base of losses whose expression belongs to their class.

    Args:
        from_logits: Whether predictions are logits rather than probabilities.
        label_smoothing: As in `keras.losses.CategoricalCrossentropy`.
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`; the class's `NAME` if None.
        dtype: As in `keras.losses.Loss`.
        epsilon: Predictions are clipped to `[epsilon, 1]`.
        sparse: Whether labels are class indices, as for `SparseCategoricalCrossentropy`.
        activation: What is applied to logits, `"softmax"` or `"sigmoid"`.
    """

    EXPRESSION: ClassVar[str]
    NAME: ClassVar[str]
    CLASS_REDUCTION: ClassVar[str] = "sum"

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
    ):
        super().__init__(
            self.EXPRESSION,
            from_logits,
            label_smoothing,
            reduction,
            name or self.NAME,
            dtype,
            epsilon=epsilon,
            sparse=sparse,
            class_reduction=self.CLASS_REDUCTION,
            activation=activation,
        )

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the loss again."""
        config = super().get_config()
        del config["expression"], config["class_reduction"]
        return config


NAMED_LOSSES: dict[str, type[NamedLoss]] = {}
"""What a name means where losses are named, as on the command line."""

Loss = TypeVar("Loss", bound=NamedLoss)


def register_loss(kind: type[Loss]) -> type[Loss]:
    """Makes the `NAME` of a loss one by which it is found, as `"baikal"` is.

    A decorator. Keras knows a loss by `keras.saving.register_keras_serializable`.

    Args:
        kind: Subclass of `NamedLoss`.

    Raises:
        InvalidArgumentError: (a `ValueError`) if the class has no name, or another class has it.
    """
    name = getattr(kind, "NAME", None)
    if not (isinstance(kind, type) and issubclass(kind, NamedLoss) and isinstance(name, str)):
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
    CLASS_REDUCTION = "mean"
