"""Losses that a user gives to a search: text, expressions, Keras losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np

from glo_tf.data.outputs import Activation, Outputs
from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.expressions.leaves_seen import check_leaves
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import kind_of
from glo_tf.losses.rewriting import averaged, smoothed, two_sided

if TYPE_CHECKING:
    from glo_tf.losses.all_classes import AllClassesLoss
    from glo_tf.losses.expression_loss import ExpressionLoss

Loss: TypeAlias = Union[str, Expression, "ExpressionLoss", "AllClassesLoss"]
"""A whole loss per class: its text, its tree, or a Keras loss that is one."""

Losses: TypeAlias = Mapping[str, Loss] | Sequence[Loss]
"""Several, by name or not."""


def as_expressions(
    losses: Sequence[Loss],
    name: str,
    *,
    options: Sequence[Mapping[str, Any]],
    outputs: Outputs | None = None,
) -> list[Expression]:
    """The trees of given losses, which are trained as a search trains: on its labels, summed.

    Args:
        losses: Losses.
        name: Of the argument, for messages.
        options: Of Keras losses, as they fit the outputs of the model; see `Outputs.loss_options`.
        outputs: Of the model. The terms of a loss with `class_reduction="mean"` are divided by
            their number; None refuses such a loss.

    Raises:
        ValueError: If it is not a sequence of losses, a text is no expression (`ParseError`), or a
            Keras loss has an option that the trainings would not heed, or is no expression, or a
            loss sees what these outputs do not have.
    """
    if isinstance(losses, str) or not isinstance(losses, Sequence):
        raise InvalidArgumentError(
            f"Expected {name} as a sequence of losses, such as ['-(x*log(y))']. "
            f"Received: {name}={losses!r}"
        )
    trees = [
        _as_expression(loss, f"{name}[{place}]", options, outputs)
        for place, loss in enumerate(losses)
    ]
    if outputs is not None:
        for place, tree in enumerate(trees):
            check_leaves(tree.surroundings, outputs, f"{name}[{place}]")
    return trees


def _as_expression(
    loss: Loss, name: str, options: Sequence[Mapping[str, Any]], outputs: Outputs | None
) -> Expression:
    from glo_tf.losses.all_classes import AllClassesLoss
    from glo_tf.losses.expression_loss import ExpressionLoss

    if isinstance(loss, Expression):
        return loss
    if isinstance(loss, str):
        return Expression.parse(loss)
    if isinstance(loss, AllClassesLoss):
        try:
            loss = loss.as_expression()
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"{error} as {name}, which is for model.compile") from error
    if not isinstance(loss, ExpressionLoss):
        raise InvalidArgumentError(
            f"Expected text, Expression or ExpressionLoss. Received: {name}={loss!r}"
        )
    labels = outputs is not None and kind_of(outputs) == Activation.SIGMOID
    width = None if outputs is None else outputs.common_width
    classes = 2 if labels else width
    trained: dict[str, object] = {"reduction": "sum_over_batch_size"}
    if not loss.SMOOTHS or classes is None:
        trained["label_smoothing"] = 0.0
    # Probabilities are the same to a loss, whatever gave them.
    for option in ("epsilon", "from_logits", *(["activation"] if loss.from_logits else [])):
        fitting = [of_output[option] for of_output in options]
        given = getattr(loss, option)
        trained[option] = given if given in fitting else fitting[0]
    if loss.ignore_class not in [of_output.get("ignore_class") for of_output in options]:
        trained["ignore_class"] = None
    if width is None:
        trained["class_reduction"] = "sum"
    if outputs is not None and not any("target_mean" in of_output for of_output in options):
        trained["target_mean"] = None
    for option, value in trained.items():
        if getattr(loss, option) != value:
            raise InvalidArgumentError(
                f"Expected a loss with {option}={shown(value)}, as the search trains it. "
                f"Received: {name} with {option}={shown(getattr(loss, option))}"
            )
    if outputs is not None:
        _check_frequencies(loss, outputs, name)
    tree = loss.tree
    if loss.SMOOTHS and loss.label_smoothing:
        assert classes is not None
        tree = smoothed(tree, loss.label_smoothing, classes)
    if labels and (loss.two_sided or loss.TWO_SIDED):
        tree = two_sided(tree, name)
    if loss.class_reduction == "mean":
        assert width is not None
        tree = averaged(tree, width)
    return tree


def _check_frequencies(loss: ExpressionLoss, outputs: Outputs, name: str) -> None:
    """Raises `ValueError` if n is to be something else than what trainings count."""
    given = loss.frequencies
    if given is None or not loss.tree.needs("frequencies"):
        return
    shares = np.array(given) / (1.0 if loss.activation == Activation.SIGMOID else sum(given))
    counted = [np.array(output.frequencies) for output in outputs.each if output.frequencies]
    if counted and not any(
        len(one) == len(shares) and np.allclose(one, shares, rtol=1e-6, atol=1e-9)
        for one in counted
    ):
        raise InvalidArgumentError(
            "Expected a loss with the frequencies of the training data, which are counted there; "
            f"or its text, '{loss.expression}', which has none of its own. "
            f"Received: {name} with frequencies={shown(list(given))}"
        )
