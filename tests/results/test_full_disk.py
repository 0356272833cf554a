"""A disk that is full, or fails, at any change: one line, and nothing finished is lost."""

import json
import os
import pathlib
import shutil
import sys

import pytest
from side_programs import Program

HELPERS = pathlib.Path(__file__).parents[1] / "helpers"
_PRELOADED = """
cc -shared -fPIC -w -o "$0/faults.so" "$1" -ldl
shift
LD_PRELOAD="$0/faults.so" exec "$@"
"""
EVERY = int(os.environ.get("GLO_TF_EVERY_FAULT", "40"))
"""Every how manyth change of a file is failed; 1 takes about 20 minutes."""

SERIES = [
    ("search", "ENOSPC", "sticky"),
    ("search", "EIO", "once"),
    ("compare", "ENOSPC", "sticky"),
    ("compare", "EDQUOT", "once"),
]
FAULTS = Program(
    "faults",
    lambda folder: [
        *("sh", "-ec", _PRELOADED, str(folder), str(HELPERS / "faults.c")),
        *(sys.executable, str(HELPERS / "fault_injection.py"), str(folder), str(EVERY)),
        *map(" ".join, SERIES),
    ],
    needs=["tensorflow"],
    environment={"TF_CPP_MIN_LOG_LEVEL": "3"},
)


@pytest.mark.slow
@pytest.mark.timeout(900 + 40_000 // EVERY)
@pytest.mark.beside(FAULTS)
@pytest.mark.parametrize(("mode", "error", "times"), SERIES)
def test_a_run_whose_files_fail_is_continued_without_loss(beside, mode, error, times) -> None:
    if shutil.which("cc") is None or sys.platform != "linux":
        pytest.skip("it takes Linux and a C compiler to fail what a library asks of the system")
    injected = beside(FAULTS)
    assert injected.code == 0, injected.err
    answers = [json.loads(line) for line in injected.out.splitlines() if line.startswith("{")]
    (found,) = (one for one in answers if one["series"] == f"{mode} {error} {times}")
    assert found["problems"] == []
    assert found["points"] > 300
    assert set(found["ends"]) <= {"0", "1", "2"}
    assert found["ends"]["1"] >= 1
    print(f"{mode} {error} {times}: {found['points']} points, ends {found['ends']}, lost 0")
