"""Which modules are libraries, whose code their version tells, and which are the user's."""

from __future__ import annotations

import functools
import importlib.metadata
import pathlib
import re
import sys

from glo_tf import plugins


def library_version(module: str | None) -> str | None:
    """The version of the library that a module belongs to; None for a user's module.

    Libraries are the standard library, this package, and what is installed, in a folder for that or
    another (`pip install --target`); but for packages that register plugins, which are under
    development as a user's code is.
    """
    root = (module or "").partition(".")[0]
    if root == "glo_tf" or root in sys.stdlib_module_names:
        return ""  # glo_tf's version and Python's stand beside the hash
    loaded = sys.modules.get(root)
    places = [getattr(loaded, "__file__", None), *getattr(loaded, "__path__", [])]
    installed = any(_installed(root, pathlib.Path(place)) for place in places if place)
    if not installed or root in _plugin_roots():
        return None
    return str(getattr(loaded, "__version__", "")) or _version(root)


def _installed(root: str, place: pathlib.Path) -> bool:
    if not {"site-packages", "dist-packages"}.isdisjoint(place.parts):
        return True
    return any(root in _recorded(folder) for folder in (place.parent, place.parent.parent))


@functools.cache
def _recorded(folder: pathlib.Path) -> frozenset[str]:
    """Modules that wheels brought into a folder; what lies beside them is the user's."""
    return frozenset(
        re.split(r"[/.,]", line.lstrip('"'), maxsplit=1)[0]
        for found in importlib.metadata.distributions(path=[str(folder)])
        for line in (found.read_text("RECORD") or "").splitlines()
    )


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


@functools.cache
def _plugin_roots() -> set[str]:
    """Packages that register something with this one."""
    entries = importlib.metadata.entry_points()
    return {
        entry.module.partition(".")[0]
        for group in plugins.GROUPS
        for entry in entries.select(group=group)
    }
