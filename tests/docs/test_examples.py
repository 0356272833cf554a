"""The scripts in examples/, with fewer generations."""

import pathlib
import runpy
import sys

import pytest

EXAMPLES = sorted((pathlib.Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_to_its_end(path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", [str(path), "--generations=1", "--train_steps=40"])
    runpy.run_path(str(path), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0][-12:] for line in lines[-2:]] == ["on test data"] * 2
