"""`glo-tf new-plugin NAME --kind=KIND`: a plugin to begin with, which passes its tests."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import keyword
import os
import pathlib
import shutil
import string
import sys
from collections.abc import Sequence

from glo_tf.errors import InvalidArgumentError
from glo_tf.plugins.registry import GROUPS

_TEMPLATES = pathlib.Path(__file__).with_name("templates")


@dataclasses.dataclass(frozen=True)
class _Kind:
    """What is written of one kind of plugin.

    Attributes:
        group: Of its entry point.
        function: Of the module, which the entry point names.
        flag: That chooses it, and more that shows it in a short search.
    """

    group: str
    function: str
    flag: str


KINDS = {
    "dataset": _Kind(
        "glo_tf.datasets", "clouds", "--dataset={} --dataset_options=spread=0.5 --batch_size=50"
    ),
    "architecture": _Kind(
        "glo_tf.architectures", "mlp", "--architecture={} --architecture_options=units=32"
    ),
    "search_space": _Kind(
        "glo_tf.search_spaces", "space", "--search_space={} --search_space_options=leaf_weight=2"
    ),
    "operators": _Kind(
        "glo_tf.operators", "replacement", "--operators={} --operators_options=max_size=20"
    ),
    "strategy": _Kind("glo_tf.strategies", "workers", "--strategy={} --strategy_options=workers=1"),
}
"""By the words that `--kind` takes."""


def _kinds() -> str:
    return "\n".join(
        f"  {kind:<12}  {GROUPS[of_kind.group]} (group {of_kind.group}), for --{kind}"
        for kind, of_kind in KINDS.items()
    )


_USAGE = f"glo-tf new-plugin NAME --kind={'|'.join(KINDS)}"

_HELP = f"""{_USAGE}

Writes a plugin to begin with, and tests that pass, to a folder.

NAME is that of the folder, of the distribution and of its module: a Python identifier without an
underscore at either end, which no installed module or distribution has.

--kind says what it is; a terminal is asked where it is missing:
{_kinds()}

The README.md in the folder says how to install, test and use the plugin."""


def new_plugin(arguments: Sequence[str]) -> str:
    """Does what the subcommand's arguments ask for.

    A kind that is missing is asked for on a terminal.

    Args:
        arguments: The plugin's name, and `--kind=KIND`.

    Returns:
        What to tell the user.

    Raises:
        ValueError: If there are other arguments, no kind is chosen, or `write_plugin` refuses the
            name.
        OSError: If the files cannot be written.
    """
    if {"--help", "-h", "--helpfull"} & {*arguments}:
        return _HELP
    names, kinds = [], []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        flag, given, value = argument.partition("=")
        if flag == "--kind" and (given or rest):
            kinds.append(value if given else rest.pop(0))
        else:
            names.append(argument)
    if len(names) != 1 or names[0].startswith("-") or len(kinds) > 1:
        received = " ".join(arguments) if names else "no name"
        raise InvalidArgumentError(f"Expected {_USAGE}. Received: {received}")
    check_name(names[0], pathlib.Path())
    kind = kinds[0] if kinds else _asked(names[0])
    folder = write_plugin(names[0], kind, pathlib.Path())
    return f"Wrote {folder}; its README.md says how to install, test and use it."


def _asked(name: str) -> str:
    """The kind, from whoever sits at the terminal."""
    if not (sys.stdin and sys.stdin.isatty()):
        raise InvalidArgumentError(f"Expected {_USAGE}. Received: {name} without --kind")
    try:
        return input(f"What kind of plugin ({', '.join(KINDS)})? ").strip()
    except EOFError:
        raise InvalidArgumentError(f"Expected {_USAGE}. Received: no answer") from None


def check_name(name: str, parent: pathlib.Path) -> None:
    """Refuses names that a plugin cannot have.

    Args:
        name: Of the distribution and of its module.
        parent: Where the folder is to be made.

    Raises:
        ValueError: If the name is no Python identifier or none that a distribution can have,
            another module or distribution has it, or the folder exists.
    """
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
        raise InvalidArgumentError(
            f"Expected a Python identifier as the plugin's name. Received: '{name}'"
        )
    if name.strip("_") != name:  # pip would refuse it
        raise InvalidArgumentError(
            "Expected a plugin's name without an underscore at either end, as it becomes that of a "
            f"distribution. Received: '{name}'"
        )
    if os.path.lexists(parent / name):
        raise InvalidArgumentError(
            f"Expected a name that is no folder here yet. Received: '{name}'"
        )
    if importlib.util.find_spec(name) is not None:
        raise InvalidArgumentError(
            f"Expected a name that no installed module has. Received: '{name}'"
        )
    if _is_distribution(name):  # as scikit_learn is, in whose place it would be installed
        raise InvalidArgumentError(
            f"Expected a name that no installed distribution has. Received: '{name}'"
        )


def _is_distribution(name: str) -> bool:
    """Whether one of this name is installed; to pip, case, hyphens and underscores are alike."""
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def write_plugin(name: str, kind: str, parent: pathlib.Path) -> pathlib.Path:
    """Writes the folder `name`: setup.py, a module, README.md and tests.

    Args:
        name: Of the distribution and of its module.
        kind: One of `KINDS`.
        parent: Where the folder is made.

    Returns:
        The folder.

    Raises:
        ValueError: As `check_name`, and if there is no such kind.
        OSError: If the files cannot be written.
    """
    check_name(name, parent)
    if kind not in KINDS:
        raise InvalidArgumentError(f"Expected --kind={'|'.join(KINDS)}. Received: kind='{kind}'")
    of_kind = KINDS[kind]
    registered = f"{name}_{of_kind.function}"
    words = {
        "name": name,
        "registered": registered,
        "group": of_kind.group,
        "function": of_kind.function,
        "what": GROUPS[of_kind.group],
        "flags": of_kind.flag.format(registered),
    }
    folder = parent / name
    folder.mkdir()
    try:
        (folder / "tests").mkdir()
        for path, template in {
            "setup.py": "setup.py",
            "README.md": "README.md",
            f"{name}.py": f"{kind}.py",
            f"tests/test_{name}.py": f"test_{kind}.py",
        }.items():
            text = (_TEMPLATES / f"{template}.template").read_text(encoding="utf-8")
            text = string.Template(text).substitute(words)
            (folder / path).write_text(text, encoding="utf-8")
    except BaseException:
        shutil.rmtree(
            folder, ignore_errors=True
        )  # half a plugin would be in the way of a whole one
        raise
    return folder
