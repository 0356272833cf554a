"""Worker processes that are forks of a server, which has imported TensorFlow.

They begin in a tenth of the time that those of users take, and do all else as these do.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest
import quick_process
from fork_server import CONTEXT

from glo_tf.strategies import process
from glo_tf.strategies.environment import environment

_of_users = process._start


@contextlib.contextmanager
def forked() -> Iterator[None]:
    """Workers are forks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_start", _Fork)
        yield


@contextlib.contextmanager
def started() -> Iterator[None]:
    """Workers start as those of users do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_start", _of_users)
        yield


class _Fork:
    """As much of `subprocess.Popen` as is asked of a worker; a child of the server."""

    def __init__(self, theirs: Connection) -> None:
        printed, prints = multiprocessing.Pipe(duplex=False)
        ready, says_so = multiprocessing.Pipe(duplex=False)
        path = [place for place in sys.path if isinstance(place, str)]
        given = (theirs, prints, says_so, path, os.environ | environment())
        self._process = CONTEXT.Process(target=_serve, args=given, daemon=True)
        self._process.start()
        prints.close()
        says_so.close()
        with ready:
            ready.recv()
        self.stdout = os.fdopen(os.dup(printed.fileno()), "rb")
        printed.close()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired("a forked worker", timeout)
        return self._process.exitcode


def _serve(
    theirs: Connection,
    prints: Connection,
    says_so: Connection,
    path: list[str],
    variables: dict[str, str],
) -> None:
    os.setpgid(0, 0)
    for stream in (1, 2):
        os.dup2(prints.fileno(), stream)
    prints.close()
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(variables)
    quick_process.begin()
    with says_so:
        says_so.send(None)
    process.serve(theirs.fileno(), os.getppid())
