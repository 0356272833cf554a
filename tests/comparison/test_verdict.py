"""What a comparison says, of trainings whose values are given."""

import dataclasses

import pytest

from glo_tf.comparison.verdict import against_baseline, conclude, verdict
from glo_tf.data.split import Split
from glo_tf.metrics.mode import Mode
from glo_tf.results.comparison import Comparison
from glo_tf.results.loss_trainings import LossTrainings

LOW, HIGH, SAME = [0.80, 0.81, 0.82], [0.90, 0.91, 0.92], [0.801, 0.811, 0.82]


def entry(name: str, values: list, tuned_rate: float | None = None) -> LossTrainings:
    return LossTrainings.of(
        name=name,
        tuned=tuned_rate is not None,
        expression=f"x*{name}",
        learning_rate=tuned_rate or 0.01,
        train_fraction=1.0,
        seeds=tuple(range(len(values))),
        metric="accuracy",
        split=Split.TEST,
        values={Split.TEST: {"accuracy": tuple((value,) for value in values)}},
        fitnesses=tuple(value or 0.0 for value in values),
    )


def said(given: tuple, tuned: tuple | None = None, mode: Mode = Mode.MAX, **others) -> str:
    """Of a loss and the baseline, each at the given rate and perhaps at its own."""
    entries = [entry("loss", given[0]), entry("base", given[1])]
    if tuned:
        entries += [entry("loss", tuned[0], 0.02), entry("base", tuned[1], 0.1)]
    return concluded(entries, mode, **others).verdict


def concluded(entries: list[LossTrainings], mode: Mode = Mode.MAX, **others) -> Comparison:
    return conclude(
        entries,
        metric="accuracy",
        mode=mode,
        split=Split.TEST,
        steps=(10,),
        baseline="base",
        **others,
    )


@pytest.mark.parametrize(
    ("given", "tuned", "ending"),
    [
        ((HIGH, LOW), (HIGH, LOW), "the lead survives."),
        ((HIGH, LOW), (HIGH, HIGH), "the lead does not survive."),
        ((HIGH, LOW), (LOW, HIGH), "the lead does not survive."),
        ((LOW, LOW), (HIGH, LOW), "it leads with its own only."),
        ((LOW, HIGH), (LOW, SAME), "there is no lead."),
        ((HIGH, LOW), ([0.9], [0.8]), "whether a lead survives cannot be said."),
    ],
)
def test_a_lead_has_to_survive_tuned_learning_rates(given, tuned, ending) -> None:
    text = said(given, tuned)
    assert text.endswith(ending)
    assert "with a learning rate of its own for each (0.02, base 0.1)" in text


def test_the_direction_of_the_metric_counts() -> None:
    assert said((HIGH, LOW)).startswith("loss beats base (+0.1000 accuracy, 95% CI +0.0773 to +0.1")
    assert said((HIGH, LOW), mode=Mode.MIN).startswith("loss is worse than base (+0.1000")
    assert said((SAME, LOW)).startswith("loss does not differ significantly from base")


def test_trainings_with_the_given_rate_as_their_own_are_one_hypothesis() -> None:
    others = [entry("base", LOW, 0.1), entry("base", SAME)]
    once = against_baseline([entry("loss", HIGH, 0.01), *others], "base")
    entries = [entry("loss", HIGH), entry("loss", HIGH, 0.01), *others]
    twice = against_baseline(entries, "base")
    corrected = [
        {(t.loss, t.tuned): t.p_value_corrected for t in tests if t.baseline_tuned}
        for tests in (once, twice)
    ]
    assert corrected[1].pop(("loss", False)) == corrected[0]["loss", True]
    assert corrected[1] == corrected[0]


def test_what_is_the_baseline_itself_is_no_hypothesis() -> None:
    """As where a search finds the usual loss, or the rate that suits the baseline is the given."""
    same = dataclasses.replace(entry("loss", LOW), expression="x*base")
    entries = [same, entry("other", SAME), entry("base", LOW), entry("base", LOW, 0.01)]
    tests = against_baseline(entries, "base")
    assert [
        (t.loss, t.baseline_tuned, t.difference, t.p_value) for t in tests if t.loss != "other"
    ] == [
        ("loss", True, 0.0, None),
        ("base", True, 0.0, None),
        ("loss", False, 0.0, None),
    ]
    for test in tests:
        if test.loss == "other":
            assert test.p_value_corrected == test.p_value  # of one test alone
    first, _ = concluded(entries).verdict.splitlines()
    assert first == (
        "loss is base itself at the given learning rate; with a learning rate tuned for base "
        "alone (0.01) it is base itself: there is no lead."
    )


@pytest.mark.parametrize(
    ("values", "ending"),
    [
        ((HIGH, LOW, LOW), "the lead survives."),
        ((HIGH, LOW, HIGH), "the lead does not survive."),
        ((HIGH, LOW, SAME), "the lead survives."),
        ((LOW, HIGH, HIGH), "there is no lead."),
        ((LOW, HIGH, LOW), "there is no lead."),
        ((HIGH, HIGH, LOW), "it leads there only."),
        (([0.9], [0.8], [0.8]), "whether a lead survives cannot be said."),
    ],
)
def test_a_lead_has_to_survive_a_rate_that_was_tuned_for_the_baseline_alone(values, ending) -> None:
    found, usual, tuned = values
    entries = [entry("best loss", found), entry("base", usual), entry("base", tuned, 0.1)]
    comparison = concluded(entries)
    assert comparison.verdict.startswith("best loss ")
    assert "; with a learning rate tuned for base alone (0.1) it " in comparison.verdict
    assert comparison.verdict.endswith(ending)
    assert (comparison.baseline, comparison.baseline_tuned) == ("base", True)
    best, given, own = comparison
    assert comparison.test_of(own) is None
    assert comparison.test_of(best).baseline_label == "base, tuned learning rate"
    assert comparison.test_of(given).label == "base"


@pytest.mark.parametrize("ending", [", tuned learning rate", " tuned", ", tuned"])
def test_no_part_of_a_name_means_anything(ending) -> None:
    entries = [entry("loss" + ending, HIGH), entry("base" + ending, LOW), entry("base", SAME)]
    tests = against_baseline(entries, "base" + ending)
    assert [(t.loss, t.tuned, t.baseline, t.baseline_tuned) for t in tests] == [
        ("loss" + ending, False, "base" + ending, False),
        ("base", False, "base" + ending, False),
    ]
    text = verdict(entries, tests, mode=Mode.MAX, baseline="base" + ending)
    assert text.startswith(f"loss{ending} beats base{ending} (")


def test_nothing_that_was_compared_is_empty_and_false() -> None:
    nothing = concluded([])
    assert not nothing
    assert (list(nothing), nothing.tests, nothing.verdict) == ([], (), "")


def test_what_cannot_be_tested_is_said() -> None:
    assert "no test is possible, n = 1" in said(([0.9], [0.8]))
    failed = said(([0.9, None, 0.9], LOW))
    assert failed.startswith("loss cannot be compared with base, as trainings failed,")
    assert failed.endswith("Trainings failed: loss (1 of 3).")


def test_a_tuning_that_ended_at_its_edge_is_said() -> None:
    assert said((HIGH, LOW), at_edge=["loss"]).endswith("a better one may lie beyond: loss.")


def test_the_correction_is_for_all_that_is_compared_with_a_baseline() -> None:
    entries = [entry("base", LOW), entry("one", HIGH), entry("other", SAME)]
    one, other = against_baseline(entries, "base")
    assert one.p_value_corrected == pytest.approx(2 * one.p_value)
    assert other.p_value_corrected == other.p_value
