"""Any text as text that can be shown: names come from users and from files."""

from __future__ import annotations

import re

_UNUSUAL = re.compile("[^ -~]")  # what has to be looked at
_JOINERS = "\u200c\u200d"  # invisible, but part of how some scripts and signs are written


def legible(text: str, *, keep: str = "") -> str:
    r"""Text in which everything invisible is an escape sequence, as in Python's source.

    Control characters, line breaks, lone surrogates and marks that turn the direction of writing
    would break a line, a page or a file, or show another name than it is. Text without them, in
    whatever script, is left as it is.

    Args:
        text: Any text.
        keep: Characters that stay nevertheless, such as line breaks.

    Example:
        >>> legible("loss\n2"), legible("π-loss")
        ('loss\\n2', 'π-loss')
    """

    def shown(match: re.Match[str]) -> str:
        character = match[0]
        if character.isprintable() or character in _JOINERS or character in keep:
            return character
        return character.encode("unicode_escape").decode("ascii")

    return _UNUSUAL.sub(shown, text)
