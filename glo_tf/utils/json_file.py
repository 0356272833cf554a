"""JSON files that say what they are: a format and its version, with anything beside them."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from glo_tf.errors import InvalidFileError

LARGEST = 2**53
"""Of the integers in a file; beyond it, numbers are not exact in every reader of JSON."""

_LARGEST_MEASURED = 1e100  # nothing that is measured in float32 comes near


def document_of(form: str, version: int, data: Mapping[str, Any]) -> bytes:
    """The content of such a file.

    Args:
        form: Its format.
        version: Of the format.
        data: All else.
    """
    document = {"format": form, "version": version, **data}
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def read_document(
    path: pathlib.Path, form: str, versions: Sequence[int], max_bytes: int
) -> dict[str, Any]:
    """The object in a file of the given format and versions; its other fields are not checked.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is too large, no JSON, names a field twice, or has another format or
            version.
    """
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)  # a device has no size
    if len(data) > max_bytes:
        raise InvalidFileError(
            f"Expected a file of format '{form}' of at most {max_bytes} bytes. Received: '{path}'"
        )
    try:
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise InvalidFileError(f"Expected a JSON file ({error}). Received: '{path}'") from error
    if not isinstance(document, dict) or document.get("format") != form:
        raise InvalidFileError(f"Expected a file with format '{form}'. Received: '{path}'")
    received = document.get("version")
    if type(received) is not int or received not in versions:
        known = " or ".join(map(str, versions))
        raise InvalidFileError(
            f"Expected version {known}. Received: version={shown(received)} in '{path}'"
        )
    return document


def shown(value: object) -> str:
    """A value that was read, for a message of one line."""
    try:
        text = repr(value)
    except RecursionError:
        text = type(value).__name__
    return text if len(text) <= 80 else f"{text[:77]}..."


def in_short(error: Exception) -> str:
    """An error about what was read, in one line: a parser's shows the text that it parsed."""
    text = " ".join(str(error).split())
    return text if len(text) <= 400 else f"{text[:200]} ... {text[-197:]}"


def is_finite(value: object) -> TypeGuard[float]:
    """Whether a value that was read is a number whose square a float can be; JSON has others."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -_LARGEST_MEASURED <= value <= _LARGEST_MEASURED


def is_count(value: object) -> TypeGuard[int]:
    """Whether a value that was read is an integer from 0 to `LARGEST`."""
    return type(value) is int and 0 <= value <= LARGEST


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field {shown(twice)} twice")
    return fields
