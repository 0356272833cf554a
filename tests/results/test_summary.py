"""What results, searches, comparisons and records say of themselves."""

import copy
import dataclasses
import re
from xml.etree import ElementTree

import pytest
from hashed_search import make_search, trained_by_hashes
from three_classes import LABELS, SAMPLES, build_model

import glo_tf
from glo_tf.results.summary import answer


@pytest.fixture(scope="module")
def searched():
    with pytest.MonkeyPatch.context() as patch:
        trained_by_hashes(patch)
        search = make_search(coefficient_expressions=0)
        return search, search.run(verbose=0)


def test_each_is_one_line_that_says_what_it_is(searched) -> None:
    search, result = searched
    assert repr(search) == (
        "LossSearch(discovery and coefficients in 'glo', 3 classes, softmax; fitness: accuracy)"
    )
    loss = result.found.loss
    assert (
        repr(result) == f"SearchResult('{loss}', accuracy={result.best_value:.4f}, 60 candidates)"
    )
    record = result.records[-1]
    assert repr(record) == (
        f"Record('{record.loss}', fitness={record.fitness:.6g}, {record.source}, discovery 3.20)"
    )
    comparison = glo_tf.LossComparison(
        build_model, (SAMPLES, LABELS), (SAMPLES, LABELS), None, ["baikal"], batch_size=10
    )
    assert repr(comparison) == (
        "LossComparison(cross-entropy, baikal; 3 classes, softmax; fitness: accuracy)"
    )
    assert repr(result.comparison).startswith("Comparison(best loss, cross-entropy")
    assert repr(result.comparison).count("\n") == 0
    nothing = dataclasses.replace(result, best=None, found=None)
    assert repr(nothing) == "SearchResult(no loss, 60 candidates)"


def test_a_summary_is_one_screen(searched, capsys) -> None:
    _, result = searched
    result.summary()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 30
    assert lines[: len(answer(result))] == answer(result)
    for row in result.comparison.losses:
        assert any(line.startswith(f"  {row.label} ") and row.shown in line for line in lines)
    assert result.hall_of_fame_table
    for row in result.hall_of_fame_table:
        size, fitness = f"  {row['size']} ", f"{row['fitness']:.4f}  {row['learning_rate']:.4g} "
        found = [line for line in lines if line.endswith(f" {row['loss']}")]
        assert any(size in line and fitness in line for line in found)
    assert lines[-1].startswith("60 candidates (")


def test_the_answer_comes_first_and_says_what_to_do(searched, tmp_path) -> None:
    _, result = searched
    said = answer(result)
    assert said[0].startswith(("Yes: ", "No: ", "In part: "))
    assert not any("Load it" in line for line in said)
    interrupted = dataclasses.replace(result, interrupted=True, comparison=result.comparison[:0])
    assert "Ended before its time" in answer(interrupted)[0]


def tables(text: str) -> list[ElementTree.Element]:
    text = re.sub(r"&(?!lt|gt|amp|quot|#)\w+;", "", text)  # which HTML knows, and XML does not
    return list(ElementTree.fromstring(f"<div>{text}</div>").iter("table"))


def test_notebooks_show_formulas_and_tables(searched) -> None:
    _, result = searched
    compared, front = tables(result._repr_html_())
    assert len(list(compared.iter("tr"))) == 1 + len(result.comparison.losses)
    assert len(list(front.iter("tr"))) == 1 + len(result.hall_of_fame)
    assert len(list(front.iter("math"))) == len(result.hall_of_fame)
    (alone,) = tables(result.hall_of_fame._repr_html_())
    assert ElementTree.tostring(alone) == ElementTree.tostring(front)
    assert copy.copy(result)._repr_html_() == result._repr_html_()
    # What is wider than a phone scrolls, each table by itself.
    text = result._repr_html_()
    assert text.count('<div style="overflow-x:auto"><table>') == text.count("<table>") == 2


@pytest.mark.parametrize("name", ["Baikal", "CrossEntropy"])
def test_losses_are_formulas_in_notebooks_and_one_line_elsewhere(name) -> None:
    loss = getattr(glo_tf, name)()
    assert loss._repr_latex_() == f"${loss.latex()}$"
    assert repr(loss) == f"{name}('{loss.expression}')"
    loss = glo_tf.ExpressionLoss("-(x*log(y))")
    assert repr(loss) == "ExpressionLoss('-(x*log(y))')"
    expression = glo_tf.Expression.parse("-(x*log(y))")
    assert expression._repr_latex_() == f"${expression.latex()}$"
