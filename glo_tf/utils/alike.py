"""Which known name a name that is not known may stand for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question for a message, such as " (did you mean focal?)"; empty if no name is alike."""
    alike = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {alike[0]}?)" if alike else ""
