"""Shorter trees with the same slope: what they are, and that they have it."""

import numpy as np
import pytest
from expression_strategies import expressions
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis_examples import examples

from glo_tf.expressions.agreement import points
from glo_tf.expressions.program import Program
from glo_tf.expressions.shortening import complexity, shorter_forms
from glo_tf.expressions.tree import Expression


@pytest.mark.parametrize(
    ("given", "simplest"),
    [
        ("-1.25*(2.0*log(2.0*y)*4 - x/(4.0*y) + sqrt(x) + 1.7)", "-10.0*(log(y) - 0.03125*(x/y))"),
        ("-2.0*(0.5*log(1.5*y) - 2.0*(x/y))", "-(log(y) - 4.0*(x/y))"),
        ("log(2*y) + x - x*y*3/3", "log(y) - x*y"),
        ("x*log(y) + x*y", "x*(log(y) + y)"),
        ("y*(x + 1) - y*x + x*y", "x*y + y"),
        ("x*(sqrt(y)*sqrt(y))", "x*y"),
        ("1/(1/y)*x", "x*y"),
        ("square(sqrt(x + y))*3 - 2*x", "3.0*y"),
        ("x*log(1/y)", "-(x*log(y))"),
        ("x*log(sqrt(y))", "0.5*(x*log(y))"),
        ("x*log(exp(y)*y)", "x*(log(y) + y)"),
        ("exp(2.0*log(y)) - x", "square(y)"),
        ("exp(y)*exp(x - y)*y", "y*exp(x)"),
        ("abs(2.0*(x - y)) - abs(x)", "2.0*abs(x - y)"),
        ("0.5*min(2.0*x, 4.0*y)", "min(x, 2.0*y)"),
        ("max(x - y, 0)", "max(x - y, 0)"),
        ("3.0*aq(2.0*x, -1.0*y)", "6.0*aq(x, y)"),
        ("x*(1/sqrt(y))", "x/sqrt(y)"),
        ("-(x*log(y) + (1 - x)*log(1.0000002 - y))", "-(x*log(y) + (1 - x)*log(1.0000002 - y))"),
        ("x*y - x*y", "x*y - x*y"),
        ("y/(x - x)", "y/(x - x)"),
    ],
)  # fmt: skip
def test_the_simplest_form(given, simplest) -> None:
    tree = Expression.parse(given)
    first, *_ = forms = shorter_forms(tree, probabilities=True)
    assert str(first) == simplest
    assert forms[-1] == tree
    assert all(complexity(form) < complexity(tree) for form in forms[:-1])


def test_of_numbers_nothing_is_known_to_be_positive() -> None:
    assert [str(form) for form in shorter_forms(Expression.parse("log(y*y)"), probabilities=False)
            ] == ["log(square(y))", "log(y*y)"]  # fmt: skip
    (root,) = shorter_forms(Expression.parse("sqrt(x*y)"), probabilities=False)
    assert str(root) == "sqrt(x*y)"


COEFFICIENTS = st.one_of(st.just(1.0), st.floats(-4, 4, allow_subnormal=False))


@examples(60)
@given(expressions(unit=False, coefficients=COEFFICIENTS), st.booleans())
@example(Expression.parse("log(1/(y*y))"), False)
@example(Expression.parse("abs(x*y)/aq(-1.0*x, y)"), False)
@example(Expression.parse("min(y, x/x)"), True)
@example(Expression.parse("log(2.0*y)"), False)
@np.errstate(all="ignore")
def test_slopes_are_the_same_wherever_both_are_finite(tree, probabilities) -> None:
    x, y = points(probabilities=probabilities)
    values, slopes = Program.of(tree, dtype=np.float64).run(x, y)
    defined = np.isfinite(values) & np.isfinite(slopes)
    for form in shorter_forms(tree, probabilities=probabilities)[:-1]:
        _, its = Program.of(form, dtype=np.float64).run(x, y)
        both = defined & np.isfinite(its)
        largest = np.abs(slopes[both]).max(initial=1.0)
        if largest < 1e8:  # else nothing but rounding is left of what cancels
            assert np.abs(slopes - its)[both].max(initial=0.0) <= 1e-6 * largest, form


def test_many_terms_become_one_and_what_is_too_large_stays() -> None:
    long = Expression.parse("+".join("y" * 90))
    assert str(shorter_forms(long, probabilities=True)[0]) == "90.0*y"
    larger = Expression.parse(f"({long})*({long}) - x")
    assert shorter_forms(larger, probabilities=True) == [larger]
