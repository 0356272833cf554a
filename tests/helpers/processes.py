"""Python in processes of its own, started quickly: a server has imported TensorFlow."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pathlib
import resource
import runpy
import signal
import site
import sqlite3
import subprocess
import sys
import tempfile
import time
import types
import unittest.mock
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from typing import Any

import blank_figure
import fork_server
import forked_workers
import pytest
import quick_process
from fork_server import CONTEXT

SEARCH = (
    "--population_size=20",
    "--generations=3",
    "--train_steps=100",
    "--learning_rate=0.1",
    "--coefficient_generations=2",
    "--finalists=2",
    "--comparison_seeds=1",
    "--seed=3",
    "--jit_compile=false",
)
"""A whole search on digits, with every phase, in a few seconds."""

_TESTS = pathlib.Path(__file__).parents[1]


def needs_ray() -> None:
    """Skips where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("the extra 'ray' is not installed")


def start(
    output_dir: pathlib.Path,
    *flags: str,
    devices: int = 0,
    file_size: int | None = None,
    own_workers: bool = False,
) -> ForkServerProcess:
    """Starts a search; its output goes to `FOLDER.out` and `FOLDER.err`.

    What TensorFlow says when it looks for devices, before the search silences it, is left out, and
    so are the figures of its report.

    Args:
        output_dir: Of the search.
        *flags: Beside those of `SEARCH`.
        devices: Logical CPU devices.
        file_size: Bytes that no file may pass: a full disk.
        own_workers: Whether its worker processes are its children, as they are for users, and not
            forks of the server.
    """
    arguments = ("glo-tf", *SEARCH, f"--output_dir={output_dir}", *flags)
    given = (arguments, str(output_dir), devices, file_size, own_workers)
    process = CONTEXT.Process(target=_run, args=given)
    with unittest.mock.patch.dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3"):
        process.start()  # the first one starts the server, too
    return process


def run(output_dir: pathlib.Path, *flags: str, **options: Any) -> int | None:
    """Runs a search to its end, and returns its exit code."""
    process = start(output_dir, *flags, **options)
    try:
        process.join()
    finally:
        process.kill()
    return process.exitcode


def python(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: pathlib.Path | None = None,
    sites: Sequence[pathlib.Path] = (),
) -> subprocess.CompletedProcess[str]:
    """Runs `python -c CODE ...` or `python -m MODULE ...`, with TensorFlow imported before.

    Figures of reports are left out. Not for what shows how a process starts, or what it imports.

    Args:
        *arguments: Of Python.
        env: The environment; of Python's own variables, PYTHONPATH alone counts.
        cwd: Where it runs.
        sites: Folders that packages are installed in, beside those of this process.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder, name) for name in ("out", "err")]
        environment = dict(os.environ if env is None else env)
        where = str(cwd or pathlib.Path.cwd())
        given = (arguments, environment, where, [*map(str, files)], [*map(str, sites)])
        process = CONTEXT.Process(target=_python, args=given)
        with unittest.mock.patch.dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3"):
            process.start()
        try:
            process.join()
        finally:
            process.kill()
        assert process.exitcode is not None
        out, err = (path.read_text() if path.exists() else "" for path in files)
    return subprocess.CompletedProcess(list(arguments), process.exitcode, out, err)


def _python(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    folder: str,
    files: list[str],
    sites: list[str],
) -> None:
    quick_process.begin()
    _redirect(files)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    given = environment.get("PYTHONPATH", "").split(os.pathsep)
    others = [path for path in sys.path if not pathlib.Path(path).is_relative_to(_TESTS)]
    sys.path[:] = [folder, *filter(None, given), *others]
    for place in sites:
        site.addsitedir(place)
    option, what, *rest = arguments
    sys.argv[:] = [option, *rest]
    with blank_figure.blank():
        if option == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
            return
        assert option == "-c"
        sys.modules["__main__"] = main = types.ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), vars(main))


def _redirect(files: list[str]) -> None:
    """Standard output and error into these."""
    for stream, name in zip((1, 2), files, strict=True):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, stream)


def wait_for(condition: Callable[[], bool], process: ForkServerProcess | None = None) -> None:
    """Waits for something to come true, however slow the machine is; pytest ends what hangs.

    Args:
        condition: What is waited for.
        process: One without which it cannot come true any more.
    """
    while not condition():
        ended = process is not None and process.exitcode is not None
        assert not ended or condition(), f"it ended with exit code {process.exitcode}"
        time.sleep(0.05)


def _run(
    arguments: tuple[str, ...],
    name: str,
    devices: int,
    file_size: int | None,
    own_workers: bool,
) -> None:
    quick_process.begin()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
    _redirect([f"{name}.out", f"{name}.err"])
    if file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    if devices:
        import tensorflow as tf

        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * devices
        )
    from glo_tf.cli.main import main

    fork_server.share()
    workers = contextlib.nullcontext() if own_workers else forked_workers.forked()
    with blank_figure.blank(), workers:
        sys.exit(main(arguments))


def trainings(output_dir: pathlib.Path) -> dict[int, sqlite3.Row]:
    """The rows of the study that were trained, by their number."""
    path = output_dir / "study.db"
    if not path.exists():
        return {}
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        rows = connection.execute("SELECT * FROM evaluations WHERE trained").fetchall()
    finally:
        connection.close()
    return {row["id"]: row for row in rows}


def results(output_dir: pathlib.Path) -> tuple[bytes, bytes]:
    """What a search leaves, byte for byte."""
    names = ("history.csv", "best_loss.json")
    history, best_loss = ((output_dir / name).read_bytes() for name in names)
    return history, best_loss
