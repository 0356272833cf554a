"""Checks of settings: values of a frozen dataclass by their declared types, and within bounds."""

from __future__ import annotations

import dataclasses
import math
import numbers
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glo_tf.errors import InvalidArgumentError, shown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_PLAIN: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "bool": ("True or False", (bool, np.bool_)),
    "int": ("a whole number", numbers.Integral),
    "float": ("a number", numbers.Real),
    "str": ("text", str),
    "None": ("None", type(None)),
}
"""Types of which values are checked: what messages call them, and what counts as one."""

_LARGEST = 2**31 - 1
"""Whole number: of a step, a sample or a seed, to each of which others are added."""

_OF_PYTHON = {"bool": bool, "int": int, "float": float}


def plain_types(annotation: str) -> list[str]:
    """The types in an annotation such as `"int | None"`; empty where one is not of Python's own."""
    types = re.split(r"\s*\|\s*", annotation)
    return types if set(types) <= set(_PLAIN) else []


def check_losses(losses: object, argument: str, example: str) -> None:
    """Whether losses are given by name or one after the other; what each of them is shows later.

    Args:
        losses: As they were given.
        argument: Where, for the message.
        example: What may be given, for the message.

    Raises:
        InvalidArgumentError: (a `ValueError`) if they are not.
    """
    if isinstance(losses, str) or not isinstance(losses, Mapping | Sequence):
        raise InvalidArgumentError(
            f"Expected {argument} as a sequence or a dict of losses, such as {example}. "
            f"Received: {argument}={shown(losses)}"
        )


def check_types(config: DataclassInstance) -> None:
    """Checks the fields of plain types; NumPy's numbers become Python's.

    Args:
        config: A new frozen dataclass, in its `__post_init__`; of a module with
            `from __future__ import annotations`.

    Raises:
        ValueError: If a value is of another type than its field, or a whole number too large.
    """
    for field in dataclasses.fields(config):
        types = plain_types(str(field.type))
        if not types:
            continue
        value = getattr(config, field.name)
        kind = next((kind for kind in types if _is(value, kind)), None)
        if kind is None:
            words = " or ".join(_PLAIN[kind][0] for kind in types)
            raise InvalidArgumentError(
                f"Expected {field.name} to be {words}. Received: {field.name}={shown(value)}"
            )
        if kind == "int" and value > _LARGEST:
            raise InvalidArgumentError(
                f"Expected {field.name} of at most {_LARGEST}. Received: {field.name}={value}"
            )
        if kind in _OF_PYTHON and not isinstance(value, bool | int | float):
            object.__setattr__(config, field.name, _OF_PYTHON[kind](value))


def check_at_least(least: int, **values: int | None) -> None:
    """Raises `ValueError` for a value below the least one; None is no value."""
    for name, value in values.items():
        if value is not None and value < least:
            raise InvalidArgumentError(
                f"Expected {name} of at least {least}. Received: {name}={value}"
            )


def check_between_0_and_1(**values: float) -> None:
    """Raises `ValueError` for a value that does not lie between 0 and 1, or is one of them."""
    for name, value in values.items():
        if not (isinstance(value, numbers.Real) and 0.0 < value < 1.0):
            raise InvalidArgumentError(
                f"Expected {name} between 0 and 1. Received: {name}={shown(value)}"
            )


def check_probability(**values: float) -> None:
    """Raises `ValueError` for a value that is no probability, from 0 to 1."""
    for name, value in values.items():
        if not (isinstance(value, numbers.Real) and 0.0 <= value <= 1.0):
            raise InvalidArgumentError(
                f"Expected {name} in [0, 1]. Received: {name}={shown(value)}"
            )


def check_share(**values: float) -> None:
    """Raises `ValueError` for a value that is no share, above 0 and at most 1."""
    for name, value in values.items():
        if not (isinstance(value, numbers.Real) and 0.0 < value <= 1.0):
            raise InvalidArgumentError(
                f"Expected {name} in (0, 1]. Received: {name}={shown(value)}"
            )


def check_positive(**values: float | None) -> None:
    """Raises `ValueError` for a value that is not positive or not finite; None is no value."""
    for name, value in values.items():
        if value is not None and not 0.0 < value < math.inf:
            raise InvalidArgumentError(
                f"Expected a positive, finite {name}. Received: {name}={value}"
            )


def check_not_negative(**values: float | None) -> None:
    """Raises `ValueError` for a value that is negative or not finite; None is no value."""
    for name, value in values.items():
        if value is not None and not 0.0 <= value < math.inf:
            raise InvalidArgumentError(
                f"Expected a finite {name} of at least 0. Received: {name}={value}"
            )


def check_one_of(choices: Sequence[Any], **values: Any) -> None:
    """Raises `ValueError` for a value that is none of the choices."""
    for name, value in values.items():
        if not any(value is choice or value == choice for choice in choices):
            words = ", ".join(map(str, choices[:-1])) + f" or {choices[-1]}"
            raise InvalidArgumentError(
                f"Expected {name} to be {words}. Received: {name}={shown(value)}"
            )


def check_named_or(kind: type, what: str, **values: Any) -> None:
    """Raises `ValueError` for a value that is neither a name nor of a class.

    Args:
        kind: The class.
        what: Of whose registered ones the name may be, such as "strategy".
        **values: What was given.
    """
    for name, value in values.items():
        if not isinstance(value, str | kind):
            raise InvalidArgumentError(
                f"Expected {name} to be the name of a registered {what}, or a {kind.__name__}. "
                f"Received: {name}={shown(value)}"
            )


def _is(value: Any, kind: str) -> bool:
    numeric = kind in ("int", "float")
    return isinstance(value, _PLAIN[kind][1]) and not (numeric and isinstance(value, bool))
