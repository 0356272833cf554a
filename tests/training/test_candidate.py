"""What tells candidates apart, and what none can have."""

import dataclasses
import json

import numpy as np
import pytest
from expression_strategies import expressions
from hypothesis import given
from hypothesis import strategies as st

from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import (
    LARGEST_RATE,
    SMALLEST_RATE,
    Candidate,
    Hyperparameters,
    held_rate,
)

BAIKAL = Expression.parse("-(log(y) - x/y)")
HYPERPARAMETERS = st.builds(
    Hyperparameters, st.none() | st.floats(SMALLEST_RATE, LARGEST_RATE, allow_subnormal=False)
)
CANDIDATES = st.builds(Candidate, expressions(), HYPERPARAMETERS)


@given(CANDIDATES, CANDIDATES)
def test_a_key_and_a_text_stand_for_one_candidate(one: Candidate, other: Candidate) -> None:
    again = Candidate(
        Expression(one.loss.nodes, one.loss.coefficients), dataclasses.replace(one.hyperparameters)
    )
    assert (again, hash(again), again.key, str(again)) == (one, hash(one), one.key, str(one))
    assert (one.key == other.key) == (one == other)
    assert (str(one) == str(other)) == (one == other)


def test_hyperparameters_alone_make_another_candidate() -> None:
    plain, one, other = (Candidate(BAIKAL, Hyperparameters(rate)) for rate in (None, 0.1, 0.2))
    assert len({plain, one, other}) == len({plain.key, one.key, other.key}) == 3
    assert str(one) == "-(log(y) - x/y) (learning_rate=0.1)"


def test_what_a_candidate_leaves_to_the_task_is_not_in_its_key() -> None:
    """So a further hyperparameter makes no study foreign."""
    nodes, coefficients, own = json.loads(Candidate(BAIKAL).key)
    assert (tuple(nodes), tuple(coefficients), own) == (BAIKAL.nodes, BAIKAL.coefficients, {})
    assert str(Candidate(BAIKAL)) == str(BAIKAL)


@pytest.mark.parametrize("rate", [1, np.float32(1.0), np.int64(1), np.float64(1.0)])
def test_equal_learning_rates_are_one(rate) -> None:
    made = Hyperparameters(rate)
    assert type(made.learning_rate) is float
    assert made == Hyperparameters(1.0)
    assert Candidate(BAIKAL, made).key == Candidate(BAIKAL, Hyperparameters(1.0)).key


@given(st.floats(min_value=0.0), st.integers(1, 9))
def test_every_rate_has_a_nearest_one_that_an_optimizer_holds(rate: float, digits: int) -> None:
    held = held_rate(rate, digits)
    assert Hyperparameters(held).learning_rate == held
    if SMALLEST_RATE < held < LARGEST_RATE:
        assert held == pytest.approx(rate, rel=10.0 ** (1 - digits))


def test_a_held_rate_is_rounded_before_it_is_bounded() -> None:
    assert held_rate(0.01 * 10.0) == 0.1
    assert held_rate(0.123456789, 3) == 0.123
    assert (held_rate(1e-50), held_rate(1e39)) == (SMALLEST_RATE, LARGEST_RATE)


@pytest.mark.parametrize(
    "rate", [0.0, -0.0, -0.1, float("nan"), float("inf"), 1e-50, 1e39, True, "0.1", [0.1], 1j]
)
def test_a_learning_rate_that_cannot_train_is_refused(rate) -> None:
    with pytest.raises(ValueError, match=r"^Expected a learning_rate .*learning_rate=") as raised:
        Hyperparameters(rate)
    assert "\n" not in str(raised.value)
