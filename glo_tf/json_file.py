"""JSON files that say what they are: a format and its version, with anything beside them."""

from __future__ import annotations

import json
import pathlib
from typing import Any


def read_document(path: pathlib.Path, form: str, version: int, max_bytes: int) -> dict[str, Any]:
    """The object in a file of the given format and version; its other fields are not checked.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is too large, no JSON, or has another format or version.
    """
    if path.stat().st_size > max_bytes:
        raise ValueError(
            f"Expected a file of format '{form}' of at most {max_bytes} bytes. Received: '{path}'"
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Expected a JSON file ({error}). Received: '{path}'") from error
    if not isinstance(document, dict) or document.get("format") != form:
        raise ValueError(f"Expected a file with format '{form}'. Received: '{path}'")
    if document.get("version") != version:
        raise ValueError(
            f"Expected version {version}. Received: version={document.get('version')!r} in '{path}'"
        )
    return document
