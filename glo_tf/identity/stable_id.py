"""Names for the package's own classes and functions in what tells one search from another.

A study that describes them by their modules would be another's as soon as one moves. So they go by
an id that is theirs for good, wherever they are and whatever they are called later.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import TypeVar

from glo_tf.errors import InvalidArgumentError

_PACKAGE = __name__.partition(".")[0]

Named = type | types.FunctionType

_T = TypeVar("_T", bound=Callable[..., object])

# By what they belong to, and its address: an attribute would be inherited, and copied by
# `functools.wraps`, and a user's metaclass may leave its classes without a hash.
_given: dict[int, tuple[object, str]] = {}


def stable_id(name: str) -> Callable[[_T], _T]:
    """Gives a class or a function its id, which stays as it is where the code changes its place.

    Args:
        name: That nothing else in the package has.

    Raises:
        ValueError: If something else has it.

    Example:
        >>> from glo_tf.identity.stable_id import stable_id, stable_name
        >>> @stable_id("an_example")
        ... class Renamed:
        ...     pass
        >>> stable_name(Renamed)
        'glo_tf:an_example'
    """

    def give(thing: _T) -> _T:
        for other, known in _given.values():
            if known == name and _path(other) != _path(thing):  # else its module was reloaded
                raise InvalidArgumentError(
                    f"Expected an id of its own. Received: {name}, of {_path(other)}"
                )
        _given[id(thing)] = thing, name
        return thing

    return give


def is_ours(thing: Named) -> bool:
    """Whether a class or function is of this package."""
    return has_stable_id(thing) or (thing.__module__ or "").partition(".")[0] == _PACKAGE


def has_stable_id(thing: Named) -> bool:
    """Whether a class or function was given an id."""
    return id(thing) in _given


def stable_name(thing: Named) -> str:
    """What a class or function is called in descriptions.

    Returns:
        The id of one that has one. Others of this package go by their names without their modules;
        all else has its full path, as where users' code stands belongs to it.
    """
    if has_stable_id(thing):
        return f"{_PACKAGE}:{_given[id(thing)][1]}"
    if is_ours(thing):
        return f"{_PACKAGE}:{thing.__qualname__}"
    return _path(thing)


def _path(thing: object) -> str:
    return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"
