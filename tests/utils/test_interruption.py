"""Signals at any moment of the command line: an exit code of their own, and never a traceback."""

import os
import signal
import subprocess
import sys

import pytest

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}

# Sends the signal when the named module is about to be imported: a moment, and no time.
AT_IMPORT = """
import importlib.abc, os, runpy, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Finder())
sys.argv = ["glo-tf", "--flagfile=digits.flags", "--output_dir={folder}"]
from glo_tf.main import cli
cli()
"""


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=hear_interrupts,
    )


def started(code: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,
    )


def hear_interrupts() -> None:
    """A test run in the background may ignore SIGINT, and its children with it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "number"),
    [
        *((name, signal.SIGINT) for name in ("wrapt", "glo_tf.main", "absl", "keras")),
        *((name, signal.SIGINT) for name in ("sklearn.datasets", "glo_tf.training.task")),
        *((name, signal.SIGTERM) for name in ("absl", "tensorflow.python")),
    ],
)
def test_a_signal_while_a_search_starts_ends_it_at_once(tmp_path, module, number) -> None:
    folder = tmp_path / "out"
    ended = run(AT_IMPORT.format(module=module, number=int(number), folder=folder))
    assert ended.returncode == CODES[number]
    assert ended.stdout == "Ended before its time.\n"
    assert ended.stderr == ""
    assert not folder.exists()


@pytest.mark.parametrize("number", CODES)
def test_a_signal_is_heard_while_c_code_keeps_the_main_thread(number) -> None:
    code = (
        "import os, threading\n"
        "from glo_tf.utils.interruption import Exit\n"
        "Exit().__enter__()\n"
        f"threading.Timer(0.2, os.kill, (os.getpid(), {int(number)})).start()\n"
        "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)\n"
    )
    assert run(code).returncode == CODES[number]


def test_a_second_signal_is_heard_while_c_code_keeps_the_main_thread() -> None:
    code = (
        "import hashlib, os, threading, time\n"
        "from glo_tf.utils.interruption import Interruption\n"
        "def twice():\n"
        "    for _ in range(2): time.sleep(0.2); os.kill(os.getpid(), 2)\n"
        "with Interruption():\n"
        "    threading.Thread(target=twice).start()\n"
        "    hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)\n"
    )
    ended = run(code)
    assert (ended.returncode, ended.stderr) == (130, "")


@pytest.mark.slow
def test_the_second_interrupt_ends_at_once() -> None:
    code = (
        "import os, time\n"
        "from glo_tf.utils.interruption import Interruption\n"
        "with Interruption():\n"
        "    try:\n"
        "        os.write(1, b'ready\\n'); time.sleep(600)\n"
        "    except KeyboardInterrupt:\n"
        "        os.write(1, b'ending\\n'); time.sleep(600)\n"
    )
    with started(code) as process:
        assert process.stdout is not None
        for line in ("ready\n", "ending\n"):  # between them, a thread answers the signal
            assert line in process.stdout
            process.send_signal(signal.SIGINT)
        assert process.wait() == 130


@pytest.mark.parametrize(
    ("handling", "line"),
    [
        ("contextlib.nullcontext", "Ended before its time.\n"),
        ("interruption.Interruption", "Ending; once more ends at once.\n"),
    ],
)
def test_a_signal_is_acknowledged_while_nothing_of_python_runs(handling, line) -> None:
    """C code that never gives back the interpreter's lock, so that no handler or thread runs."""
    code = (
        "import contextlib, itertools, sys\n"
        "sys.argv = ['glo-tf']\n"
        "import glo_tf\n"
        "from glo_tf.utils import interruption\n"
        f"with {handling}():\n"
        "    print('held', flush=True); sum(itertools.repeat(0))\n"
    )
    with started(code) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == line
            assert process.poll() is None
        finally:
            process.kill()
        assert process.stdout.read() == ""  # its end: no process is left behind


def test_signals_of_a_forked_child_are_its_own() -> None:
    code = (
        "import os, signal, time\n"
        "from glo_tf.utils.interruption import Interruption\n"
        "with Interruption():\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        try:\n"
        "            os.kill(os.getpid(), 2); os.kill(os.getpid(), 2)\n"
        "        finally: os._exit(7)\n"
        "    os.waitpid(child, 0)\n"
        "    time.sleep(0.2)\n"
        "    try: os.kill(os.getpid(), 2); time.sleep(600)\n"
        "    except KeyboardInterrupt: os.write(1, b'in order\\n')\n"
    )
    ended = run(code)
    assert ended.returncode == 0
    # Two threads say it, in either order.
    assert sorted(ended.stdout.splitlines()) == ["Ending; once more ends at once.", "in order"]


def test_an_ignored_signal_stays_ignored() -> None:
    code = (
        "import os, signal\n"
        "signal.signal(2, signal.SIG_IGN)\n"
        "from glo_tf.utils.interruption import Exit, Interruption\n"
        "with Exit(), Interruption(): os.kill(os.getpid(), 2)\n"
    )
    assert run(code).returncode == 0


def test_a_library_leaves_signals_alone() -> None:
    code = "import signal, glo_tf, glo_tf.main; print(signal.getsignal(2))"
    assert "default_int_handler" in run(code).stdout


@pytest.mark.parametrize("device", ["/dev/full"])
def test_an_output_that_takes_nothing_is_one_line(device) -> None:
    if not os.path.exists(device):
        pytest.skip(f"there is no {device}")
    with open(device, "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "glo_tf.main", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith("glo-tf: error: Expected a standard output to write to")
    assert ended.stderr.count("\n") == 1
