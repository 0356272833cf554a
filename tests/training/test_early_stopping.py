"""The measure of guessing, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples

from glo_tf.data.outputs import Output, Outputs
from glo_tf.training.early_stopping import GUESSES_UP_TO, area_under_roc, guesses, looked_at


@given(
    st.integers(2, 5), st.integers(2, 40), st.sampled_from([1, 2, 7, 1000]), st.integers(0, 2**32)
)
@examples(60)
def test_the_area_is_scikit_learns_mean_over_classes(
    classes: int, count: int, levels: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (count, classes)).astype("float32")  # few levels: many ties
    labels = np.eye(classes, dtype="float32")[rng.integers(0, classes, count)]
    both = [c for c in range(classes) if 0 < labels[:, c].sum() < count]
    areas = [sklearn.metrics.roc_auc_score(labels[:, c], scores[:, c]) for c in both]
    expected = np.mean(areas) if areas else 1.0
    np.testing.assert_allclose(area_under_roc(scores, labels), expected, atol=1e-5)


def test_a_constant_guess_is_a_guess_whatever_the_class_frequencies() -> None:
    labels = np.eye(3)[[0] * 95 + [1] * 4 + [2]]
    scores = np.tile([0.9, 0.06, 0.04], (100, 1))
    assert area_under_roc(scores, labels) == 0.5 < GUESSES_UP_TO


def test_nan_scores_have_no_area() -> None:
    scores = np.array([[0.1, 0.9], [np.nan, 0.5]])
    assert np.isnan(area_under_roc(scores, np.eye(2)))


@pytest.mark.parametrize("shift", [0.0, 100.0])
def test_a_preferred_class_does_not_hide_what_is_learned(shift: float) -> None:
    labels = np.eye(3)[np.arange(30) % 3]
    scores = labels + np.array([shift, 0.0, 0.0])
    assert area_under_roc(scores, labels) == 1.0


def test_a_sample_of_weight_n_counts_as_n_samples() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 9, (80, 3)) / 8  # with ties
    labels = np.eye(3)[rng.integers(0, 3, 80)]
    times = rng.integers(0, 4, 80)
    weights = np.repeat(times[:, None], 3, axis=1)
    np.testing.assert_allclose(
        area_under_roc(scores, labels, weights),
        area_under_roc(scores.repeat(times, axis=0), labels.repeat(times, axis=0)),
        rtol=1e-5,
    )
    assert np.isnan(area_under_roc(np.full((2, 2), np.nan), np.eye(2), np.ones((2, 2))))


def test_columns_that_are_no_probabilities_are_left_out() -> None:
    rng = np.random.default_rng(0)
    labels = np.eye(3, dtype="float32")[rng.integers(0, 3, 60)]
    numbers = rng.normal(size=(60, 1)).astype("float32")
    number = Output.of_numbers(1, numbers)
    both = Outputs((Output("softmax", 3), number))
    for scores, expected in ((labels, False), (np.full_like(labels, 1 / 3), True)):
        columns, targets = np.hstack([scores, numbers]), np.hstack([labels, -numbers])
        assert guesses(both, columns, targets) == expected
    assert not guesses(Outputs((number,)), numbers, -numbers)


@given(st.integers(1, 100_000))
def test_samples_that_are_looked_at_are_at_most_500_from_the_whole(samples: int) -> None:
    found = np.arange(samples)[looked_at(samples)]
    assert len(found) == min(samples, 500)
    assert np.ptp(found) >= (len(found) - 1) * (samples // 500)
