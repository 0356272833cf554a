"""What expressions name and plugins add: known at once, or loaded when it is first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from glo_tf.plugins.registry import PluginError, load, names


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Kind = TypeVar("_Kind", bound=_Named)


def all_names(known: Mapping[str, object], group: str) -> list[str]:
    """Names of what is known so far, and of what installed packages have.

    Args:
        known: By name.
        group: Of entry points.
    """
    return list(dict.fromkeys([*known, *names(group)]))


def find_on_use(
    name: str,
    known: Mapping[str, _Kind],
    group: str,
    kind: type[_Kind],
    register: Callable[[_Kind], None],
) -> _Kind | None:
    """What has this name, loaded if an installed package has it; None if nothing has.

    Args:
        name: That an expression uses.
        known: What is known so far, by name.
        group: Of entry points, each of which is what it is named like.
        kind: Class of what they are.
        register: Makes what is loaded known.

    Raises:
        PluginError: If several packages register the name, or what one registers is something else.
    """
    if name not in known:
        if name not in names(group):
            return None
        loaded = load(group, name)
        if not isinstance(loaded, kind) or loaded.name != name:
            article = "an" if kind.__name__[0] in "AEIOU" else "a"
            raise PluginError(
                f"Expected {group} '{name}' to be {article} {kind.__name__} named '{name}'. "
                f"Received: {loaded!r}"
            )
        register(loaded)
    return known[name]
