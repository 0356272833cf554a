"""Plugins: data sets, architectures, search spaces, nodes and strategies, as entry points.

The built-ins are registered in `setup.py` exactly as a third party registers its own. Nodes are the
exception: those of the package are the grammar itself, which no other package can change.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import inspect
from typing import Any

GROUPS = (
    "glo_tf.datasets",
    "glo_tf.architectures",
    "glo_tf.search_spaces",
    "glo_tf.nodes",
    "glo_tf.strategies",
)


class PluginError(ValueError):
    """A plugin is unknown, broken, or registered under a name that is taken."""


@dataclasses.dataclass(frozen=True)
class PluginDescription:
    """A registered plugin.

    Attributes:
        name: Under which it is chosen.
        description: First line of its docstring; empty if it is broken.
        package: Distribution that registers it.
        error: Why it cannot be loaded; None if it can.
    """

    name: str
    description: str
    package: str
    error: str | None


def names(group: str) -> list[str]:
    """Names of a group's plugins, sorted."""
    return sorted(_entry_points(group))


def load(group: str, name: str) -> Any:
    """The object that a plugin registers: an `Operation` for nodes, a function for others.

    Args:
        group: One of `GROUPS`.
        name: The plugin's name.

    Raises:
        PluginError: If no plugin or several packages have the name, or if its import fails.
    """
    candidates = _entry_points(group).get(name, [])
    if not candidates:
        raise PluginError(
            f"Expected one of {', '.join(names(group))} ({group}). Received: '{name}'"
        )
    if len(candidates) > 1:
        packages = " and ".join(sorted(_package(entry) for entry in candidates))
        raise PluginError(
            f"Expected one package to register {group} '{name}'. Received: {packages}"
        )
    try:
        return candidates[0].load()
    except Exception as error:  # whatever a stranger's module raises, the message names the plugin
        raise PluginError(
            f"Expected the plugin '{name}' of {_package(candidates[0])} to load. "
            f"Received: {type(error).__name__}: {error}"
        ) from error


def describe(group: str) -> list[PluginDescription]:
    """All plugins of a group; one that does not load breaks only its own line."""
    descriptions = []
    for name, candidates in sorted(_entry_points(group).items()):
        description, problem = "", None
        try:
            doc = inspect.getdoc(load(group, name)) or ""
            description = doc.partition("\n")[0]
        except PluginError as error:
            problem = str(error)
        package = ", ".join(sorted(_package(entry) for entry in candidates))
        descriptions.append(PluginDescription(name, description, package, problem))
    return descriptions


def _entry_points(group: str) -> dict[str, list[importlib.metadata.EntryPoint]]:
    """Name to entry points, one per package that registers it."""
    if group not in GROUPS:
        raise PluginError(f"Expected one of {', '.join(GROUPS)}. Received: group='{group}'")
    found: dict[str, dict[str, importlib.metadata.EntryPoint]] = {}
    for entry in importlib.metadata.entry_points(group=group):
        # One package can be seen twice, as an editable install in its own source folder is.
        found.setdefault(entry.name, {}).setdefault(_package(entry), entry)
    return {name: list(packages.values()) for name, packages in found.items()}


def _package(entry: importlib.metadata.EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unknown package"
