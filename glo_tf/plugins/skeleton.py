"""`glo-tf new-plugin NAME`: a plugin to begin with, which passes its tests."""

from __future__ import annotations

import importlib.util
import keyword
import os
import pathlib
import shutil
import string
from collections.abc import Sequence

from glo_tf.errors import InvalidArgumentError

_USAGE = """glo-tf new-plugin NAME writes a plugin to begin with, and tests that pass, to a folder.

NAME is that of the folder, of the distribution and of its module: a Python identifier that no
installed module has. The README.md in the folder says how to install, test and use the plugin."""

_TEMPLATES = pathlib.Path(__file__).with_name("templates")


def new_plugin(arguments: Sequence[str]) -> str:
    """Does what the subcommand's arguments ask for.

    Args:
        arguments: The plugin's name, alone.

    Returns:
        What to tell the user.

    Raises:
        ValueError: If there are other arguments, or `write_plugin` refuses the name.
        OSError: If the files cannot be written.
    """
    if {"--help", "-h", "--helpfull"} & {*arguments}:
        return _USAGE
    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise InvalidArgumentError(
            f"Expected glo-tf new-plugin NAME. Received: {' '.join(arguments) or 'no name'}"
        )
    folder = write_plugin(arguments[0], pathlib.Path())
    return f"Wrote {folder}; its README.md says how to install, test and use it."


def write_plugin(name: str, parent: pathlib.Path) -> pathlib.Path:
    """Writes the folder `name`: setup.py, a module, README.md and tests.

    Args:
        name: Of the distribution and of its module.
        parent: Where the folder is made.

    Returns:
        The folder.

    Raises:
        ValueError: If the name is no Python identifier or another module has it, or the folder
            exists.
        OSError: If the files cannot be written.
    """
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
        raise InvalidArgumentError(
            f"Expected a Python identifier as the plugin's name. Received: '{name}'"
        )
    folder = parent / name
    if os.path.lexists(folder):
        raise InvalidArgumentError(
            f"Expected a name that is no folder here yet. Received: '{name}'"
        )
    if importlib.util.find_spec(name) is not None:
        raise InvalidArgumentError(
            f"Expected a name that no installed module has. Received: '{name}'"
        )
    folder.mkdir()
    try:
        (folder / "tests").mkdir()
        for path, template in {
            "setup.py": "setup.py",
            "README.md": "README.md",
            f"{name}.py": "module.py",
            f"tests/test_{name}.py": "test_plugin.py",
        }.items():
            text = (_TEMPLATES / f"{template}.template").read_text(encoding="utf-8")
            text = string.Template(text).substitute(name=name)
            (folder / path).write_text(text, encoding="utf-8")
    except BaseException:
        shutil.rmtree(
            folder, ignore_errors=True
        )  # half a plugin would be in the way of a whole one
        raise
    return folder
