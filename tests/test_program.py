"""The interpreter against the translator: value, slope and what is finite, on random trees."""

import numpy as np
import pytest
import tensorflow as tf
from expression_strategies import expressions
from hypothesis import given, settings
from hypothesis import strategies as st

from glo_tf import genetic, search_spaces
from glo_tf.duals import OPERATIONS
from glo_tf.expression import ARITY, Expression
from glo_tf.operators import GloOperators
from glo_tf.program import Program, interpret
from glo_tf.translate import Translation

COEFFICIENTS = st.one_of(st.just(1.0), st.floats(-4, 4, allow_subnormal=False))
CAPACITY = 64


def probe() -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions as the trainer passes them, the ends of the range included."""
    rng = np.random.default_rng(0)
    exponentials = np.exp(rng.normal(size=(30, 10)) * np.linspace(0.2, 6, 30)[:, None])
    predictions = exponentials / exponentials.sum(axis=-1, keepdims=True)
    predictions[0, :2] = predictions[1, :2] = (1.0, 1e-9)
    predictions = np.clip(predictions, 1e-7, 1.0)
    return np.eye(10, dtype=np.float32)[np.arange(30) % 10], predictions.astype(np.float32)


X, Y = probe()
INTERPRET = {
    jit_compile: tf.function(interpret, autograph=False, jit_compile=jit_compile)
    for jit_compile in (False, True)
}


def interpreted(expression: Expression, jit_compile: bool = False) -> tuple[np.ndarray, np.ndarray]:
    program = Program.of(expression, capacity=CAPACITY).tensors()
    value, slope = INTERPRET[jit_compile](tf.constant(X), tf.constant(Y), *program)
    return value.numpy(), slope.numpy()


def translated(expression: Expression) -> tuple[np.ndarray, np.ndarray]:
    coefficients = tf.constant(expression.coefficients, tf.float32)
    with_slope = Translation(expression).value_and_slope
    value, slope = with_slope(tf.constant(X), tf.constant(Y), coefficients)
    return value.numpy(), slope.numpy()


def assert_equal(ours: tuple[np.ndarray, ...], theirs: tuple[np.ndarray, ...]) -> None:
    for left, right in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(np.isfinite(left), np.isfinite(right))
        both = np.isfinite(left)
        scale = 1.0 + np.abs(right[both]).max(initial=0)
        np.testing.assert_allclose(left[both], right[both], rtol=1e-4, atol=1e-6 * scale)


def evolved_trees(count: int) -> list[Expression]:
    """Distinct trees as a search meets them, of all sizes up to the operators' limit."""
    space, rng = search_spaces.glo(), np.random.default_rng(1)
    operators = GloOperators(space, max_size=CAPACITY)
    population = genetic.initial_population(space, 300, rng)
    trees = dict.fromkeys(population)
    for _ in range(6):
        sizes = [float(tree.size) for tree in population]
        population = genetic.next_generation(population, sizes, operators, elites=0, rng=rng)
        trees.update(dict.fromkeys(population))
    return [list(trees)[int(place)].negated() for place in np.linspace(0, len(trees) - 1, count)]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_is_equal_to_the_translator_on_evolved_trees(jit_compile: bool) -> None:
    trees = evolved_trees(150)
    assert max(tree.size for tree in trees) > 30
    for tree in trees:
        assert_equal(interpreted(tree, jit_compile), translated(tree))


@settings(max_examples=100, deadline=None)
@given(expressions(unit=False, coefficients=COEFFICIENTS))
def test_is_equal_to_the_translator_on_any_tree(expression: Expression) -> None:
    assert_equal(interpreted(expression), translated(expression))


@settings(max_examples=100, deadline=None)
@given(expressions(unit=False, coefficients=COEFFICIENTS))
def test_numpy_runs_what_tensorflow_interprets(expression: Expression) -> None:
    assert_equal(Program.of(expression).run(X, Y), interpreted(expression))


@pytest.mark.parametrize("factor", [1e-40, 1.17549435e-38])
def test_subnormal_numbers_are_zero_in_both(factor: float) -> None:
    expression = Expression(("+", "log", "x", "/", "x", "y"), (1.0, 1.0, 1.0, 1.0, 1.0, factor))
    assert_equal(Program.of(expression).run(X, Y), interpreted(expression))


@settings(max_examples=50, deadline=None)
@given(expressions(unit=False, coefficients=COEFFICIENTS, max_leaves=6))
def test_slopes_are_those_of_automatic_differentiation(expression: Expression) -> None:
    # In float64: where terms cancel, the two differ by much of what float32 leaves.
    x, y = tf.constant(X, tf.float64), tf.constant(Y, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(y)
        value = Translation(expression)(x, y)
    zero = tf.UnconnectedGradients.ZERO
    reverse = tape.gradient(value, y, unconnected_gradients=zero).numpy()
    _, forward = Program.of(expression, dtype=np.float64).run(x.numpy(), y.numpy())
    # Where 0 meets infinity, TensorFlow's reverse mode has rules of its own.
    both = np.isfinite(reverse) & np.isfinite(forward)
    scale = 1.0 + np.abs(reverse[both]).max(initial=0)
    np.testing.assert_allclose(forward[both], reverse[both], rtol=1e-5, atol=1e-7 * scale)


@pytest.mark.parametrize(
    ("text", "slope"), [("sqrt(x)*y", X), ("y + x/x", np.ones_like(Y)), ("log(x) - y", -1 + 0 * X)]
)
def test_what_lacks_y_has_no_slope_even_where_it_is_singular(text: str, slope) -> None:
    expression = Expression.parse(text)
    np.testing.assert_array_equal(interpreted(expression)[1], slope)
    np.testing.assert_array_equal(translated(expression)[1], slope)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_one_trace_serves_every_expression(jit_compile: bool) -> None:
    for text in ("y", "x - 3", "2", "-(log(y) - x/y)", "square(x*y - sqrt(y)/2)"):
        interpreted(Expression.parse(text), jit_compile)
    assert INTERPRET[jit_compile].experimental_get_tracing_count() == 1


def test_cost_follows_the_length_of_the_expression() -> None:
    # log(y), x/y and their difference; leaves and numbers take no instruction.
    assert Program.of(Expression.parse("log(y) - x/y")).length == 3
    assert Program.of(Expression.parse("log(1 + 2)*y")).length == 1
    assert Program.of(Expression.parse("y")).length == 1


def test_the_tree_that_needs_most_registers_fits() -> None:
    def full(depth: int) -> str:
        return f"({full(depth - 1)})*({full(depth - 1)})" if depth else "(x + y)"

    full_tree = Expression.parse(full(4))
    assert 32 <= full_tree.size <= CAPACITY
    assert_equal(interpreted(full_tree), translated(full_tree))


def test_a_tree_larger_than_the_capacity_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 2 nodes\..*3 nodes"):
        Program.of(Expression.parse("x*y"), capacity=2)


def test_every_operation_of_the_grammar_has_a_rule() -> None:
    assert set(OPERATIONS) == {name for name in ARITY if ARITY[name]} | {"identity"}
