"""Targets without units, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis_examples import examples

from glo_tf.data.standardization import Standardization

ROWS = hnp.arrays(np.float64, (6, 2, 3), elements=st.floats(-1e6, 1e6))


@given(ROWS, st.none() | hnp.arrays(np.float64, (6, 2), elements=st.sampled_from([0.0, 1.0, 3.0])))
@examples(50)
def test_what_counts_has_mean_0_and_deviation_1_and_comes_back(rows, weights) -> None:
    if weights is not None and not weights.any():
        weights = None
    found = Standardization.of(rows, weights)
    counted = np.ones((6, 2)) if weights is None else weights
    repeated = np.repeat(rows.reshape(12, 3), counted.astype(int).ravel(), axis=0)
    spread = (np.ptp(repeated, axis=0) > 0.0) & (repeated.std(axis=0) > 1.2e-38)
    np.testing.assert_allclose(found.means, repeated.mean(axis=0), rtol=1e-9, atol=1e-9)
    deviations = np.where(spread, repeated.std(axis=0), 1.0)
    np.testing.assert_allclose(found.deviations, deviations, rtol=1e-6)
    np.testing.assert_allclose(found.undo(found.apply(rows)), rows, rtol=1e-5, atol=1e-1)


@pytest.mark.parametrize("number", [0.0, 0.1, -3e9])
def test_a_constant_is_shifted_alone(number) -> None:
    found = Standardization.of(np.full((7, 1), number))
    assert found == Standardization((pytest.approx(number),), (1.0,))
    assert found.of_loss == {"target_mean": pytest.approx(number), "target_deviation": 1.0}


def test_several_units_have_their_own() -> None:
    found = Standardization.of(np.array([[0.0, 100.0], [2.0, 500.0]]))
    assert found.of_loss == {"target_mean": [1.0, 300.0], "target_deviation": [1.0, 200.0]}
    assert found.in_words == "standardised one by one"
