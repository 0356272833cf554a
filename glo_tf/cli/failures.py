"""What the command line says of errors: one line, and where the traceback of a mistake is."""

from __future__ import annotations

import pathlib
import re
import sys
import tempfile
import traceback

from glo_tf.errors import GloError

BAD_INPUT, FAILED = 2, 1
"""Exit codes."""

EXPECTED = (GloError, OSError)
"""What a user or the system may have caused; all else is a mistake in glo_tf or in a plugin."""


class LoggedError(Exception):
    """A mistake whose traceback is in a log; its cause is the mistake."""

    def __init__(self, error: Exception, log: pathlib.Path):
        super().__init__(str(error))
        self.error, self.log = error, log


def fail(error: BaseException | str, code: int) -> int:
    """Says what went wrong, in one line.

    Returns:
        The exit code.
    """
    _say("error", " ".join([str(error), *notes(error)]))
    return code


def fail_by_mistake(error: Exception) -> int:
    """Says what went wrong, and where its traceback is: in the run's log, or else in a file.

    Returns:
        The exit code.
    """
    log: str | pathlib.Path | None = None
    if isinstance(error, LoggedError):
        log, error = error.log, error.error
    lines = traceback.format_exception(error)
    if log is None:
        try:
            with tempfile.NamedTemporaryFile(
                "w",
                encoding="utf-8",
                errors="backslashreplace",
                prefix="glo_tf.",
                suffix=".log",
                delete=False,
            ) as file:
                file.writelines(lines)
            log = file.name
        except OSError:  # a full disk
            sys.stderr.writelines(lines)
    place = "" if log is None else f"; traceback in {log}"
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    _say("internal error", " ".join([what, *notes(error)]) + place)
    return FAILED


def notes(error: BaseException | str) -> list[str]:
    """What went wrong after an error, such as where a lost study is saved."""
    return list(getattr(error, "__notes__", []))


def _say(kind: str, text: str) -> None:
    """In one line; an expression in which something is marked comes below, with the mark."""
    marked = re.search(r"\n([^\n]*)\n( *\^)", text)
    if marked:
        text = text[: marked.start()] + text[marked.end() :]
    print(f"glo-tf: {kind}: {' '.join(text.split())}", file=sys.stderr)
    if marked:
        print(marked[1], marked[2], sep="\n", file=sys.stderr)
