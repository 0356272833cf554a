"""What glo_tf may replace or remove in a user's folder: the files that it has written itself.

A file is glo_tf's if it says so: each carries a mark, which needs no record beside it and outlives
a crash, a copy and a move. Whatever else has the name of such a file is left as it is.
"""

from __future__ import annotations

import pathlib
import re
import stat
from collections.abc import Iterable

from glo_tf.errors import ForeignFileError as ForeignFileError
from glo_tf.execution.study_file import SIDE_FILES, is_study
from glo_tf.utils.files import write_whole

MARK = b"# Written by glo_tf\n"
"""First line of flagfiles and logs."""

HISTORY_HEADER = (
    *("phase", "generation", "individual", "loss", "fitness", "status", "source", "steps"),
    "inherited_from",
)
"""First line of a history."""

OWN_RATES_HEADER = (*HISTORY_HEADER, "learning_rate")
"""The same where candidates have learning rates of their own."""

_HEAD = 4096  # bytes in which a mark is looked for
_MARKS = {
    ".csv": re.compile(re.escape(",".join(HISTORY_HEADER).encode()) + rb"(,learning_rate)?\r?\n"),
    ".flags": re.compile(re.escape(MARK.strip()) + rb"\r?\n"),
    ".log": re.compile(re.escape(MARK.strip()) + rb"\r?\n"),
    ".html": re.compile(rb'(?si)\s*<!doctype html>.*<meta name="generator" content="glo_tf">'),
    ".json": re.compile(rb'\s*\{\s*"format":\s*"glo_tf\.'),
    ".png": re.compile(rb"(?s)\x89PNG.*tEXtSoftware\0glo_tf"),
    ".svg": re.compile(rb"(?s).*<dc:creator>\s*<cc:Agent>\s*<dc:title>glo_tf</dc:title>"),
}


def is_there(path: pathlib.Path) -> bool:
    """Whether something is there; an empty file is nothing, as a crash may leave one."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not stat.S_ISREG(found.st_mode) or found.st_size > 0


def foreign(path: pathlib.Path) -> str:
    """Why a file must not be replaced or removed, or `""`."""
    if not is_there(path):
        return ""
    reason = _no_file(path)
    if reason:
        return reason
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return "" if _MARKS[path.suffix].match(head) else "not written by glo_tf"


def _no_file(path: pathlib.Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    if stat.S_ISDIR(mode):
        return "a folder"
    if not stat.S_ISREG(mode):
        return "no regular file"
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        return "protected against writing"
    return ""


def check_free(*paths: pathlib.Path) -> None:
    """Makes sure that nothing but glo_tf's own is where files are to be written.

    Raises:
        ForeignFileError: If there is; nothing has been changed.
        OSError: If it cannot be read.
    """
    for path in paths:
        reason = foreign(path)
        if reason:
            raise _foreign(path, reason)


def write_owned(path: pathlib.Path, data: bytes) -> None:
    """Writes a file of glo_tf's, with its mark in it, in one step.

    Raises:
        ForeignFileError: As `check_free`.
        OSError: If it cannot be written.
    """
    check_free(path)
    write_whole(path, data)


def remove_owned(paths: Iterable[pathlib.Path]) -> None:
    """Removes the files that are glo_tf's, and leaves all others.

    Raises:
        OSError: If one cannot be removed.
    """
    for path in paths:
        if not foreign(path):
            path.unlink(missing_ok=True)


def check_study_free(path: pathlib.Path) -> None:
    """The same as `check_free` for a study, its lock, and the other files beside it.

    The lock is an empty file. A write-ahead log without its study would be taken for the log of
    the next one.

    Raises:
        ForeignFileError: As `check_free`.
    """
    for study in filter(is_there, (path, path.with_name(f"{path.name}.partial"))):
        reason = _no_file(study) or ("" if is_study(study) else "something else, or corrupt")
        if reason:
            raise _foreign(study, reason)
    beside = [path.with_suffix(".lock")]
    if not is_there(path):
        beside += [path.with_name(path.name + end) for end in SIDE_FILES]
    for other in beside:
        if is_there(other):
            raise _foreign(other, "not written by glo_tf, or left of a study that was removed")


def _foreign(path: pathlib.Path, reason: str) -> ForeignFileError:
    return ForeignFileError(
        f"Expected no file of others where glo_tf writes. Received: '{path}', which is {reason}; "
        "it was left as it is: move it away, or take another folder (output_dir)"
    )
