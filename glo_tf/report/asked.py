"""What a run was asked for: its flags, as the command line writes them beside the results."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import shlex
from collections.abc import Sequence

from glo_tf.results.owned_files import MARK, foreign, is_there

COMMAND = "# Command: "
"""Begins the line of a flagfile that has the command that wrote it."""

_MAX_BYTES = 1_000_000
_SHOWN = {
    "dataset": "data set",
    "dataset_options": "options of the data set",
    "architecture": "network",
    "architecture_options": "options of the network",
    "optimizer": "optimizer",
    "learning_rate": "learning rate",
}


@dataclasses.dataclass(frozen=True)
class Asked:
    """The flags of a run, and the commands that make it and go on with it.

    Attributes:
        flags: By their names, as text; those that may be given several times with commas.
        command: What was typed; `""` where an earlier version wrote the flags.
        continues: What goes on with the run, or repeats it.
    """

    flags: dict[str, str]
    command: str
    continues: str

    @property
    def shown(self) -> dict[str, str]:
        """What a reader asks for first, by its name."""
        return {label: self.flags[name] for name, label in _SHOWN.items() if self.flags.get(name)}


def read_asked(path: pathlib.Path) -> Asked | None:
    """The flags of a run.

    Args:
        path: Its `search.flags` or `compare.flags`.

    Returns:
        None where there is none of glo_tf's, as of a run of a Python program.

    Raises:
        OSError: If it cannot be read.
    """
    if not is_there(path) or foreign(path):
        return None
    with path.open("rb") as file:
        lines = file.read(_MAX_BYTES).decode(errors="replace").splitlines()
    command = next((line[len(COMMAND) :] for line in lines if line.startswith(COMMAND)), "")
    found: dict[str, str] = {}
    for line in lines:
        match = re.fullmatch(r"--(\w+)=(.*)", line)
        if match:
            found[match[1]] = ", ".join(filter(None, [found.get(match[1], ""), match[2]]))
    return Asked(found, command, continued_by(path))


def continued_by(path: pathlib.Path) -> str:
    """The command that goes on with a run, or repeats it.

    Args:
        path: Its `search.flags` or `compare.flags`.
    """
    return f"glo-tf --flagfile={shlex.quote(str(path))}"


def head(arguments: Sequence[str]) -> bytes:
    """The first lines of a flagfile: that glo_tf wrote it, and by which command.

    Args:
        arguments: Of the command line, with the program's name first; none if it is not known.
    """
    if not arguments:
        return MARK
    return MARK + f"{COMMAND}{shlex.join(['glo-tf', *arguments[1:]])}\n".encode()
