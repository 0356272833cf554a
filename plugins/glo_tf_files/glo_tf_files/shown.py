"""Text of a user's files in messages: on one line, and short."""

from __future__ import annotations

import reprlib


def shown(text: str, *, quoted: bool = True) -> str:
    """As in Python's source, cut in its middle."""
    short = reprlib.repr(text)
    return short if quoted else short[1:-1]
