"""The tables of results in the documentation are what their data says."""

import importlib.util
import pathlib
import re

import pytest

import glo_tf

DOCS = pathlib.Path(__file__).parents[2] / "docs"


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("make_results", DOCS / "make_results.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_up_to_date_and_complete(script) -> None:
    text = (DOCS / "results" / "paper.md").read_text(encoding="utf-8")
    assert text == script.page(text), "run python docs/make_results.py"
    folders = {path.parent.name for path in (DOCS / "results").glob("*/comparison.json")}
    assert folders == set(re.findall(r"<!-- \w+ (\w+) -->", text))


def test_the_figures_are_those_that_the_page_shows(script) -> None:
    text = (DOCS / "results" / "paper.md").read_text(encoding="utf-8")
    on_page = {DOCS / "results" / path for path in re.findall(r"\]\(([\w/]+\.png)\)", text)}
    assert on_page == set(script.shown(text))
    folders = {DOCS / "results", *(path.parent for path in on_page)}
    assert on_page == {p for f in folders for p in f.iterdir() if p.suffix in (".png", ".svg")}


def test_a_table_has_a_row_for_each_entry(script) -> None:
    for path in (DOCS / "results").glob("*/comparison.json"):
        comparison = glo_tf.Comparison.load(path)
        rows = script.end_table(comparison).splitlines()[2:]
        assert len(rows) == len(comparison.losses)
        for row, entry in zip(rows, comparison.losses, strict=True):
            assert entry.name in row
            assert entry.mean is None or f" {entry.mean:.4f} " in row
