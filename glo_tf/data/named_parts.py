"""The arrays of a structure with names, without Keras: as data sets are given by plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def named_parts(name: str, structure: Any) -> Iterator[tuple[str, Any]]:
    """The leaves of dicts, lists and tuples: `x_train['image']`, `y_train[0]`."""
    if isinstance(structure, dict):
        for key, part in structure.items():
            yield from named_parts(f"{name}[{key!r}]", part)
    elif _is_list_of_parts(structure):
        for place, part in enumerate(structure):
            yield from named_parts(f"{name}[{place}]", part)
    else:
        yield name, structure


def of_each(function: Callable[[Any], Any], structure: Any) -> Any:
    """The structure with what a function makes of each leaf."""
    if isinstance(structure, dict):
        return {key: of_each(function, part) for key, part in structure.items()}
    if _is_list_of_parts(structure):
        return [of_each(function, part) for part in structure]
    return function(structure)


def _is_list_of_parts(structure: Any) -> bool:
    """No list of numbers, text or rows, which is to be an array."""
    return isinstance(structure, list | tuple) and not any(
        isinstance(item, str | float | list | tuple) for item in structure
    )


def keys_of(structure: Any) -> list[str]:
    """Where the leaves are, whatever they are: equal for structures that fit."""
    return sorted(name for name, _ in named_parts("", structure))
