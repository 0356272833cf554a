"""Every export of a loss, read back: its value is the loss's own."""

import sys

import numpy as np
import pytest
import sympy
from expression_strategies import expressions
from formula_readers import read_latex, read_mathml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples
from sympy_reader import read_sympy

from glo_tf.expressions.agreement import values
from glo_tf.expressions.notation import latex, mathml
from glo_tf.expressions.prefix import MAX_DEPTH
from glo_tf.expressions.tree import Expression
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.report.inline import formula

COEFFICIENTS = st.one_of(
    st.sampled_from([1.0, -1.0, 0.0, -0.0, 2.0, -3.0, 0.5, 1e-30, -1e-30, 1e30, -1e30, 1e-7]),
    st.floats(-4, 4, allow_subnormal=False),
)
TREES = expressions(unit=False, coefficients=COEFFICIENTS, max_leaves=8)
ANY_TREES = expressions(unit=False, max_leaves=16)
# Others than those at which the package compares.
X = np.array([0.0, 1.0, 1.0, 0.0, 0.37, 0.81, 0.1])
Y = np.array([0.42, 0.057, 0.63, 1e-4, 0.91, 0.3, 1.0])
NUMBERS_X, NUMBERS_Y = np.array([*X, -1.7, 2.6, -0.4, 5.1]), np.array([*Y, 0.9, -1.3, -3.7, 4.4])


def check(expression: Expression, found: np.ndarray, x, y, tolerance: float) -> None:
    """Equal where both are finite, up to the tolerance and to what rounding does to the tree."""
    exact = values(expression, x, y)
    with np.errstate(all="ignore"):
        shifted = [values(expression, x * (1 + e), y * (1 + e)) for e in (1e-9, -1e-9)]
        factors = np.array(expression.coefficients)
        for changed in (factors * (1 + 1e-9), np.where(factors == 0, -factors, factors)):
            shifted.append(values(expression.with_coefficients(changed), x, y))
        unsure = np.max([np.abs(each - exact) for each in shifted], axis=0)
    both = np.isfinite(exact) & np.isfinite(found) & np.isfinite(unsure)
    scale = np.abs(exact[both]) + np.median(np.abs(exact[both])) if both.any() else 0.0
    bound = tolerance * scale + 1e4 * tolerance / 1e-6 * unsure[both]
    difference = np.abs(found[both] - exact[both])
    assert (difference <= bound).all(), f"{expression}: {found} is not {exact}"


@examples(200)
@given(ANY_TREES)
def test_latex_and_mathml_have_the_value_to_the_last_bit(expression: Expression) -> None:
    expected = values(expression, NUMBERS_X, NUMBERS_Y)
    for read, text in ((read_latex, latex(expression)), (read_mathml, mathml(expression))):
        with np.errstate(all="ignore"):
            found = read(text)(NUMBERS_X, NUMBERS_Y)
        np.testing.assert_array_equal(found, expected, err_msg=text)


@examples(200)
@given(ANY_TREES)
def test_the_text_has_the_value_to_the_last_bit(expression: Expression) -> None:
    again = Expression.parse(str(expression))
    np.testing.assert_array_equal(
        values(again, NUMBERS_X, NUMBERS_Y), values(expression, NUMBERS_X, NUMBERS_Y)
    )


@examples(60)
@given(TREES)
def test_sympy_has_the_value(expression: Expression) -> None:
    with np.errstate(all="ignore"):
        found = read_sympy(expression.sympy(), NUMBERS_X, NUMBERS_Y)
    check(expression, found, NUMBERS_X, NUMBERS_Y, 1e-6)


@examples(60)
@given(TREES, st.booleans())
def test_the_simplified_form_has_the_value_of_its_domain(expression: Expression, classes) -> None:
    x, y = (X, Y) if classes else (NUMBERS_X, NUMBERS_Y)
    form = ExpressionLoss(expression, epsilon=1e-7 if classes else None).simplified()
    with np.errstate(all="ignore"):
        check(expression, read_sympy(form, x, y), x, y, 1e-5)


@examples(60)
@given(TREES, st.booleans())
def test_the_formula_of_a_report_has_the_value(expression: Expression, classes) -> None:
    x, y = (X, Y) if classes else (NUMBERS_X, NUMBERS_Y)
    text = str(formula(ExpressionLoss(expression, epsilon=1e-7 if classes else None)))
    body = text.removesuffix("</math>").partition("<mo>=</mo>")[2]
    with np.errstate(all="ignore"):
        check(expression, read_mathml(body)(x, y), x, y, 5e-3)


def test_signs_and_products_are_not_confused() -> None:
    """Cross-entropy's tree with coefficients of both signs on every node."""
    rng = np.random.default_rng(0)
    nodes = ("-", 0, "*", "x", "log", "y")
    for _ in range(145):
        factors = rng.choice([1.0, -1.0, 2.5, -2.5, 0.5, 1e-30, -1e30, -0.0], len(nodes))
        expression = Expression(nodes, tuple(factors))
        expected = values(expression, X, Y)
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(read_latex(expression.latex())(X, Y), expected)
            np.testing.assert_array_equal(read_mathml(mathml(expression))(X, Y), expected)
            check(expression, read_sympy(expression.sympy(), X, Y), X, Y, 1e-6)
    assert Expression.parse("2.5*((-y)*x)").latex() == (
        r"2.5 \cdot \left(\left(- y\right) x\right)"
    )


@pytest.mark.parametrize(
    ("text", "classes", "numbers"),
    [
        ("abs(y)*x", "x*y", "x*Abs(y)"),
        ("abs(x)*y", "x*y", "y*Abs(x)"),
        ("sqrt(square(y)) + x", "x + y", "x + Abs(y)"),
        ("log(y*y) - log(y)", "log(y)", "-log(y) + log(y**2)"),
        ("sqrt(x)*sqrt(x)", "x", "x"),
        ("(y*1000000.4 - y*1000000)*x", "0.4*x*y", "0.4*x*y"),
    ],
)
def test_what_is_assumed_depends_on_the_outputs(text, classes, numbers) -> None:
    assert str(ExpressionLoss(text).simplified()) == classes
    assert str(ExpressionLoss(text, epsilon=None).simplified()) == numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("max(tanh(-log(-1)) + x, y)", "nan"),
        ("max(sqrt(-1), y)", "nan"),
        ("max(2*log(-2.5*(0/0 - x)), y)", "nan"),
        ("square(" * 40 + "tanh(max(log(0), min(0, -x)))" + ")" * 40 + " + y", None),
        ("square(" * 40 + "-2.5*(0/0 - x)" + ")" * 40 + " + y", "nan"),
        ("min(1/0, y)", "y"),
        ("min(-1/0, y)*0 + x", "nan"),
        ("tanh(log(0)) + x*y", "x*y - 1"),
        ("exp(log(0)) + x*y", "x*y"),
        ("x/(1/0) + y", "y"),
        ("square(square(square(square(square(square(square(2)))))))*x - y", None),
        ("square(" * 60 + "2*y" + ")" * 60 + " + x", None),
        ("square(" * 60 + "1.000001*3" + ")" * 60 + " + x*y", None),
        ("exp(-exp(exp(exp(3)))) + x*y", "x*y"),
        ("1/square(" + "square(" * 30 + "7" + ")" * 31 + " + x*y", None),
    ],
)
def test_constants_are_what_the_loss_computes(text, value) -> None:
    loss = ExpressionLoss(text, epsilon=None)
    for form in (loss.sympy(), loss.simplified()):
        if value is not None:
            assert form == sympy.sympify(value)
        with np.errstate(all="ignore"):
            found = read_sympy(form, NUMBERS_X, NUMBERS_Y)
        check(loss.tree, found, NUMBERS_X, NUMBERS_Y, 1e-5)


def balanced(depth: int) -> tuple[str, ...]:
    return ("+", *balanced(depth - 1), *balanced(depth - 1)) if depth else ("y",)


LARGE = {
    "full": balanced(9),
    "deep calls": (*("plog",) * MAX_DEPTH, "y"),
    "deep quotients": (*("aq", "x") * (MAX_DEPTH - 1), "aq", "x", "y"),
    "deep on the left": (*("aq",) * MAX_DEPTH, *("x",) * 50, *("y",) * 51),
    "deep extremes": (*("max", "x", "min", "y") * 49, "x"),
    "deep squares": (*("square",) * (MAX_DEPTH - 1), "-", "x", "y"),
    "deep magnitudes": (*("abs", "tanh") * 49, "y"),
    "deep roots": (*("sqrt", "abs", "-", "x") * 33, "y"),
}


@pytest.mark.parametrize("name", LARGE)
def test_the_largest_trees_are_exported(name) -> None:
    nodes = LARGE[name]
    rng = np.random.default_rng(1)
    expression = Expression(nodes, tuple(rng.uniform(-1.5, 1.5, len(nodes))))
    loss = ExpressionLoss(expression, epsilon=None, reduction=None, dtype="float64")
    written = loss.latex(), mathml(expression)
    loss.simplified()
    loss.sympy()
    assert Expression.parse(loss.expression) == expression
    expected = values(expression, NUMBERS_X, NUMBERS_Y)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)  # for the readers
    try:
        for read, text in zip((read_latex, read_mathml), written, strict=True):
            with np.errstate(all="ignore"):
                np.testing.assert_array_equal(read(text)(NUMBERS_X, NUMBERS_Y), expected)
    finally:
        sys.setrecursionlimit(limit)
