"""What Python's bytecode does, without where it stands: no lines, files, names or docstrings."""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

_HAS_DOCSTRING = 0x4000000  # a flag of code objects, from Python 3.13 on

Path = tuple[str, ...]


class Step(NamedTuple):
    """One instruction.

    Attributes:
        name: Of the operation.
        argument: The name that it uses, or a number.
        constants: The constant that it uses, if any.
    """

    name: str
    argument: str | int | None
    constants: tuple[Any, ...]


def read(code: types.CodeType) -> tuple[tuple[object, ...], list[Step]]:
    """How code is called and goes on after errors, and its instructions."""
    arguments = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    flags = code.co_flags & ~_HAS_DOCSTRING
    return (arguments, names, flags, code.co_exceptiontable), list(map(_step, _steps(code)))


def references(code: types.CodeType) -> set[Path]:
    """Global names that code and the code within it read, each with the attributes after it."""
    paths: set[Path] = set()
    path: Path = ()
    for step in _steps(code):
        if path and step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            path = (*path, step.argval)
            continue
        if path:
            paths.add(path)
        path = (step.argval,) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") else ()
    return paths.union(*map(references, _within(code)))


def imports(code: types.CodeType) -> set[tuple[str, int]]:
    """Modules that code and the code within it import, each with its number of leading dots."""
    steps = list(_steps(code))
    found = {
        # The level and the list of names are put on the stack before.
        (step.argval, int(steps[place - 2].argval or 0))
        for place, step in enumerate(steps)
        if step.opname == "IMPORT_NAME"
    }
    return found.union(*map(imports, _within(code)))


def _step(step: dis.Instruction) -> Step:
    if step.opcode in dis.hasconst:
        return Step(step.opname, None, (step.argval,))
    return Step(step.opname, step.argval if isinstance(step.argval, str) else step.arg, ())


def _steps(code: types.CodeType) -> Iterator[dis.Instruction]:
    """Without those that only widen the argument of the next one."""
    return (step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG")


def _within(code: types.CodeType) -> Iterator[types.CodeType]:
    return (part for part in code.co_consts if isinstance(part, types.CodeType))
