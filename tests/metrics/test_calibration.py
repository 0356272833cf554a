"""Calibration against scikit-learn, and against the definition written out."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from glo_tf.metrics.calibration import expected_calibration_error, negative_log_likelihood


def drawn(seed: int, samples: int = 200, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=rng.uniform(0.1, 10.0), size=(samples, classes))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return np.eye(classes)[rng.integers(0, classes, samples)], probabilities.astype(np.float32)


@given(st.integers(0, 1000))
def test_the_likelihood_is_scikit_learns(seed: int) -> None:
    labels, probabilities = drawn(seed)
    found = negative_log_likelihood(labels, probabilities, epsilon=1e-7)
    rows = np.maximum(probabilities.astype(float), 1e-7)
    expected = log_loss(labels.argmax(axis=1), rows / rows.sum(axis=1, keepdims=True))
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_probability_of_0_counts_as_epsilon() -> None:
    sure = np.array([[1.0, 0.0]])
    assert negative_log_likelihood(sure[:, ::-1], sure, epsilon=1e-3) == -np.log(1e-3)


@given(st.integers(0, 1000))
def test_the_error_is_that_of_the_definition(seed: int) -> None:
    labels, probabilities = drawn(seed)
    confidence, expected = probabilities.max(axis=1).astype(float), 0.0
    right = probabilities.argmax(axis=1) == labels.argmax(axis=1)
    for number in range(15):
        inside = (confidence > number / 15) & (confidence <= (number + 1) / 15)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            expected += inside.mean() * gap
    assert expected_calibration_error(labels, probabilities) == pytest.approx(expected, abs=1e-6)


def test_sure_and_right_is_calibrated_and_sure_and_wrong_is_not() -> None:
    labels = np.eye(2)[[0, 1, 0, 1]]
    assert expected_calibration_error(labels, labels) == 0.0
    assert expected_calibration_error(labels, labels[:, ::-1]) == 1.0
    assert expected_calibration_error(labels, np.full((4, 2), 0.5)) == 0.0


@given(st.integers(0, 1000))
def test_a_sample_of_weight_n_counts_as_n_samples(seed: int) -> None:
    labels, probabilities = drawn(seed, samples=40)
    times = np.random.default_rng(seed).integers(0, 4, 40)
    times[0] = 1
    many = np.repeat(labels, times, axis=0), np.repeat(probabilities, times, axis=0)
    weights = times.astype(np.float32)
    for measure in (
        functools.partial(negative_log_likelihood, epsilon=1e-7),
        expected_calibration_error,
    ):
        assert measure(labels, probabilities, weights) == pytest.approx(measure(*many))
