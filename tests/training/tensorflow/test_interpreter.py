"""The interpreter against the translator: value, slope and what is finite, on random trees."""

from collections.abc import Sequence

import keras
import numpy as np
import pytest
import tensorflow as tf
from expression_strategies import expressions
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples
from reference_values import reference

from glo_tf.expressions import operations
from glo_tf.expressions.leaves import Surroundings
from glo_tf.expressions.operations import Dual
from glo_tf.expressions.program import Program, instruction_set
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of
from glo_tf.search.genetic import evolution
from glo_tf.search.genetic.operators import GloOperators
from glo_tf.search.spaces import space as search_spaces
from glo_tf.training.tensorflow import interpreter
from glo_tf.training.tensorflow.interpreter import interpret, tensors
from glo_tf.training.tensorflow.translator import translate

COEFFICIENTS = st.one_of(st.just(1.0), st.floats(-4, 4, allow_subnormal=False))
MODERATE = st.one_of(st.floats(0.01, 4), st.floats(-4, -0.01))
CAPACITY = 64
CUBE = operations.Operation(
    "cube",
    1,
    "Third power.",
    value=lambda ops, a: a * a * a,
    slope=lambda ops, value, a: 3.0 * a.value * a.value * a.slope,
    sympy=lambda sympy, a: sympy.Pow(a, 3),
    numpy="np.power({0}, 3)",
)
KINKS = {
    "abs(x - y)": 0.0,
    "plog(x - y)": 0.0,
    "psqrt(y - x)": 0.0,
    "min(x, y)": 0.5,
    "max(y, x)": 0.5,
    "min(y, y)": 1.0,
    "max(2*y, x + y)": 1.5,
}  # and the slope where x is y


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
    program = tensors(Program.of(expression, capacity=CAPACITY))
    value, slope = INTERPRET[jit_compile](tf.constant(X), tf.constant(Y), *program)
    return value.numpy(), slope.numpy()


def translated(expression: Expression) -> tuple[np.ndarray, np.ndarray]:
    coefficients = tf.constant(expression.coefficients, tf.float32)
    value, slope = translate(expression, tf.constant(X), tf.constant(Y), coefficients)
    return value.numpy(), slope.numpy()


def rounding(expression: Expression) -> list[float]:
    """What float32 leaves of value and slope where terms cancel, as in y/tanh(y)."""
    single = Program.of(expression).run(X, Y)
    double = Program.of(expression, dtype=np.float64).run(X, Y)
    with np.errstate(all="ignore"):
        errors = [np.abs(left - right) for left, right in zip(single, double, strict=True)]
    return [float(error[np.isfinite(error)].max(initial=0)) for error in errors]


def assert_equal(
    ours: tuple[np.ndarray, ...],
    theirs: tuple[np.ndarray, ...],
    allowed: Sequence[float] = (0.0, 0.0),
) -> None:
    for left, right, error in zip(ours, theirs, allowed, strict=True):
        np.testing.assert_array_equal(np.isfinite(left), np.isfinite(right))
        both = np.isfinite(left)
        scale = 1.0 + np.abs(right[both]).max(initial=0)
        np.testing.assert_allclose(
            left[both], right[both], rtol=1e-4, atol=1e-6 * scale + 2 * error
        )


def evolved_trees(count: int) -> list[Expression]:
    """Distinct trees as a search meets them, of all sizes up to the operators' limit."""
    space, rng = search_spaces.glo_extended(), np.random.default_rng(1)
    operators = GloOperators(space, max_size=CAPACITY)
    population = evolution.initial_population(space, 300, rng)
    trees = dict.fromkeys(population)
    for _ in range(6):
        sizes = [float(tree.size) for tree in population]
        population = evolution.next_generation(population, sizes, operators, elites=0, rng=rng)
        trees.update(dict.fromkeys(population))
    return [list(trees)[int(place)].negated() for place in np.linspace(0, len(trees) - 1, count)]


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
def test_is_equal_to_the_translator_on_evolved_trees(jit_compile: bool) -> None:
    trees = evolved_trees(150)
    assert max(tree.size for tree in trees) > 30
    for tree in trees:
        assert_equal(interpreted(tree, jit_compile), translated(tree), rounding(tree))


@examples(100)
@given(expressions(unit=False, coefficients=COEFFICIENTS))
def test_is_equal_to_the_translator_on_any_tree(expression: Expression) -> None:
    assert_equal(interpreted(expression), translated(expression))


@examples(100)
@given(expressions(unit=False, coefficients=COEFFICIENTS))
def test_numpy_runs_what_tensorflow_interprets(expression: Expression) -> None:
    ours, theirs = Program.of(expression).run(X, Y), interpreted(expression)
    assert_equal(ours, theirs, rounding(expression))


@pytest.mark.parametrize("factor", [1e-40, 1.17549435e-38])
def test_subnormal_numbers_are_zero_in_both(factor: float) -> None:
    expression = Expression(("+", "log", "x", "/", "x", "y"), (1.0, 1.0, 1.0, 1.0, 1.0, factor))
    assert_equal(Program.of(expression).run(X, Y), interpreted(expression))


@examples(50)
@given(expressions(unit=False, coefficients=MODERATE, max_leaves=6))
def test_slopes_are_those_of_automatic_differentiation(expression: Expression) -> None:
    # In float64: where terms cancel, the two differ by much of what float32 leaves.
    x, y = tf.constant(X, tf.float64), tf.constant(Y, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(y)
        value = value_of(expression, x, y, ops=keras.ops)
    zero = tf.UnconnectedGradients.ZERO
    reverse = tape.gradient(value, y, unconnected_gradients=zero).numpy()
    _, forward = Program.of(expression, dtype=np.float64).run(x.numpy(), y.numpy())
    # The largest number on the way, of which rounding leaves a share where terms cancel.
    _, _, peak = reference(expression, x.numpy(), y.numpy())
    # Where 0 meets infinity, TensorFlow's reverse mode has rules of its own.
    both = np.isfinite(reverse) & np.isfinite(forward) & np.isfinite(peak)
    scale = 1.0 + np.abs(reverse[both]).max(initial=0)
    error = np.abs(forward[both] - reverse[both])
    assert (error <= 1e-5 * np.abs(reverse[both]) + 1e-7 * scale + 1e-13 * peak[both]).all()


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


@pytest.mark.parametrize("text", KINKS)
def test_a_kink_has_the_mean_slope_of_its_sides(text: str) -> None:
    expression, expected = Expression.parse(text), np.full_like(Y, KINKS[text])
    program, y = Program.of(expression, capacity=CAPACITY), tf.constant(Y)
    with tf.GradientTape() as tape:
        tape.watch(y)
        value = value_of(expression, tf.constant(Y), y, ops=keras.ops)
    coefficients = tf.constant(expression.coefficients, tf.float32)
    slopes = (
        program.run(Y, Y)[1],
        *(run(y, y, *tensors(program))[1] for run in INTERPRET.values()),
        translate(expression, y, y, coefficients)[1],
        tape.gradient(value, y),
    )
    for slope in slopes:
        np.testing.assert_array_equal(slope, expected)


@pytest.mark.parametrize(
    "operation",
    [each for each in operations.registered() if each.commutative],
    ids=lambda it: it.name,
)
def test_operands_of_commutative_nodes_may_change_places(operation: operations.Operation) -> None:
    special = np.float32([-np.inf, -1.0, -0.0, 0.0, 1.0, np.inf, np.nan])
    values, slopes = np.meshgrid(special, special), np.meshgrid(special[1:5], special[1:5])
    for a, b in zip(*(value.ravel() for value in values), strict=True):
        for da, db in zip(*(slope.ravel() for slope in slopes), strict=True):
            left, right = Dual(a, da, True), Dual(b, db, True)
            with np.errstate(all="ignore"):
                one, other = operation.dual(np, left, right), operation.dual(np, right, left)
            for mine, theirs in zip(one, other, strict=True):
                np.testing.assert_array_equal(mine, theirs)
                if not np.isnan(mine):
                    assert np.signbit(mine) == np.signbit(theirs)


def test_an_operation_that_is_registered_later_has_a_code_of_its_own(monkeypatch) -> None:
    before = instruction_set()
    monkeypatch.setattr(operations, "_registry", dict(operations._registry))
    operations.register(CUBE)
    assert instruction_set() == (*before, CUBE)
    expression = Expression.parse("cube(y) - 1.5*cube(x)")
    ours, theirs = Program.of(expression, capacity=CAPACITY), translated(expression)
    retraced = tf.function(interpret, autograph=False)
    assert_equal(ours.run(X, Y), theirs)
    result = retraced(tf.constant(X), tf.constant(Y), *tensors(ours))
    assert_equal(tuple(part.numpy() for part in result), theirs)
    np.testing.assert_allclose(theirs[1], 3 * Y**2, rtol=1e-5)


SEEN = ("n", "t", "w", "C")
KNOWN = np.linspace(0.02, 0.18, 10), 0.3, np.linspace(0.5, 2.0, 30)[:, None], 10.0
AROUND = Surroundings(*(tf.constant(part, tf.float64) for part in KNOWN))
TRUE, PREDICTED = tf.constant(X, tf.float64), tf.constant(Y, tf.float64)
FIRST = Program.of(Expression.parse("n*t + total(y)"), seen=SEEN)
SEEING = tf.function(
    lambda *program: interpret(TRUE, PREDICTED, *program, layout=FIRST.layout, surroundings=AROUND),
    autograph=False,
)


@examples(15)
@given(expressions(unit=False, coefficients=MODERATE, max_leaves=8, seeing=True))
def test_losses_that_see_all_classes_and_more_have_the_slopes_of_the_graph(tree) -> None:
    # A sum of t changes no slope; with it all trees have the layout that is compiled.
    loss = Expression(("+", *tree.nodes, "total", "t"), (1.0, *tree.coefficients, 1.0, 1.0))
    program = Program.of(loss, capacity=CAPACITY, dtype=np.float64, seen=SEEN)
    assert program.layout == FIRST.layout
    found = SEEING(*tensors(program))
    coefficients = tf.constant(loss.coefficients, tf.float64)
    other = translate(loss, TRUE, PREDICTED, coefficients, surroundings=AROUND)
    with tf.GradientTape() as tape:
        tape.watch(PREDICTED)
        value = value_of(loss, TRUE, PREDICTED, ops=keras.ops, surroundings=AROUND)
        value = tf.broadcast_to(value, PREDICTED.shape)
    slope = tape.gradient(value, PREDICTED, unconnected_gradients="zero")
    for ours in (found, other, program.run(X, Y, surroundings=Surroundings(*KNOWN))):
        for mine, theirs in zip(ours, (value, slope), strict=True):
            mine, theirs = np.asarray(mine), theirs.numpy()
            finite = (np.isfinite(mine) & np.isfinite(theirs)).all(axis=-1)
            scale = 1e-9 * (1.0 + np.abs(theirs[finite]).max(initial=0.0))
            np.testing.assert_allclose(mine[finite], theirs[finite], rtol=1e-6, atol=scale)


def test_operations_are_traced_once_whatever_the_number_of_samples() -> None:
    program = tensors(Program.of(Expression.parse("-(x*log(y))"), capacity=CAPACITY))
    found = []
    for samples in (4, 7):
        graph = tf.function(interpret, autograph=False)
        terms, _ = graph(X[:samples], Y[:samples], *program)
        np.testing.assert_allclose(terms, -X[:samples] * np.log(Y[:samples]), rtol=1e-5, atol=1e-7)
        found.append(interpreter._traced.cache_info().misses)
    assert found[0] == found[1]


def test_what_is_traced_for_one_device_runs_on_any() -> None:
    interpreter._traced.cache_clear()
    program = tensors(Program.of(Expression.parse("-(x*log(y))"), capacity=CAPACITY))
    with tf.device("CPU:0"):
        traced = tf.function(interpret, autograph=False).get_concrete_function(X, Y, *program)
    functions = traced.graph.as_graph_def().library.function
    nodes = [n for f in functions for n in f.node_def if "while" not in f.signature.name]
    assert any(node.op == "Log" for node in nodes)
    assert {node.device for node in nodes} == {""}
