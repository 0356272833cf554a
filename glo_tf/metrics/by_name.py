"""Metrics by name, with arguments in parentheses: `f1_score`, `quantile_loss(q=0.9)`."""

from __future__ import annotations

import ast
import difflib
import inspect
from typing import Any

import keras

from glo_tf.errors import InvalidArgumentError
from glo_tf.metrics.numbers import METRICS_OF_NUMBERS
from glo_tf.utils.alike import did_you_mean


def metric_by_name(text: str) -> Any:
    """A Keras metric, or a function of Keras's.

    Args:
        text: Name of a Keras metric, or of one of `METRICS_OF_NUMBERS`; after it, in parentheses,
            arguments as Python writes them, such as `MeanIoU(num_classes=3)`.

    Raises:
        ValueError: If there is no such metric, or it does not take the arguments.
    """
    name, arguments = _parts(text)
    try:
        if name in METRICS_OF_NUMBERS:
            return METRICS_OF_NUMBERS[name](**arguments)
        if not arguments:
            return keras.metrics.get(name)
        found = keras.metrics.deserialize({"class_name": name, "config": arguments})
        if isinstance(found, keras.metrics.Metric):
            return found
        raise _unknown(name, _known())
    except InvalidArgumentError:
        raise
    except (TypeError, ValueError) as error:
        known = _known()
        if not isinstance(error, TypeError) and name not in known:
            raise _unknown(name, known) from None
        raise InvalidArgumentError(
            "Expected a metric with the arguments that it needs, as in "
            "'MeanIoU(num_classes=3)' or 'quantile_loss(q=0.9)'. "
            f"Received: metric='{text}' ({str(error).strip().partition(chr(10))[0][:200]})"
        ) from error


def _parts(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the arguments; nothing is evaluated but literals."""
    if "(" not in text:
        return text, {}
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
            raise ValueError
        return call.func.id, {
            str(given.arg): ast.literal_eval(given.value) for given in call.keywords
        }
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InvalidArgumentError(
            "Expected the name of a metric, with arguments as in 'quantile_loss(q=0.9)'. "
            f"Received: metric='{text[:200]}'"
        ) from None


def _known() -> list[str]:
    of_keras = (
        thing.__name__ if inspect.isclass(thing) else key
        for key, thing in vars(keras.metrics).items()
        if callable(thing) and not key.startswith("_")
    )
    return sorted({*of_keras, *METRICS_OF_NUMBERS})


def _unknown(name: str, known: list[str]) -> InvalidArgumentError:
    near = difflib.get_close_matches(name.replace("_", ""), known, n=3, cutoff=0.5)
    return InvalidArgumentError(
        "Expected the name of a Keras metric"
        + (f", such as {', '.join(near)}" if near else "")
        + did_you_mean(name, [*known, "accuracy"])
        + f". Received: metric='{name}'"
    )
