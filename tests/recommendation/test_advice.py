"""What contenders say: which loss to use, in one sentence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from glo_tf.data.split import Split
from glo_tf.metrics.mode import Mode
from glo_tf.recommendation.advice import advise
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.utils.statistics import compare_pairs

NOISE = np.array([0.004, -0.003, 0.001, 0.0, -0.002, 0.005, -0.004, 0.002])
OTHER = np.array([0.001, 0.002, -0.001, 0.003, 0.0, -0.002, 0.001, 0.002])


def row(name: str, values, rate: float = 0.1, metric: str = "accuracy", fitness=None):
    values = [None if value is None else float(value) for value in values]
    fitnesses = tuple(0.0 if v is None else v if fitness is None else fitness for v in values)
    return LossTrainings.of(
        name=name,
        tuned=True,
        expression=f"-(x*y) + {len(name)}",
        learning_rate=rate,
        train_fraction=1.0,
        seeds=tuple(range(len(values))),
        metric=metric,
        split=Split.TEST,
        values={Split.TEST: {metric: tuple((value,) for value in values)}},
        fitnesses=fitnesses,
    )


USUAL = row("cross-entropy", 0.9 + NOISE)


def test_a_better_loss_is_recommended_with_its_lead_and_its_equals() -> None:
    rows = [
        row("GCE(q=0.7)", 0.929 + NOISE + OTHER, 0.2),
        row("MAE", 0.928 + NOISE - OTHER, 5.0),
        USUAL,
        row("Focal", 0.9 + NOISE + OTHER * 0.1),
    ]
    name, tests, sentence = advise(rows, "cross-entropy", Mode.MAX)
    assert name == "GCE(q=0.7)"
    leads = [0.929 + NOISE + OTHER, 0.928 + NOISE - OTHER, 0.9 + NOISE + OTHER * 0.1]
    p = [stats.ttest_rel(values, 0.9 + NOISE).pvalue for values in leads]
    against_usual = [t for t in tests if t.baseline == "cross-entropy"]
    assert [t.p_value for t in against_usual] == pytest.approx(p)
    corrected = 3 * p[0] if p[0] <= p[1] else max(2 * p[0], 3 * p[1])
    assert against_usual[0].p_value_corrected == pytest.approx(corrected)
    digit, exponent = f"{corrected:.0e}".split("e")
    assert sentence == (
        "Use GCE(q=0.7) at 0.2: +3.0 points over cross-entropy at its own rate "
        f"(p = {digit}e{int(exponent)}); equal within noise: MAE at 5."
    )
    assert [t.loss for t in tests if t.baseline == "GCE(q=0.7)"] == ["MAE", "Focal"]


def test_validation_data_choose_among_the_better_ones() -> None:
    rows = [USUAL, row("a", 0.95 + NOISE, fitness=0.7), row("b", 0.93 + OTHER, fitness=0.8)]
    assert advise(rows, "cross-entropy", Mode.MAX)[0] == "b"


def test_the_usual_loss_stays_where_nothing_is_better() -> None:
    rows = [USUAL, row("close", 0.9005 + OTHER, 0.3), row("worse", 0.8 + NOISE + OTHER)]
    name, _, sentence = advise(rows, "cross-entropy", Mode.MAX)
    assert name == "cross-entropy"
    assert sentence == (
        "Keep cross-entropy at 0.1: nothing is better; equal within noise: close at 0.3."
    )
    _, _, sentence = advise([USUAL, rows[2]], "cross-entropy", Mode.MAX)
    assert sentence == "Keep cross-entropy at 0.1: nothing is better."


def test_of_errors_less_is_better_in_their_own_unit() -> None:
    usual = row("squared error", 41.0 + 100 * NOISE, metric="mean_absolute_error")
    huber = row("Huber(delta=7)", 38.5 + 100 * OTHER, 0.02, "mean_absolute_error", fitness=0.03)
    name, _, sentence = advise([usual, huber], "squared error", Mode.MIN)
    assert name == "Huber(delta=7)"
    assert sentence.startswith("Use Huber(delta=7) at 0.02: -2.463 mean_absolute_error over ")


@pytest.mark.parametrize(
    ("usual", "other", "name", "said"),
    [
        ([None, 0.9], [0.8, 0.81], "other", "Use other at 0.1: with cross-entropy 1 of 2"),
        ([None], [None], None, "Use none of these losses"),
        ([0.9], [0.99], "cross-entropy", "Keep cross-entropy at 0.1: with one fresh seed"),
        ([0.9, 0.91], [None, 0.99], "cross-entropy", "Keep cross-entropy at 0.1: nothing"),
        ([0.9, 0.9], [0.9, 0.9], "cross-entropy", "Keep cross-entropy at 0.1: nothing"),
    ],
)
def test_trainings_that_failed_or_are_too_few_recommend_nothing(usual, other, name, said) -> None:
    rows = [row("cross-entropy", usual), row("other", other)]
    found, _, sentence = advise(rows, "cross-entropy", Mode.MAX)
    assert found == name
    assert sentence.startswith(said)
    assert sentence.endswith(".")


def test_the_usual_loss_alone_stays() -> None:
    assert advise([USUAL], "cross-entropy", Mode.MAX) == (
        "cross-entropy",
        [],
        "Keep cross-entropy at 0.1: no other loss came to its end.",
    )


@given(st.lists(st.tuples(*[st.integers(0, 1000)] * 2), min_size=2, max_size=12))
def test_pairs_are_compared_as_scipy_does(pairs) -> None:
    one, other = (np.array(part) / 1000 for part in zip(*pairs, strict=True))
    found = compare_pairs(one.tolist(), other.tolist(), (0.0, 1.0))
    assert found.difference == pytest.approx(np.mean(one - other), abs=1e-12)
    if len(set((one - other).tolist())) > 1 and np.std(one - other) > 1e-9:
        expected = stats.ttest_rel(one, other)
        low, high = expected.confidence_interval(0.95)
        assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
        assert found.interval == pytest.approx((max(low, -1.0), min(high, 1.0)), abs=1e-9)
