"""What a comparison says in one line, and which losses collapse."""

import dataclasses

import pytest
from example_comparison import entry, of

from glo_tf.comparison.verdict import against
from glo_tf.metrics.mode import Mode
from glo_tf.results.outcomes import (
    ComparisonOutcome,
    collapse_sentence,
    collapses,
    headline,
    headline_of,
    outcome,
)

STEADY = [0.970, 0.971, 0.972, 0.973]


def test_an_outcome_is_that_of_the_corrected_test() -> None:
    (test,) = of({"cross-entropy": STEADY, "better": [v + 0.02 for v in STEADY]}).tests
    assert outcome(test, Mode.MAX) == ComparisonOutcome.WIN
    assert outcome(test, Mode.MIN) == ComparisonOutcome.LOSS
    assert (
        outcome(dataclasses.replace(test, p_value_corrected=0.06), Mode.MAX)
        == ComparisonOutcome.TIE
    )
    untested = dataclasses.replace(test, p_value_corrected=None)
    assert outcome(untested, Mode.MAX) == ComparisonOutcome.UNKNOWN
    assert outcome(dataclasses.replace(untested, difference=0.0), Mode.MAX) == ComparisonOutcome.TIE
    assert (
        outcome(dataclasses.replace(untested, difference=None), Mode.MAX)
        == ComparisonOutcome.UNKNOWN
    )


def test_a_headline_is_one_line_that_answers() -> None:
    better, worse = [v + 0.02 for v in STEADY], [v - 0.02 for v in STEADY]
    one = headline(of({"cross-entropy": STEADY, "a": better}))
    assert one.startswith("Yes: a beats cross-entropy (+0.0200 test accuracy, 95% interval +0.0")
    assert one.endswith("n = 4).")
    several = of({"cross-entropy": STEADY, "a": better, "b": worse, "c": [*STEADY[:3], 0.9731]})
    assert headline(several).startswith("Yes: a beats cross-entropy (+0.0200")
    assert headline(several).endswith("; 1 ties with it; 1 loses to it.")
    assert headline_of(several, "b").startswith("No: b is worse than cross-entropy (-0.0200")
    none = of({"cross-entropy": STEADY, "b": worse, "c": [*STEADY[:2], 0.9721, 0.973]})
    assert (
        headline(none) == "No: none of 2 losses beats cross-entropy; 1 ties with it; 1 loses to it."
    )
    assert headline(of({"cross-entropy": [0.9], "a": [0.95]})).startswith(
        "Nobody can say: a cannot"
    )
    assert headline(of({"cross-entropy": STEADY})) == ""
    assert headline_of(none, "d") == ""


def test_a_loss_that_is_the_baseline_is_called_so() -> None:
    """As where a search finds the usual loss: neither a difference of 0, nor a matter of doubt."""
    same = dataclasses.replace(entry("a", STEADY), expression="-(x*log(y))")
    usual = dataclasses.replace(entry("cross-entropy", STEADY), expression="-(x*log(y))")
    tests = against([same], usual)
    comparison = dataclasses.replace(
        of({"cross-entropy": STEADY}), losses=(usual, same), tests=tuple(tests)
    )
    assert headline(comparison) == headline_of(comparison, "a") == "No: a is cross-entropy itself."


@pytest.mark.parametrize(
    ("mode", "values", "collapsed"),
    [
        (Mode.MAX, {"a": STEADY, "b": [0.97, 0.1, 0.98, 0.97]}, {1: [0.1]}),
        (Mode.MAX, {"a": STEADY, "b": [0.1, 0.97]}, {1: [0.1]}),
        (Mode.MAX, {"a": STEADY, "b": [0.1, 0.1, 0.11, 0.98]}, {1: [0.1, 0.1, 0.11]}),
        (Mode.MAX, {"a": STEADY, "b": [0.6, 0.61, 0.6, 0.62]}, {}),  # weak, with all seeds
        (Mode.MAX, {"a": [0.5, 0.6, 0.7, 0.8], "b": [0.45, 0.62, 0.7, 0.85]}, {}),  # all vary
        (Mode.MAX, {"a": STEADY, "b": [0.972, 0.96, 0.95, 0.97]}, {}),
        (Mode.MIN, {"a": [0.30, 0.31, 0.32], "b": [0.29, 1e6, 0.3]}, {1: [1e6]}),
        (Mode.MIN, {"a": [0.30, 0.31, 0.32], "b": [0.29, 0.33, 0.3]}, {}),
        (Mode.MAX, {"a": [0.97], "b": [0.1]}, {}),
        (Mode.MAX, {"a": STEADY, "b": [0.97, None, 0.1]}, {1: [0.1]}),
        (Mode.MAX, {"a": [None]}, {}),
    ],
)
def test_a_loss_collapses_where_it_trains_with_some_seeds_only(mode, values, collapsed) -> None:
    entries = [entry(name, ends) for name, ends in values.items()]
    assert collapses(entries, mode) == collapsed


def test_a_collapse_is_told() -> None:
    entries = [entry("a", STEADY), entry("b", [0.97, 0.1, 0.98, 0.97])]
    assert collapse_sentence(entries, Mode.MAX) == (
        "Collapses on some seeds: b (on 1 of 4 seeds, to 0.1000)."
    )
    assert collapse_sentence(entries[:1], Mode.MAX) == ""
    assert "Collapses on some seeds: b" in of({"cross-entropy": STEADY, "b": [0.97, 0.1]}).verdict
