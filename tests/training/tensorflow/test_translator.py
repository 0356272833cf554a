"""The translator and Keras's ops against an independent NumPy float64 reference."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from expression_strategies import expressions
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples
from reference_values import reference

from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of
from glo_tf.training.tensorflow.translator import translate

X = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.3])
Y = np.array([1e-7, 1e-7, 1.0, 1.0, 0.4, 0.6])
BAIKAL = Expression.parse("log(y) - x/y")
COMPILED_BAIKAL = tf.function(functools.partial(translate, BAIKAL), autograph=False)


def in_keras_ops(expression: Expression) -> tuple[np.ndarray, np.ndarray]:
    y = tf.constant(Y)
    with tf.GradientTape() as tape:
        tape.watch(y)
        value = value_of(expression, tf.constant(X), y, ops=keras.ops)
    slope = tape.gradient(value, y, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return value.numpy(), slope.numpy()


def translated(expression: Expression) -> tuple[np.ndarray, np.ndarray]:
    coefficients = tf.constant(expression.coefficients, tf.float64)
    value, slope = translate(expression, tf.constant(X), tf.constant(Y), coefficients)
    return value.numpy(), slope.numpy()


@examples(60)
@given(expressions(unit=False, coefficients=st.floats(-3, 3, allow_subnormal=False)))
def test_graph_keras_ops_and_numpy_agree_in_value_and_gradient(expression: Expression) -> None:
    for compute in (translated, in_keras_ops):
        agree(expression, *compute(expression))


def agree(expression: Expression, value: np.ndarray, slope: np.ndarray) -> None:
    expected, expected_slope, peak = reference(expression, X, Y)
    exact, exact_slope, _ = reference(expression, np.longdouble(X), np.longdouble(Y))
    with np.errstate(all="ignore"):
        # Rounding alone may decide whether there is a number, as in log(x - x*(1 + 1e-17)).
        settled = (np.isfinite(expected) == np.isfinite(np.float64(exact))) & ~np.isnan(peak)
        rounding = np.abs(expected - exact), np.abs(expected_slope - exact_slope)
    np.testing.assert_array_equal(np.isfinite(value)[settled], np.isfinite(expected)[settled])
    close(value, expected, rounding[0], peak)
    # Forward and backward differentiation may meet 0 * inf in another order; finite is finite.
    close(slope, expected_slope, rounding[1], peak)


def close(actual: np.ndarray, expected: np.ndarray, rounding: np.ndarray, peak: np.ndarray) -> None:
    both = np.isfinite(actual) & np.isfinite(expected) & np.isfinite(rounding) & np.isfinite(peak)
    error = np.abs(actual[both] - expected[both])
    assert (error <= (1e-9 * np.abs(expected) + 1e3 * rounding + 1e-11 * peak)[both]).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("log(y - y)", -np.inf),
        ("log(y - 2)", np.nan),
        ("x/(y - y)", np.inf),
        ("-(x/(y - y))", -np.inf),
        ("sqrt(y - 2)", np.nan),
        ("(y - y)/(x - x)", np.nan),
    ],
)
def test_nan_and_infinity_follow_ieee(text: str, expected: float) -> None:
    expression = Expression.parse(text)
    x, y, coefficients = (tf.constant(each) for each in ([1.0], [0.5], expression.coefficients))
    value, _ = translate(expression, x, y, coefficients)
    np.testing.assert_array_equal(value, np.float32([expected]))


@examples(20)
@given(st.lists(st.floats(-3, 3, allow_subnormal=False), min_size=6, max_size=6))
def test_new_coefficients_never_retrace(coefficients: list[float]) -> None:
    value, slope = COMPILED_BAIKAL(
        tf.constant(X), tf.constant(Y), tf.constant(coefficients, X.dtype)
    )
    agree(BAIKAL.with_coefficients(coefficients), value.numpy(), slope.numpy())
    assert COMPILED_BAIKAL.experimental_get_tracing_count() == 1


def test_a_tree_of_constants_has_the_shape_of_the_predictions() -> None:
    x, y = tf.constant([[1.0, 0.0]]), tf.constant([[0.5, 0.5]])
    value, slope = translate(Expression.parse("1 + 1"), x, y, tf.constant([1.0, 2.0, -0.5]))
    np.testing.assert_array_equal(value, [[1.5, 1.5]])
    np.testing.assert_array_equal(slope, [[0.0, 0.0]])
