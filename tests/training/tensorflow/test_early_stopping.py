"""The measure of guessing, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples

from glo_tf.training.tensorflow.early_stopping import GUESSES_UP_TO, area_under_roc


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
