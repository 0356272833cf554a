"""Charts: data that a page can hold, with text that is shown as it is."""

import json

import example_comparison
import pytest
from example_records import RECORDS

from glo_tf.report.charts import Chart, wrapped
from glo_tf.report.comparison_charts import accuracy_chart, curves_chart
from glo_tf.report.search_charts import fitness_chart, pareto_chart


def test_a_pointer_shows_loss_and_fitness() -> None:
    candidates, front = pareto_chart(RECORDS, "validation accuracy").data
    assert candidates["text"] == ["-(x*square(y))", "-(x*log(y))", "-(log(y) - x/y)"]
    assert candidates["y"] == [0.95, 0.9, 0.8]
    assert front["y"] == [0.95]  # of four nodes, as cross-entropy
    best, mean = fitness_chart(RECORDS, "validation accuracy").data
    assert best["y"] == [0.9, 0.95]
    assert mean["y"] == pytest.approx([1.7 / 3, 0.95])
    assert best["customdata"] == [
        ["discovery 1", "-(x*log(y))"],
        ["coefficients 1", "-(x*square(y))"],
    ]


def test_names_are_no_markup() -> None:
    entries = {"cross-entropy": [0.9, 0.91], "<a href='x'>$y$\u202e": [0.9, 0.92]}
    text = accuracy_chart(example_comparison.of(entries)).json()
    assert "<a" not in text
    assert "&lt;a" in text
    assert "\u202e" not in json.loads(text)["layout"]["yaxis"]["ticktext"][1]
    assert len(wrapped("x*y + " * 200).split("<br>")) == 6


def test_what_is_no_number_is_a_gap() -> None:
    comparison = example_comparison.of({"cross-entropy": [0.9, None], "failed": [None, None]})
    assert json.loads(curves_chart(comparison).json())["data"][1]["y"] == [None]
    assert json.loads(Chart([{"y": [float("inf"), 1.23456789]}], {}).json()) == {
        "data": [{"y": [None, 1.23457]}],
        "layout": {},
    }


def test_a_collapse_is_told_and_stretches_no_axis() -> None:
    comparison = example_comparison.of(
        {"cross-entropy": [0.97, 0.971, 0.972], "wild": [0.97, 0.1, 0.98]}
    )
    layout = accuracy_chart(comparison).layout
    assert layout["annotations"][0]["text"] == "1 of 3 seeds: 0.1"
    low, high = layout["xaxis"]["range"]
    assert 0.96 < low < high < 0.99
