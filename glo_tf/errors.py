"""Errors that follow each other, of which the first is what went wrong; values in messages."""

from __future__ import annotations

import contextlib
import enum
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

logger = logging.getLogger("glo_tf")


@contextlib.contextmanager
def at_the_end(*steps: Callable[[], object]) -> Iterator[None]:
    """Takes steps when its block ends, however that ends, and each of them however the others end.

    The first error of all goes on to the caller. Those after it are logged, and noted on it.

    Args:
        *steps: Called without arguments, in this order.
    """
    errors: list[BaseException] = []
    try:
        yield
    except BaseException as error:
        errors.append(error)
    for step in steps:
        try:
            step()
        except BaseException as error:
            errors.append(error)
    raise_first(errors)


def raise_first(errors: list[BaseException]) -> None:
    """Raises the first of errors, if there is one, and logs the others and notes them on it.

    Args:
        errors: As they followed each other; the list is emptied, as an error that is held by a
            frame of its own traceback is not freed, and neither is what its other frames hold.
    """
    if not errors:
        return
    # Several steps may meet what ended the first.
    errors[1:] = [later for later in errors[1:] if later is not errors[0]]
    for later in errors[1:]:
        what = f"{type(later).__name__}: {later}"
        logger.error("After an error, another one: %s", what, exc_info=later)
        errors[0].add_note(f"After it, another one: {what}")
        del later
    del errors[1:]
    raise errors.pop()


def shown(value: Any) -> str:
    """A value as a message shows it: on one line, short, without addresses in memory."""
    if isinstance(value, enum.StrEnum):
        value = value.value
    text = re.sub(r"( object)? at 0x[0-9a-f]+", "", " ".join(repr(value).split()))
    return text if len(text) <= 80 else f"{text[:77]}..."
