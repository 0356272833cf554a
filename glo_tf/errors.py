"""What glo_tf raises; errors that follow each other; values in messages.

Each error is also of the built-in class that says the same, so that `except ValueError` finds it.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

logger = logging.getLogger("glo_tf")


class GloError(Exception):
    """Base class of all errors of glo_tf: what went wrong is not a mistake in glo_tf itself."""


class InvalidArgumentError(GloError, ValueError):
    """An argument, a flag or data is not what is expected."""


class InvalidArgumentTypeError(GloError, TypeError):
    """An argument is of a type that is not expected."""


class InvalidFileError(InvalidArgumentError):
    """A file does not hold what is expected."""


class ParseError(InvalidArgumentError):
    """Text that is not an expression; the message shows the column (counted from 1).

    Args:
        expected: What is expected there.
        text: The whole text.
        position: Where, counted from 0.
    """

    def __init__(self, expected: str, text: str, position: int):
        # One line of at most 60 characters around the position, however long the text is.
        start = max(0, position - 40)
        excerpt = text[start : start + 60].replace("\n", " ").replace("\t", " ")
        column = position + 1
        pointer = " " * (position - start) + "^"
        super().__init__(f"Expected {expected} at column {column}.\n  {excerpt}\n  {pointer}")
        self.column = column
        self._given = expected, text, position

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._given, self.__dict__


class UsageError(GloError, RuntimeError):
    """Something is asked for at a time at which it cannot be had."""


class PluginError(GloError, ValueError):
    """A plugin is unknown, broken, refuses its options, or has a name that is taken."""


class DatasetUnavailableError(GloError, ValueError):
    """A data set is neither prepared on this machine nor downloadable from it."""


class TrainingError(GloError, RuntimeError):
    """Training is not possible: the model or the data raise, or nothing but failures comes back."""


class CandidateTimeoutError(GloError):
    """A training took longer than it may."""


class StudyError(GloError, ValueError):
    """A study cannot be read, written or resumed."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether Python, TensorFlow or JAX says that memory, of whichever device, is all taken."""
    # Of TensorFlow by the class's name, of JAX by the message: one need not have either.
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "ResourceExhaustedError"
        or (type(error).__name__ == "JaxRuntimeError" and "RESOURCE_EXHAUSTED" in str(error))
    )


class ForeignFileError(StudyError):
    """Where results go, others have put something."""


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


def first_of(names: Sequence[str], most: int) -> str:
    """Names in a message: the first, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def shown(value: Any) -> str:
    """A value as a message shows it: on one line, short, without addresses in memory."""
    if isinstance(value, enum.StrEnum):
        value = value.value
    text = re.sub(r"( object)? at 0x[0-9a-f]+", "", " ".join(repr(value).split()))
    return text if len(text) <= 80 else f"{text[:77]}..."
