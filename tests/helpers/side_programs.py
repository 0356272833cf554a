"""Long programs that run beside the tests, in the time in which these wait for others."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import processes
import pytest

_POLITE = 5
"""How much a program gives way to the tests (`nice`)."""


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


def begin(programs: Sequence[Program], folder: pathlib.Path) -> threading.Thread:
    """Runs programs, one after another, and leaves in `folder` what they say."""
    thread = threading.Thread(target=_run, args=(programs, folder), daemon=True)
    thread.start()
    return thread


def result(program: Program, folder: pathlib.Path) -> Ended:
    """Waits until a program has ended, in whichever process of the tests it was begun."""
    for library in program.needs:
        pytest.importorskip(library)
    own = folder / program.name
    processes.wait_for((own / "code").exists)
    code, out, err = ((own / name).read_text() for name in ("code", "out", "err"))
    return Ended(own, int(code), out, err)


def _run(programs: Sequence[Program], folder: pathlib.Path) -> None:
    for program in programs:
        if not all(map(importlib.util.find_spec, program.needs)):
            continue
        own = folder / program.name
        own.mkdir(parents=True)
        with (own / "out").open("w") as out, (own / "err").open("w") as err:
            done = subprocess.run(
                ["nice", f"-n{_POLITE}", *program.command(own)],
                env={**os.environ, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        (own / "code.new").write_text(str(done.returncode))
        (own / "code.new").rename(own / "code")
