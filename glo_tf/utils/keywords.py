"""Functions whose keyword arguments are the fields of a dataclass, which declares them once.

Type checkers and editors see the fields as parameters, with their types and defaults; at run time
signatures and docstrings have them, too.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import itertools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

P = ParamSpec("P")
S = TypeVar("S")
D = TypeVar("D")
R = TypeVar("R")
T = TypeVar("T", bound=Callable[..., Any])

_SECTION = re.compile(r"\w+( \w+)?:")
_ENTRY = re.compile(r"    (\w+): ")


def takes(declared: Callable[P, D]) -> Callable[[Callable[[D], R]], Callable[P, R]]:
    """A decorator: the function is called with what makes a `declared`, and gets that.

    Args:
        declared: Class whose constructor has the parameters.
    """

    def decorate(function: Callable[[D], R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            _bind(function, signature, *args, **kwargs)
            return function(declared(*args, **kwargs))

        signature = inspect.signature(declared)
        returned = inspect.signature(function).return_annotation
        _show(wrapper, signature.replace(return_annotation=returned))
        return wrapper

    return decorate


def made_of(
    declared: Callable[P, D],
) -> Callable[[Callable[[S, D], None]], Callable[Concatenate[S, P], None]]:
    """As `takes`, for a class: a decorator of its `__init__`, which gets a `declared`."""

    def decorate(method: Callable[[S, D], None]) -> Callable[Concatenate[S, P], None]:
        @functools.wraps(method)
        def wrapper(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
            _bind(method, signature, *args, **kwargs)
            method(self, declared(*args, **kwargs))

        signature = inspect.signature(declared).replace(return_annotation=None)
        first = next(iter(inspect.signature(method).parameters.values()))
        _show(wrapper, signature.replace(parameters=[first, *signature.parameters.values()]))
        return wrapper

    return decorate


def documented(declared: type) -> Callable[[T], T]:
    """A decorator: the docstring gets the arguments that a dataclass declares, as its `Args`.

    Args:
        declared: Dataclass whose fields stand as `Attributes` in its docstring, or in those of its
            bases.
    """

    def decorate(thing: T) -> T:
        if thing.__doc__ is not None:  # as there is none with python -OO
            lines = inspect.cleandoc(thing.__doc__).splitlines()
            place = next((n for n, line in enumerate(lines) if _SECTION.fullmatch(line)), None)
            before, after = (lines, []) if place is None else (lines[:place], ["", *lines[place:]])
            while before and not before[-1]:
                before.pop()
            said = _attributes(declared)
            names = [name for name in inspect.signature(declared).parameters if name in said]
            entries = [line for name in names for line in said[name]]
            thing.__doc__ = "\n".join([*before, "", "Args:", *entries, *after])
        return thing

    return decorate


def descriptions(declared: type) -> dict[str, str]:
    """What the docstrings of a dataclass and of its bases say of its fields, each on one line."""
    return {
        name: " ".join(line.strip() for line in entry).removeprefix(f"{name}: ")
        for name, entry in _attributes(declared).items()
    }


def keywords(kind: type[D], config: DataclassInstance) -> D:
    """The fields of a dataclass that are keys of a `TypedDict`, as such."""
    known = {field.name for field in dataclasses.fields(config)}
    names = [name for name in kind.__annotations__ if name in known]
    return kind(**{name: getattr(config, name) for name in names})


def narrowed(kind: type[D], config: DataclassInstance, **changes: object) -> D:
    """A dataclass made of what it has in common with another one, and of changes."""
    known = {field.name for field in dataclasses.fields(config)}
    common = known & set(inspect.signature(kind).parameters) - set(changes)
    return kind(**{name: getattr(config, name) for name in common}, **changes)


def _attributes(declared: type) -> dict[str, list[str]]:
    """The entries under `Attributes`, each as its lines."""
    found: dict[str, list[str]] = {}
    for kind in reversed(declared.__mro__):
        entry: list[str] = []  # what stands before the first one is thrown away
        _, _, section = inspect.cleandoc(vars(kind).get("__doc__") or "").partition("Attributes:\n")
        for line in itertools.takewhile(lambda line: line.startswith(" "), section.splitlines()):
            if start := _ENTRY.match(line):
                entry = found[start[1]] = []
            entry.append(line)
    return found


def _show(function: Any, signature: inspect.Signature) -> None:
    """Gives a function the signature that it is shown with, and what Python keeps of one."""
    function.__signature__ = signature
    function.__kwdefaults__ = {
        parameter.name: parameter.default
        for parameter in signature.parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty
    }


def _bind(
    function: Callable[..., Any], signature: inspect.Signature, *args: Any, **kwargs: Any
) -> None:
    """Raises `TypeError` with the name of the function that was called, as Python does."""
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{function.__qualname__}() {error}") from None
