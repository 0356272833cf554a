"""The tree: its invariants, its canonical form and its exports."""

import numpy as np
import pytest
import sympy
from expression_strategies import expressions, node_lists
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples

from glo_tf.expressions.prefix import MAX_DEPTH, MAX_INTEGER, MAX_NODES, arity
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of

BAIKAL = Expression(("-", "log", "y", "/", "x", "y"))
X, Y = np.array([0.0, 1.0, 1.0, 0.3]), np.array([1e-7, 1.0, 0.4, 0.6])


def value(expression: Expression) -> np.ndarray:
    with np.errstate(all="ignore"):
        return value_of(expression, X, Y, ops=np)


@given(expressions())
def test_size_and_depth_bound_each_other(expression: Expression) -> None:
    assert expression.size == len(expression.nodes)
    assert expression.depth + 1 <= expression.size <= 2 ** (expression.depth + 1) - 1


@given(expressions(), st.data())
def test_a_subtree_is_a_tree(expression: Expression, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, expression.size - 1))
    subtree = Expression(expression.nodes[start : expression.subtree_end(start)])
    assert subtree.nodes[0] == expression.nodes[start]
    assert subtree.depth <= expression.depth


@given(node_lists(), st.data())
def test_no_proper_prefix_or_extension_of_a_tree_is_one(nodes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(nodes) - 1))
    for broken in (nodes[:cut], [*nodes, "x"]):
        with pytest.raises(ValueError, match="Expected"):
            Expression(tuple(broken))


@given(expressions(unit=False, coefficients=st.floats(-3, 3)))
def test_canonical_form_has_the_same_value_and_is_its_own(expression: Expression) -> None:
    canonical = expression.canonical()
    np.testing.assert_array_equal(value(canonical), value(expression))
    assert canonical.canonical() == canonical
    assert sorted(map(str, canonical.nodes)) == sorted(map(str, expression.nodes))


@given(expressions(), expressions(), st.sampled_from(["+", "*", "min", "max"]))
def test_operand_order_of_commutative_nodes_does_not_matter(left, right, node) -> None:
    one = Expression((node, *left.nodes, *right.nodes))
    other = Expression((node, *right.nodes, *left.nodes))
    assert one.canonical() == other.canonical()


def test_operand_order_of_the_others_does() -> None:
    for node in ("-", "/", "aq"):
        one, other = Expression((node, "x", "y")), Expression((node, "y", "x"))
        assert one.canonical() != other.canonical()


@given(expressions(unit=False, coefficients=st.floats(-3, 3)))
def test_negated_negates(expression: Expression) -> None:
    np.testing.assert_array_equal(value(expression.negated()), -value(expression))
    assert expression.negated().negated() == expression


def test_constants_follow_ieee_too() -> None:
    np.testing.assert_array_equal(value(Expression(("/", 1, 0))), np.full(4, np.inf))
    np.testing.assert_array_equal(value(Expression(("/", 0, 0))), np.full(4, np.nan))


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [(("x",), False), (("log", "y"), False), (("*", "x", "x"), False), (("*", "x", "y"), True)],
)
def test_has_x_and_y(nodes, expected) -> None:
    assert Expression(nodes).has_x_and_y is expected


def test_baikal_is_the_six_node_tree_of_depth_two() -> None:
    assert (BAIKAL.size, BAIKAL.depth, str(BAIKAL)) == (6, 2, "log(y) - x/y")
    assert str(BAIKAL.negated()) == "-(log(y) - x/y)"
    assert BAIKAL.negated().nodes == BAIKAL.nodes


@examples(25)
@given(expressions(unit=False, coefficients=st.floats(0.5, 3), max_leaves=5))
def test_sympy_has_the_same_value(expression: Expression) -> None:
    x, y = sympy.Symbol("x"), sympy.Symbol("y")
    expected = value(expression)[3]
    exact = complex(expression.sympy().subs({x: 0.3, y: 0.6}).evalf())
    # SymPy works in the complex plane and simplifies 0/0 away: compare where IEEE has a number.
    if np.isfinite(expected) and abs(exact) < 1e12 and exact.imag == 0:
        assert exact.real == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_sympy_and_latex_of_baikal() -> None:
    x, y = sympy.Symbol("x"), sympy.Symbol("y")
    assert sympy.simplify(BAIKAL.sympy() - (sympy.log(y) - x / y)) == 0
    assert BAIKAL.latex() == r"\log{\left(y \right)} - \frac{x}{y}"


def test_sympy_has_no_order_where_numbers_are_not_real() -> None:
    assert Expression.parse("min(x, max(y, 2))").sympy() == sympy.Min(
        sympy.Symbol("x"), sympy.Max(sympy.Symbol("y"), 2)
    )
    assert Expression.parse("max(sqrt(-1), y)").sympy() is sympy.nan


def test_latex_keeps_the_shape_that_was_found() -> None:
    assert Expression.parse("y + y").latex() == "y + y"
    assert Expression.parse("y + y").sympy() == 2 * sympy.Symbol("y")


@pytest.mark.parametrize(
    ("nodes", "coefficients", "message"),
    [
        ((), (), "1 to"),
        (("x",) * (MAX_NODES + 1), (), "1 to"),
        (("tan", "x"), (), r"nodes\[0\]='tan'"),
        ((1.5,), (), r"nodes\[0\]=1.5"),
        ((True,), (), r"nodes\[0\]=True"),
        ((MAX_INTEGER + 1,), (), "Expected integers"),
        (("x", "y"), (), "ends before node 1"),
        (("+", "x"), (), "1 more operands"),
        (("x",), (1.0, 2.0), r"one coefficient per node \(1\)"),
        (("x",), (float("nan"),), "finite coefficients"),
        ((*("log",) * (MAX_DEPTH + 1), "x"), (), "depth of at most"),
    ],
)
def test_what_is_no_tree_is_refused(nodes, coefficients, message) -> None:
    with pytest.raises(ValueError, match=message):
        Expression(nodes, coefficients)


def test_arity() -> None:
    assert [arity(node) for node in ("/", "log", "x", 7)] == [2, 1, 0, 0]
