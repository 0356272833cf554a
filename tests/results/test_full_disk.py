"""A disk that is full, or fails, at any change: one line, and nothing finished is lost."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

HERE = pathlib.Path(__file__).parents[1] / "helpers"
EVERY = int(os.environ.get("GLO_TF_EVERY_FAULT", "40"))
"""Every how manyth change of a file is failed; 1 takes about 20 minutes."""


@pytest.fixture(scope="module")
def injector(tmp_path_factory) -> Iterator[subprocess.Popen]:
    """A process whose file system fails as it is told; it has imported TensorFlow."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("it takes Linux and a C compiler to fail what a library asks of the system")
    path = tmp_path_factory.mktemp("faults") / "faults.so"
    source = str(HERE / "faults.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", path, source, "-ldl"], check=True)
    with subprocess.Popen(
        [sys.executable, HERE / "fault_injection.py"],
        env={**os.environ, "LD_PRELOAD": str(path), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        yield process
        process.stdin.close()


@pytest.mark.slow
@pytest.mark.timeout(900 + 40_000 // EVERY)
@pytest.mark.parametrize(
    ("mode", "error", "times"),
    [
        ("search", "ENOSPC", "sticky"),
        ("search", "EIO", "once"),
        ("compare", "ENOSPC", "sticky"),
        ("compare", "EDQUOT", "once"),
    ],
)
def test_a_run_whose_files_fail_is_continued_without_loss(
    tmp_path, injector, mode, error, times
) -> None:
    injector.stdin.write(f"{mode} {error} {times} {EVERY} {tmp_path}\n")
    found = json.loads(next(line for line in injector.stdout if line.startswith("{")))
    assert found["problems"] == []
    assert found["points"] > 300
    assert set(found["ends"]) <= {"0", "1", "2"}
    assert found["ends"]["1"] >= 1
    print(f"{mode} {error} {times}: {found['points']} points, ends {found['ends']}, lost 0")
