"""`--preset`: which of several sizes wins."""

import pathlib

import pytest

import glo_tf
from glo_tf.cli.flags import parse_flags

QUICK = glo_tf.preset("quick")


def sizes(*arguments: str):
    values = parse_flags(["glo-tf", *arguments])
    return {name: values[name].value for name in QUICK}


def test_a_preset_sets_all_phases_and_wins_over_the_flags_of_a_file() -> None:
    assert sizes("--preset=quick") == QUICK
    assert sizes("--flagfile=mnist.flags", "--preset=quick") == QUICK
    assert sizes("--preset", "paper") == glo_tf.preset("paper")


@pytest.mark.parametrize("before", [["--elites=3"], ["--elites", "3"], ["-elites=3"]])
def test_a_flag_of_the_command_line_wins_wherever_it_stands(before) -> None:
    expected = QUICK | {"elites": 3}
    file = "--flagfile=mnist_quick.flags"
    assert sizes(*before, "--preset=quick") == expected
    assert sizes(file, "--preset=quick", *before) == expected
    assert sizes("--preset=standard", "--preset=quick", *before) == expected


def test_flags_beside_a_preset_of_the_same_file_win_over_it(tmp_path) -> None:
    path = pathlib.Path(tmp_path, "own.flags")
    path.write_text("--generations=9\n--preset=quick\n--elites=3\n")
    assert sizes(f"--flagfile={path}") == QUICK | {"generations": 9, "elites": 3}
    assert sizes(f"--flagfile={path}", "--preset=standard") == glo_tf.preset("standard")


def test_flags_that_a_run_has_written_repeat_it(tmp_path) -> None:
    values = parse_flags(["glo-tf", "--preset=quick", "--elites=3"])
    path = pathlib.Path(tmp_path, "search.flags")
    path.write_text("\n".join(values[n].serialize() for n in ("preset", *QUICK)))
    assert sizes(f"--flagfile={path}") == QUICK | {"elites": 3}
