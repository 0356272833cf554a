"""Plugins: data sets, architectures, search spaces and what they are made of, as entry points.

The built-ins are registered in `setup.py` exactly as a third party registers its own. Nodes and
leaves are the exception: those of the package are the grammar itself, which no other package can
change. What each group expects of a plugin is in `docs/plugins.md`, and checked by
`glo_tf.testing`.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import inspect
import os
import pkgutil
import sys
import time
from collections.abc import Iterable
from typing import Any

from glo_tf.errors import GloError, shown
from glo_tf.errors import PluginError as PluginError
from glo_tf.plugins.options import Option, OptionValue, convert, declared
from glo_tf.utils.alike import did_you_mean

GROUPS = {
    "glo_tf.datasets": "data set",
    "glo_tf.architectures": "architecture",
    "glo_tf.search_spaces": "search space",
    "glo_tf.operators": "genetic operators",
    "glo_tf.nodes": "node",
    "glo_tf.leaves": "leaf",
    "glo_tf.strategies": "strategy",
}
"""Entry-point groups, and what messages call their plugins."""

_MADE = {
    "glo_tf.datasets": ("glo_tf.datasets:Dataset", "a glo_tf.Dataset"),
    "glo_tf.architectures": ("keras:Model", "a keras.Model"),
    "glo_tf.search_spaces": ("glo_tf.search.spaces.space:SearchSpace", "a glo_tf.SearchSpace"),
    "glo_tf.operators": (
        "glo_tf.search.genetic.evolution:Operators",
        "an object with breed(select, rng)",
    ),
    "glo_tf.strategies": ("glo_tf.strategies.base:Strategy", "a glo_tf.strategies.Strategy"),
}
"""What functions return: its class, and what messages call it. Other groups register objects."""

_RECENT = 2.0  # seconds within which a folder may change again and keep its time of change

_EntryPoints = dict[str, list[importlib.metadata.EntryPoint]]
"""Name to entry points, one per package that registers it."""

_Folders = tuple[tuple[str, int, int], ...]
"""Where packages are installed: path, inode, time of the last change."""

_known: tuple[_Folders, dict[str, _EntryPoints]] | None = None


@dataclasses.dataclass(frozen=True)
class PluginDescription:
    """A registered plugin.

    Attributes:
        name: Under which it is chosen.
        description: First line of its docstring; empty if it is broken.
        package: Distribution that registers it.
        error: Why it cannot be loaded; None if it can.
        options: Its own options, with types and defaults.
    """

    name: str
    description: str
    package: str
    error: str | None
    options: tuple[Option, ...] = ()


def names(group: str) -> list[str]:
    """Names of a group's plugins, sorted."""
    return sorted(_entry_points(group))


def load(group: str, name: str) -> Any:
    """The object that a plugin registers: an `Operation` or `Leaf`, a function for others.

    Args:
        group: One of `GROUPS`.
        name: The plugin's name.

    Raises:
        PluginError: If no plugin or several packages have the name, if its import fails, or if it
            is no function where the group's are.
    """
    candidates = _entry_points(group).get(name, [])
    if not candidates:
        known = names(group)
        raise PluginError(
            f"Expected one of {', '.join(known)} ({group}){did_you_mean(name, known)}. "
            f"Received: '{name}'"
        )
    if len(candidates) > 1:
        packages = " and ".join(sorted(_package(entry) for entry in candidates))
        raise PluginError(
            f"Expected one package to register {group} '{name}'. Received: {packages}"
        )
    owner = f"the plugin '{name}' of {_package(candidates[0])}"
    try:
        plugin = candidates[0].load()
    except (Exception, SystemExit) as error:  # whatever a stranger's module does
        raise PluginError(
            f"Expected {owner} to load. Received: {type(error).__name__}: {error}"
        ) from error
    if group in _MADE and not callable(plugin):
        raise PluginError(f"Expected {owner} to be a function. Received: {shown(plugin)}")
    return plugin


def make(group: str, name: str, /, *arguments: Any, **options: Any) -> Any:
    """What a plugin's function returns.

    Args:
        group: One of `GROUPS`, of functions.
        name: The plugin's name.
        *arguments: What functions of the group take.
        **options: Further arguments, the plugin's own options among them.

    Raises:
        PluginError: As `load`, if the function refuses what it is given by a `ValueError`, and if
            it returns something else than functions of the group do. Other errors of it are its
            own, as they are no user's.
    """
    function = load(group, name)
    try:
        made = function(*arguments, **options)
    except GloError:
        raise
    except ValueError as error:
        raise PluginError(str(error)) from error
    where, what = _MADE[group]
    if not isinstance(made, pkgutil.resolve_name(where)) or isinstance(made, type):
        raise PluginError(
            f"Expected {GROUPS[group]} '{name}' to return {what}. Received: {shown(made)}"
        )
    return made


def options(group: str, name: str) -> tuple[Option, ...]:
    """The options that a plugin declares.

    Raises:
        PluginError: If it cannot be loaded, or declares an option that text cannot stand for.
    """
    plugin = load(group, name)
    if group not in _MADE:  # a node or leaf is an object
        return ()
    try:
        return declared(plugin)
    except TypeError as error:
        raise PluginError(f"{error} of {GROUPS[group]} '{name}'") from error


def parse_options(group: str, name: str, texts: Iterable[str]) -> dict[str, OptionValue]:
    """Keyword arguments for a plugin's function, from `name=value` texts.

    Args:
        group: One of `GROUPS`.
        name: The plugin's name.
        texts: See `plugin_options.convert`.

    Raises:
        ValueError: If an option is unknown or missing, or a text does not convert.
    """
    return convert(f"{GROUPS[group]} '{name}'", options(group, name), texts)


def describe(group: str) -> list[PluginDescription]:
    """All plugins of a group; one that does not load breaks only its own line."""
    descriptions = []
    for name, candidates in sorted(_entry_points(group).items()):
        description, problem = "", None
        own: tuple[Option, ...] = ()
        try:
            doc = inspect.getdoc(load(group, name)) or ""
            description = doc.partition("\n")[0]
            own = options(group, name)
        except PluginError as error:
            problem = str(error)
        package = ", ".join(sorted(_package(entry) for entry in candidates))
        descriptions.append(PluginDescription(name, description, package, problem, own))
    return descriptions


def _entry_points(group: str) -> _EntryPoints:
    """The group's entry points, looked for again where a package was installed or removed."""
    global _known
    if group not in GROUPS:
        raise PluginError(f"Expected one of {', '.join(GROUPS)}. Received: group='{group}'")
    folders = _folders()
    if _known is None or _known[0] != folders:
        found = _scan()
        newest = max((changed for *_, changed in folders), default=0)
        if time.time_ns() - newest < _RECENT * 1e9:
            return found[group]
        _known = folders, found
    return _known[1][group]


def _folders() -> _Folders:
    folders = []
    for path in sys.path:
        try:
            state = os.stat(path or ".")
        except OSError:  # as Python's own python311.zip
            continue
        folders.append((path, state.st_ino, state.st_mtime_ns))
    return tuple(folders)


def _scan() -> dict[str, _EntryPoints]:
    """Reads the entry points of all installed packages; takes milliseconds."""
    entries = importlib.metadata.entry_points()
    groups: dict[str, _EntryPoints] = {}
    for group in GROUPS:
        found: dict[str, dict[str, importlib.metadata.EntryPoint]] = {}
        for entry in entries.select(group=group):
            # One package can be seen twice, as an editable install in its own source folder is.
            found.setdefault(entry.name, {}).setdefault(_package(entry), entry)
        groups[group] = {name: list(packages.values()) for name, packages in found.items()}
    return groups


def _package(entry: importlib.metadata.EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unknown package"
