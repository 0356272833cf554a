"""A disk that is full, or fails, at any change: one line, and nothing finished is lost."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parents[1] / "helpers"
EVERY = int(os.environ.get("GLO_TF_EVERY_FAULT", "40"))
"""Every how manyth change of a file is failed; 1 takes about 20 minutes."""


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> pathlib.Path:
    """What fails the changes, to be preloaded."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("it takes Linux and a C compiler to fail what a library asks of the system")
    path = tmp_path_factory.mktemp("faults") / "faults.so"
    source = str(HERE / "faults.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", path, source, "-ldl"], check=True)
    return path


@pytest.mark.timeout(300 + 40_000 // EVERY)
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
    tmp_path, library, mode, error, times
) -> None:
    ended = subprocess.run(
        [sys.executable, HERE / "fault_injection.py", mode, error, times, str(EVERY), tmp_path],
        env={**os.environ, "LD_PRELOAD": str(library), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["problems"] == []
    assert found["points"] > 300
    assert set(found["ends"]) <= {"0", "1", "2"}
    assert found["ends"]["1"] >= 1
    print(f"{mode} {error} {times}: {found['points']} points, ends {found['ends']}, lost 0")
