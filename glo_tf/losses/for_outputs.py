"""A loss as the outputs of a model take it, ready for `keras.Model.compile`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias, Union

from glo_tf.data.outputs import Outputs
from glo_tf.expressions.tree import Expression

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss

ForOutputs: TypeAlias = Union["ExpressionLoss", "list[ExpressionLoss]", "dict[str, ExpressionLoss]"]
"""One loss; where outputs differ in kind, such as probabilities, logits and numbers, one for each,
as a list or as a dict by the outputs' names."""


def loss_for(outputs: Outputs, loss: Expression) -> ForOutputs:
    """What trains a model with these outputs as a search or a comparison trains it with a loss.

    Args:
        outputs: Of the model.
        loss: The whole loss, per class.
    """
    from glo_tf.losses.expression_loss import ExpressionLoss

    first, *others = outputs.options_with(frequencies=loss.needs("frequencies"))
    if all(options == first for options in others):
        return ExpressionLoss(loss, **first)
    losses: list[ExpressionLoss] | dict[str, ExpressionLoss] = outputs.restore(
        [ExpressionLoss(loss, **options) for options in (first, *others)]
    )
    return losses


def by_output(losses: ForOutputs) -> Iterator[tuple[str, ExpressionLoss]]:
    """The losses with names of their outputs, or places; `""` for one of all."""
    if isinstance(losses, list):
        yield from ((str(place), loss) for place, loss in enumerate(losses))
    elif isinstance(losses, dict):
        yield from losses.items()
    else:
        yield "", losses
