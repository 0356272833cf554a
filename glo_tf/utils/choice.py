"""One of several words that a user chooses from."""

from __future__ import annotations

import enum
from typing import TypeVar, overload

from glo_tf.errors import InvalidArgumentError, shown

Choice = TypeVar("Choice", bound=enum.StrEnum)


@overload
def choice(kind: type[Choice], name: str, value: object) -> Choice: ...


@overload
def choice(kind: type[Choice], name: str, value: object, none: str) -> Choice | None: ...


def choice(kind: type[Choice], name: str, value: object, none: str | None = None) -> Choice | None:
    """The member that a user means.

    Args:
        kind: All that there are.
        name: Of the argument.
        value: What it was given: a member, or its text.
        none: A further word, which stands for None.

    Raises:
        ValueError: If it is none of them.
    """
    words = [*([] if none is None else [none]), *kind]
    if not isinstance(value, str) or value not in words:
        raise InvalidArgumentError(
            f"Expected {name} to be one of {', '.join(words)}. Received: {name}={shown(value)}"
        )
    return None if value == none else kind(value)
