"""What a search prints: as it goes, and at its end what was found and how it compares."""

import dataclasses
import io
import pathlib

import pytest
from hashed_search import make_search, trained_by_hashes
from rich.console import Console

from glo_tf.display.comparison import show_comparison
from glo_tf.display.search import ProgressDisplay, show_result
from glo_tf.expressions.tree import Expression
from glo_tf.results.search_result import SearchResult


def shown(show, width: int = 200) -> str:
    file = io.StringIO()
    show(Console(file=file, width=width))
    return file.getvalue()


@pytest.fixture(scope="module")
def searched() -> tuple[SearchResult, str]:
    with pytest.MonkeyPatch.context() as patch:
        trained_by_hashes(patch)
        file = io.StringIO()
        display = ProgressDisplay(Console(file=file, width=200))
        return make_search(callbacks=[display], comparison_seeds=3).run(), file.getvalue()


def test_a_line_for_each_generation_and_the_result(searched) -> None:
    result, text = searched
    lines = [line for line in text.splitlines() if line.startswith("discovery ")]
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    assert text.endswith(shown(lambda console: show_result(result, console)))
    assert f"Best loss: {result.best.loss}\n" in text
    first = result.confirmation[0]
    assert f"with {len(first.seeds)} other seeds: {first.shown} (95% CI; best of " in text


def test_the_comparison_is_shown_as_any_other(searched) -> None:
    result, text = searched
    table = shown(lambda console: show_comparison(result.comparison, console))
    assert table in text
    assert table.endswith(f"{result.comparison.verdict}\n")
    title = " ".join(table.partition("┏")[0].split())
    assert title == (
        "Validation data after 10 steps, n = 3, ± 95% CI; "
        "against cross-entropy, tuned learning rate: difference, corrected p"
    )
    rows = [line for line in table.splitlines() if line.startswith("│")]
    assert len(rows) == 3
    for row, entry in zip(rows, result.comparison, strict=True):
        name, rate, mean, difference, p = (cell.strip() for cell in row.strip("│").split("│"))
        assert (name, mean) == (entry.name, entry.shown)
        assert rate == f"{entry.learning_rate:g}" + " tuned" * entry.tuned
        test = result.comparison.test_of(entry)
        assert difference == ("" if test is None else f"{test.difference:+.4f}")
        assert p == ("" if test is None else f"{test.p_value_corrected:.2g}")


@pytest.mark.parametrize("width", [60, 80])
def test_narrow_terminals_break_sentences_but_nothing_that_is_copied(searched, width) -> None:
    result, _ = searched
    loss = Expression.parse(" + ".join(["-(x*log(y))"] * 9))
    found = dataclasses.replace(result.found, loss=loss)
    result = dataclasses.replace(result, found=found, folder=pathlib.Path("runs/" + "long " * 15))
    file = io.StringIO()
    terminal = Console(file=file, width=width, force_terminal=True, color_system=None)
    show_result(result, terminal)
    lines = file.getvalue().splitlines()
    for line in lines:
        copied = line.startswith(("Best loss: ", "Load it: ", "Report: "))
        assert len(line) <= width or copied
    assert f"Best loss: {loss}" in lines
    rows = [line.strip("│ ") for line in lines]
    for entry in result.comparison:  # names and numbers of the table stay in one piece
        test = result.comparison.test_of(entry)
        difference = "" if test is None else f"{test.difference:+.4f}"
        assert any(row.startswith(entry.name) and difference in row for row in rows)


def test_where_nothing_was_compared_there_is_no_table(searched) -> None:
    result, _ = searched
    nothing = dataclasses.replace(result.comparison, losses=(), tests=(), verdict="")
    ended = dataclasses.replace(result, comparison=nothing, confirmation=[], interrupted=True)
    text = shown(lambda console: show_result(ended, console))
    assert "Ended before its time" in text
    assert "│" not in text
    assert "other seed" not in text
