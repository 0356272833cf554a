"""Paths as users write them, and files that are written whole."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets

GENERATOR = "glo_tf"
"""What pages and figures name as the program that made them."""


def user_path(path: str | os.PathLike[str]) -> pathlib.Path:
    """A path that a user gave: a `~` at its beginning is a home folder, as in a shell.

    Shells leave it alone in `--flag=~/folder`, and Python everywhere.
    """
    return pathlib.Path(os.path.expanduser(os.fspath(path)))


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file; a crash or an error leaves the old file or the new one.

    Raises:
        OSError: If it cannot be written.
    """
    path = user_path(path)
    partial = path.with_name(f".{secrets.token_hex(8)}.partial")  # a name that nobody has taken
    try:
        with partial.open("xb") as file:
            file.write(data)
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
