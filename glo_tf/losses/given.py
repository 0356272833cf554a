"""Losses that a user gives to a search: text, expressions, Keras losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.expressions.tree import Expression

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss

Loss: TypeAlias = Union[str, Expression, "ExpressionLoss"]
"""A whole loss per class: its text, its tree, or a Keras loss made of one."""

Losses: TypeAlias = Mapping[str, Loss] | Sequence[Loss]
"""Several, by name or not."""


def as_expressions(
    losses: Sequence[Loss],
    name: str,
    *,
    options: Sequence[Mapping[str, Any]],
    width: int | None = None,
) -> list[Expression]:
    """The trees of given losses, which are trained as a search trains: on its labels, summed.

    Args:
        losses: Losses.
        name: Of the argument, for messages.
        options: Of Keras losses, as they fit the outputs of the model; see `Outputs.loss_options`.
        width: Columns of every output. The terms of a loss with `class_reduction="mean"` are
            divided by it; None refuses such a loss.

    Raises:
        ValueError: If it is not a sequence of losses, a text is no expression (`ParseError`), or a
            Keras loss has an option that the trainings would not heed.
    """
    if isinstance(losses, str) or not isinstance(losses, Sequence):
        raise InvalidArgumentError(
            f"Expected {name} as a sequence of losses, such as ['-(x*log(y))']. "
            f"Received: {name}={losses!r}"
        )
    return [
        _as_expression(loss, f"{name}[{place}]", options, width)
        for place, loss in enumerate(losses)
    ]


def _as_expression(
    loss: Loss, name: str, options: Sequence[Mapping[str, Any]], width: int | None
) -> Expression:
    from glo_tf.losses.expression_loss import ExpressionLoss

    if isinstance(loss, Expression):
        return loss
    if isinstance(loss, str):
        return Expression.parse(loss)
    if not isinstance(loss, ExpressionLoss):
        raise InvalidArgumentError(
            f"Expected text, Expression or ExpressionLoss. Received: {name}={loss!r}"
        )
    trained: dict[str, object] = {"label_smoothing": 0.0, "reduction": "sum_over_batch_size"}
    # Probabilities are the same to a loss, whatever gave them.
    for option in ("epsilon", "from_logits", *(["activation"] if loss.from_logits else [])):
        fitting = [of_output[option] for of_output in options]
        given = getattr(loss, option)
        trained[option] = given if given in fitting else fitting[0]
    if width is None:
        trained["class_reduction"] = "sum"
    for option, value in trained.items():
        if getattr(loss, option) != value:
            raise InvalidArgumentError(
                f"Expected a loss with {option}={shown(value)}, as the search trains it. "
                f"Received: {name} with {option}={shown(getattr(loss, option))}"
            )
    if loss.class_reduction == "mean":
        assert width is not None
        first, *others = loss.tree.coefficients
        return loss.tree.with_coefficients((first / width, *others))
    return loss.tree
