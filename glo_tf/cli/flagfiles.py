"""Flagfiles: one flag a line, and other flagfiles within them.

absl's own reader knows no shipped files, takes paths in a file as those of the working folder, and
reads a signature of UTF-8 as part of the first flag; so it is given the flags alone.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Sequence

from glo_tf.errors import InvalidArgumentError
from glo_tf.utils.alike import did_you_mean
from glo_tf.utils.files import user_path

_MAX_BYTES = 1_000_000


@dataclasses.dataclass(frozen=True)
class Argument:
    """An argument of the command line.

    Attributes:
        text: As it was given.
        origin: Which flagfile and line it came from; `""` for the command line itself.
    """

    text: str
    origin: str = ""


def expand(arguments: Sequence[str]) -> list[Argument]:
    """The arguments, with the flags of flagfiles in the place of these.

    Raises:
        ValueError: If a flagfile is not found, is no text, or includes itself.
        OSError: If it cannot be read.
    """
    return _expand([Argument(text) for text in arguments], ())


def _expand(arguments: Sequence[Argument], within: tuple[pathlib.Path, ...]) -> list[Argument]:
    expanded: list[Argument] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument.text == "--":
            return [*expanded, argument, *rest]  # no more flags, for absl
        match = re.fullmatch(r"--?flagfile(=(.*))?", argument.text, flags=re.DOTALL)
        if match is None:
            expanded.append(argument)
            continue
        name = match[2] if match[1] else rest.pop(0).text if rest else ""
        if not name:
            raise InvalidArgumentError(
                f"Expected --flagfile=NAME. Received: {argument.text}{_of(argument)}"
            )
        path = find_flagfile(name, within, _of(argument))
        expanded += _expand(_read(path), (*within, path))
    return expanded


def find_flagfile(
    name: str, within: tuple[pathlib.Path, ...] = (), where: str = ""
) -> pathlib.Path:
    """A flagfile: beside the one that includes it, in the working folder, or a shipped one.

    A file that includes one of its own name does not mean itself: so `mnist.flags` of a user may
    begin with the shipped one.

    Args:
        name: As it was given.
        within: The files that are being read, the outermost first.
        where: Where it was given, for messages.

    Raises:
        ValueError: If there is none, or the only one is being read.
        OSError: If a folder cannot be looked into.
    """
    package = pathlib.Path(__file__).parents[1]
    # Installed, the configurations lie inside the package; in a checkout beside it.
    shipped = [package / "configs", package.parent / "configs"]
    places = [path.parent for path in within[-1:]] + [pathlib.Path()]
    if pathlib.PurePath(name).name == name:
        places += shipped
    candidates = [place / user_path(name) for place in places]
    found = [path for path in candidates if path.exists()]
    being_read = [path.resolve() for path in within]
    for path in found:
        if path.resolve() not in being_read:
            return path
    if found:
        chain = " includes ".join(f"'{path}'" for path in (*within, found[0]))
        raise InvalidArgumentError(
            f"Expected flagfiles that do not include themselves. Received: {chain}"
        )
    known = sorted({path.name for folder in shipped for path in folder.glob("*.flags")})
    beside = f", beside '{within[-1]}'" if within else ""
    raise InvalidArgumentError(
        f"Expected a flagfile here{beside} or one of {', '.join(known)}"
        f"{did_you_mean(name, known)}. Received: '{name}'{where}"
    )


def _read(path: pathlib.Path) -> list[Argument]:
    if path.is_dir():
        raise InvalidArgumentError(f"Expected a flagfile. Received: '{path}', which is a folder")
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise InvalidArgumentError(
            f"Expected a flagfile of at most {_MAX_BYTES} bytes. Received: '{path}'"
        )
    # An editor's signature says which kind of Unicode it is.
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(
            f"Expected a flagfile in UTF-8 ({error}). Received: '{path}'"
        ) from error
    if "\0" in text:
        raise InvalidArgumentError(
            f"Expected a flagfile in UTF-8. Received: '{path}', with a zero byte"
        )
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    return [
        Argument(line, f"'{path}', line {number}")
        for number, line in enumerate(lines, start=1)
        if line and not line.startswith(("#", "//"))
    ]


def _of(argument: Argument) -> str:
    return f" in {argument.origin}" if argument.origin else ""
