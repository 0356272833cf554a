"""What a comparison says, of trainings whose values are given."""

import pytest

from glo_tf.comparison.verdict import against_baseline, verdict
from glo_tf.results.comparison import TUNED, LossTrainings

LOW, HIGH, SAME = [0.80, 0.81, 0.82], [0.90, 0.91, 0.92], [0.801, 0.811, 0.82]


def entry(name: str, values: list, rate: float = 0.01) -> LossTrainings:
    return LossTrainings.of(
        "accuracy",
        {"accuracy": tuple((value,) for value in values)},
        name=name,
        expression=f"x*{name.removesuffix(TUNED)}",
        learning_rate=rate,
        train_fraction=1.0,
        seeds=tuple(range(len(values))),
    )


def said(given: tuple, tuned: tuple | None = None, mode: str = "max", **others) -> str:
    """Of a loss and the baseline, each at the given rate and perhaps at its own."""
    entries = [entry("loss", given[0]), entry("base", given[1])]
    if tuned:
        entries += [entry("loss" + TUNED, tuned[0], 0.02), entry("base" + TUNED, tuned[1], 0.1)]
    tests = against_baseline(entries, "accuracy", "base")
    return verdict(entries, tests, metric="accuracy", mode=mode, baseline="base", **others)


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
    assert said((HIGH, LOW), mode="min").startswith("loss is worse than base (+0.1000")
    assert said((SAME, LOW)).startswith("loss does not differ significantly from base")


def test_trainings_with_the_given_rate_as_their_own_are_one_hypothesis() -> None:
    others = [entry("base" + TUNED, LOW, 0.1), entry("base", SAME)]
    once = against_baseline([entry("loss" + TUNED, HIGH), *others], "accuracy", "base")
    entries = [entry("loss", HIGH), entry("loss" + TUNED, HIGH), *others]
    twice = against_baseline(entries, "accuracy", "base")
    corrected = [
        {test.loss: test.p_value_corrected for test in tests if test.baseline == "base" + TUNED}
        for tests in (once, twice)
    ]
    assert corrected[1].pop("loss") == corrected[0]["loss" + TUNED]
    assert corrected[1] == corrected[0]


def test_what_cannot_be_tested_is_said() -> None:
    assert "no test is possible, n = 1" in said(([0.9], [0.8]))
    failed = said(([0.9, None, 0.9], LOW))
    assert failed.startswith("loss cannot be compared with base, as trainings failed,")
    assert failed.endswith("Trainings failed: loss (1 of 3).")


def test_a_tuning_that_ended_at_its_edge_is_said() -> None:
    assert said((HIGH, LOW), at_edge=["loss"]).endswith("a better one may lie beyond: loss.")


def test_the_correction_is_for_all_that_is_compared_with_a_baseline() -> None:
    entries = [entry("base", LOW), entry("one", HIGH), entry("other", SAME)]
    one, other = against_baseline(entries, "accuracy", "base")
    assert one.p_value_corrected == pytest.approx(2 * one.p_value)
    assert other.p_value_corrected == other.p_value
