"""The README's code blocks run, and what its commands name exists."""

import pathlib
import re

import pytest

import glo_tf
from glo_tf import command_flags

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{len(block)} characters")
def test_a_python_block_runs(block) -> None:
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})


def test_the_make_targets_exist() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    named = set(re.findall(r"^make (\w+)", README, flags=re.MULTILINE))
    assert {"demo", "test"} <= named <= set(targets)


def test_the_flags_and_flagfiles_exist() -> None:
    commands = re.findall(r"glo-tf (--.*)", README)
    assert commands
    known = command_flags.define_flags()
    for name in re.findall(r"--(\w+)", " ".join(commands)):
        assert name == "flagfile" or name in known
    for name in re.findall(r"--flagfile=(\S+?\.flags)", README):
        assert (ROOT / "configs" / name).is_file()


def test_the_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists()


def test_the_results_in_the_repository_can_be_read() -> None:
    files = sorted((ROOT / "docs" / "results").glob("*/best_loss.json"))
    assert files
    for path in files:
        assert glo_tf.load_loss(path).expression in (path.parent / "history.csv").read_text()
