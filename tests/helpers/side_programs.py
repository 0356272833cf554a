"""Long programs that run beside the tests, in the time in which these wait for others."""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import processes
import pytest
import run_beside


class Program(NamedTuple):
    """What tests look at when it has ended; they are marked `beside(program)`.

    Attributes:
        name: Of its folder.
        command: Its arguments, given a folder that it may write to.
        needs: Libraries, without which it is not run, and its tests skip.
        environment: Variables beside those of the tests.
    """

    name: str
    command: Callable[[pathlib.Path], Sequence[str]]
    needs: Sequence[str]
    environment: Mapping[str, str] = {}


class Ended(NamedTuple):
    """What became of a program.

    Attributes:
        folder: That it wrote to.
        code: Its exit code.
        out: Standard output.
        err: Standard error.
    """

    folder: pathlib.Path
    code: int
    out: str
    err: str


def begin(programs: Sequence[Program], folder: pathlib.Path) -> None:
    """Runs programs, one after another; they end with this process at the latest."""
    given = []
    for program in programs:
        if all(map(importlib.util.find_spec, program.needs)):
            own = folder / program.name
            own.mkdir(parents=True)
            command, environment = [*program.command(own)], dict(program.environment)
            given.append({"name": program.name, "command": command, "environment": environment})
    arguments = [sys.executable, run_beside.__file__, str(os.getpid()), str(folder)]
    subprocess.run(arguments, input=json.dumps(given), text=True, check=True)


def wait(folder: pathlib.Path) -> None:
    """Waits until all have ended."""
    processes.wait_for(lambda: all((own / "code").exists() for own in folder.iterdir()))


def result(program: Program, folder: pathlib.Path) -> Ended:
    """Waits until a program has ended, in whichever process of the tests it was begun."""
    for library in program.needs:
        pytest.importorskip(library)
    own = folder / program.name
    processes.wait_for((own / "code").exists)
    code, out, err = ((own / name).read_text() for name in ("code", "out", "err"))
    return Ended(own, int(code), out, err)
