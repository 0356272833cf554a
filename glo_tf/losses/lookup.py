"""Losses by name: Keras's, the project's, files, and expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from glo_tf.data.outputs import Activation, Outputs
from glo_tf.errors import InvalidArgumentError, ParseError
from glo_tf.expressions.tree import Expression
from glo_tf.losses.all_classes import AllClassesLoss
from glo_tf.losses.baselines import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, kind_of, usual_loss
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.losses.files import load_loss
from glo_tf.losses.given import Loss, Losses, as_expressions
from glo_tf.losses.named import NAMED_LOSSES, Named
from glo_tf.losses.parameters import checked
from glo_tf.plugins.options import convert
from glo_tf.utils.alike import did_you_mean
from glo_tf.utils.checks import check_losses
from glo_tf.utils.display_text import legible

_USUAL = {
    "categorical_crossentropy": CROSS_ENTROPY,
    "sparse_categorical_crossentropy": CROSS_ENTROPY,
    "binary_crossentropy": BINARY_CROSS_ENTROPY,
}


def split_losses(text: str, argument: str = "losses") -> list[str]:
    """The parts of a list; a comma inside parentheses belongs to an expression.

    Raises:
        ValueError: If a part is empty.
    """
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    parts = [part.strip() for part in parts]
    if not all(parts):
        raise InvalidArgumentError(
            f"Expected losses with a comma between them. Received: {argument}='{text}'"
        )
    return parts


def find_loss(text: str, outputs: Outputs, argument: str = "losses") -> tuple[str, Loss]:
    """The loss that a text names, and the name by which it is shown.

    Args:
        text: Keras's name of a cross-entropy, the name of a registered loss, maybe with values of
            its parameters in parentheses, as in `gce(q=0.5)`, the path of a file of
            `glo_tf.save_loss` (it ends in `.json`; frequencies are those of the data at hand), or
            an expression; or one of these after a name of its own and `=`.
        outputs: Of the model that is trained with it. A cross-entropy is summed over them.
        argument: Where the text was given, for messages.

    Raises:
        ValueError: If it is none of these, or a cross-entropy that does not fit the outputs.
        OSError: If a file cannot be read.
    """
    renamed = re.fullmatch(r"([A-Za-z][\w -]*)=(.+)", text)  # not a path with = in a folder
    if renamed:
        return renamed[1].rstrip(), find_loss(renamed[2].strip(), outputs, argument)[1]
    if text in _USUAL:
        name, loss = usual_loss(outputs)
        # One sigmoid is two classes, of which cross-entropy is the binary one.
        binary = all(output.binary for output in outputs.each)
        if loss != _USUAL[text] and not (binary and text == "binary_crossentropy"):
            raise InvalidArgumentError(
                f"Expected a loss for outputs {outputs}, such as {name}. "
                f"Received: {argument}='{text}'"
            )
        return name, loss
    called = re.fullmatch(r"(\w+)\s*(?:\((.*)\))?", text, re.DOTALL)
    if called and called[1] in NAMED_LOSSES:
        return text, _named(called[1], called[2] or "", outputs, f"{argument}='{text}'")
    if text.endswith(".json"):
        return text, _uncounted(load_loss(text))
    try:
        tree = Expression.parse(text)
    except ParseError as error:
        names = (*_USUAL, *_fitting(outputs))
        alike = did_you_mean(called[1], names) if called else ""
        if alike or (called and called[1] == text):  # it is no expression
            expected = f"{', '.join(names)}, the path of a best_loss.json, or an expression{alike}"
        else:
            expected = "an expression, the name of a loss or the path of a best_loss.json"
            expected += f" ({error})"
        raise InvalidArgumentError(f"Expected {expected}. Received: {argument}='{text}'") from error
    return str(tree), tree


def _uncounted(loss: ExpressionLoss) -> ExpressionLoss:
    """The same for any training data, whose frequencies take the place of those in its file."""
    config = loss.get_config()
    config.pop("frequencies", None)
    return ExpressionLoss(**config)


def _named(name: str, options: str, outputs: Outputs, received: str) -> Loss:
    kind: Any = NAMED_LOSSES[name]
    activation = kind_of(outputs)
    if not _is_expression(kind, activation):
        raise InvalidArgumentError(
            "Expected a loss whose term of a class is an expression; "
            f"glo_tf.{kind.__name__}, which looks at all classes at once, is for model.compile. "
            f"Received: {received}"
        )
    if activation not in kind.FITS:
        raise InvalidArgumentError(
            f"Expected a loss for outputs {outputs}: {', '.join(_fitting(outputs))}. "
            f"Received: {received}"
        )
    texts = [options] if options.strip() else []
    parameters = convert(f"loss '{name}'", [each.option for each in kind.PARAMETERS], texts)
    if not issubclass(kind, ExpressionLoss):
        return Expression.parse(kind.expression_of(**checked(name, kind.PARAMETERS, parameters)))
    loss: ExpressionLoss
    if activation == Activation.LINEAR:
        loss = kind(class_reduction="sum", **parameters)  # as the usual loss is summed
    else:
        from_logits = outputs.loss_options[0]["from_logits"]
        loss = kind(from_logits=from_logits, activation=activation, **parameters)
    return loss


def _fitting(outputs: Outputs) -> list[str]:
    """Names of the losses that can be trained on such outputs, those of evolution last."""
    activation = kind_of(outputs)
    fitting = [
        name
        for name, kind in NAMED_LOSSES.items()
        if activation in kind.FITS and _is_expression(kind, activation)
    ]
    return sorted(fitting, key=lambda name: NAMED_LOSSES[name].EVOLVED)


def _is_expression(kind: type[Named], activation: Activation) -> bool:
    """Whether a loss is one, of such outputs."""
    if not issubclass(kind, AllClassesLoss):
        return issubclass(kind, ExpressionLoss)
    defaults = {each.name: each.default for each in kind.PARAMETERS}
    return activation == Activation.SOFTMAX and kind.expression_of(**defaults) is not None


def by_name(losses: Losses, outputs: Outputs, argument: str = "losses") -> dict[str, Expression]:
    """Names and trees of given losses; without a name, that of `find_loss` or the text.

    What is invisible in a name is an escape sequence from here on.

    Args:
        losses: Losses.
        outputs: Of the model that is trained with them.
        argument: Where they were given, for messages.

    Raises:
        ValueError: If one is not a loss that can be trained, or two have one name.
        OSError: If a file cannot be read.
    """
    given: dict[str, Loss] = {}
    check_losses(losses, argument, "['baikal']")
    items = losses.items() if isinstance(losses, Mapping) else ((None, loss) for loss in losses)
    for key, loss in items:
        name, found = (
            find_loss(loss, outputs, argument) if isinstance(loss, str) else (str(loss), loss)
        )
        if isinstance(loss, ExpressionLoss | AllClassesLoss):
            name = loss.title if isinstance(loss, Named) else loss.expression
        if not isinstance(key, str | None):
            raise InvalidArgumentError(
                f"Expected names of losses as text. Received: {argument} with {key!r}"
            )
        name = legible(key or name)  # it goes into tables, figures, sentences and files
        if name in given:
            raise InvalidArgumentError(
                f"Expected losses with different names. Received: {argument}={losses!r}"
            )
        given[name] = found
    expressions = as_expressions(
        list(given.values()), argument, options=outputs.loss_options, outputs=outputs
    )
    trees = dict(zip(given, expressions, strict=True))
    for name, tree in trees.items():
        if not tree.has_x_and_y:
            raise InvalidArgumentError(
                f"Expected losses with x and y. Received: {argument} with '{name}'"
            )
    return trees


def with_baseline(losses: Losses, outputs: Outputs) -> tuple[dict[str, Expression], str]:
    """The losses to compare by name, and which of them is the baseline.

    Raises:
        ValueError: As `by_name`, or if the baseline is there twice.
        OSError: If a file cannot be read.
    """
    trees = by_name(losses, outputs)
    usual_name, usual = usual_loss(outputs)
    same = [name for name, tree in trees.items() if tree == usual]
    if len(same) > 1:
        raise InvalidArgumentError(
            f"Expected {usual_name} once. Received: losses with {', '.join(same)}"
        )
    if not same:
        return {usual_name: usual, **trees}, usual_name
    if isinstance(losses, Mapping):
        return trees, same[0]
    return {usual_name if n == same[0] else n: tree for n, tree in trees.items()}, usual_name


def known_losses(outputs: Outputs) -> dict[str, Expression]:
    """The usual loss and all with a name that can be trained on such outputs, by their names.

    Those that look at all classes at once are not among them.
    """
    losses, _ = with_baseline([], outputs)
    for name, tree in _registered(ExpressionLoss, outputs):
        if tree not in losses.values():
            losses.setdefault(name, tree)
    return losses


def known_of_all_classes(outputs: Outputs) -> dict[str, Expression]:
    """Those with a name that look at all classes at once, by it, as far as they are expressions.

    They have sums over the classes or know how frequent these are in the training data, so not
    every search space has the nodes.
    """
    return dict(_registered(AllClassesLoss, outputs))


def _registered(base: type, outputs: Outputs) -> Iterator[tuple[str, Expression]]:
    for name, kind in NAMED_LOSSES.items():
        if not issubclass(kind, base):
            continue
        try:
            yield from by_name([name], outputs).items()
        except InvalidArgumentError:  # it is for other outputs
            continue
