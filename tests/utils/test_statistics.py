"""Statistics against SciPy, and against figures that are known."""

import math
import statistics
import sys

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import stats

from glo_tf.utils.statistics import compare_means, correct_by_holm, interval_of_mean, mean_of

samples = st.lists(st.floats(0.0, 1.0).map(lambda v: round(v, 4)), min_size=2, max_size=10)


@given(samples, samples)
def test_the_test_is_scipys_of_welch(one, other) -> None:
    assume(len(set(one)) > 1 and len(set(other)) > 1)
    found = compare_means(one, other)
    expected = stats.ttest_ind(one, other, equal_var=False)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval(0.95)))
    reverse = compare_means(other, one)
    assert reverse.difference == pytest.approx(-found.difference, abs=1e-12)
    assert reverse.effect_size == pytest.approx(-found.effect_size)


def test_the_effect_size_is_that_of_the_textbook() -> None:
    """Means 3 and 2, both standard deviations 1, n = 3: d = 1, and J = 1 - 3/15."""
    assert compare_means([2.0, 3.0, 4.0], [1.0, 2.0, 3.0]).effect_size == pytest.approx(0.8)


@given(samples)
def test_the_interval_is_scipys_of_student(values) -> None:
    assume(len(set(values)) > 1)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert interval_of_mean(values) == pytest.approx(tuple(expected))


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8))
def test_an_interval_of_shares_stays_among_shares(values) -> None:
    low, high = interval_of_mean(values, (0.0, 1.0))
    assert 0.0 <= low <= np.mean(values) + 1e-12
    assert np.mean(values) - 1e-12 <= high <= 1.0


@given(st.lists(st.floats(1e-6, 1e9), min_size=2, max_size=8))
def test_an_interval_of_errors_is_not_negative(values) -> None:
    low, high = interval_of_mean(values, (0.0, math.inf))
    assert 0.0 <= low <= np.mean(values) * (1 + 1e-12)
    assert np.mean(values) * (1 - 1e-12) <= high


def test_an_interval_is_taken_on_the_scale_of_the_logit() -> None:
    """Mean 0.8, standard error 0.1, t = 12.706: logit 1.386 ± 12.706 * 0.1 / 0.16."""
    low, high = interval_of_mean([0.7, 0.9], (0.0, 1.0))
    assert (low, high) == pytest.approx((0.001421, 0.999911), rel=1e-3)
    assert interval_of_mean([97.0, 99.0], (0.0, 1.0)) == interval_of_mean([97.0, 99.0])  # percent
    near = interval_of_mean([0.5, 0.5001, 0.5002], (0.0, 1.0))
    assert near == pytest.approx(interval_of_mean([0.5, 0.5001, 0.5002]), abs=1e-7)


def test_a_difference_of_shares_is_at_most_one() -> None:
    collapsed, steady = [0.97, 0.1], [0.97, 0.98]
    assert compare_means(collapsed, steady).interval[0] < -1.0
    assert compare_means(collapsed, steady, (0.0, 1.0)).interval == (-1.0, 1.0)


@pytest.mark.parametrize(("one", "other"), [([0.9], [0.8, 0.7]), ([0.9, 0.9], [0.8, 0.8])])
def test_nothing_is_claimed_where_nothing_is_known_of_the_spread(one, other) -> None:
    found = compare_means(one, other)
    assert found.difference == pytest.approx(np.mean(one) - np.mean(other))
    assert (found.interval, found.p_value, found.effect_size) == (None, None, None)
    assert interval_of_mean([0.9]) is None


def test_one_constant_sample_is_tested_against_one_that_varies() -> None:
    assert compare_means([0.9, 0.9, 0.9], [0.7, 0.8, 0.9]).p_value == pytest.approx(
        stats.ttest_1samp([0.7, 0.8, 0.9], 0.9).pvalue
    )


def test_holm_corrects_as_in_his_paper() -> None:
    found = correct_by_holm([0.01, None, 0.04, 0.03, 0.005])
    assert found == pytest.approx([0.03, None, 0.06, 0.06, 0.02])
    assert correct_by_holm([0.6, 0.7]) == [1.0, 1.0]
    assert correct_by_holm([None]) == [None]


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8))
def test_holm_lies_between_no_correction_and_bonferronis(p_values) -> None:
    for p, corrected in zip(p_values, correct_by_holm(p_values), strict=True):
        assert p <= corrected <= min(1.0, len(p_values) * p)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
@example([sys.float_info.max] * 3)
def test_means_are_those_of_fractions(values) -> None:
    assert mean_of(values) == pytest.approx(statistics.mean(values), rel=1e-15, abs=1e-300)
