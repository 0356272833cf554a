"""Text to tree and back: exact, and an error that points at the column for everything else."""

import re

import pytest
from expression_strategies import expressions
from hypothesis import example, given
from hypothesis import strategies as st

from glo_tf.expressions.parsing import ParseError
from glo_tf.expressions.prefix import MAX_DEPTH, MAX_NODES
from glo_tf.expressions.tree import Expression

BAIKAL = ("-", "log", "y", "/", "x", "y")


@given(st.one_of(expressions(), expressions(unit=False)))
@example(Expression((1,), (-0.0,)))
@example(Expression((1,), (-1.0,)))
@example(Expression((-1,), (-1.0,)))
@example(Expression(("*", 1, "y"), (1.0, 0.5, 1.0)))
@example(Expression(("/", 1, 1), (-1.0, 2.5, -1.0)))
@example(Expression(("-", "x", "-", "y", -2), (1.0, 1.0, -3.0, 1.0, 2.0)))
def test_the_round_trip_is_exact(expression: Expression) -> None:
    again = Expression.parse(str(expression))
    assert again == expression
    assert list(map(repr, again.coefficients)) == list(map(repr, expression.coefficients))


@pytest.mark.parametrize("node", ["log", "/", "-", "*", "min"])
@pytest.mark.parametrize("factor", [-1.0, 1.0, -1.2345678901234567e-300])
def test_the_deepest_and_the_largest_trees_make_the_round_trip(node, factor) -> None:
    nodes = (*((node,) if node == "log" else (node, 7)) * MAX_DEPTH, "y")
    deepest = Expression(nodes, (factor,) * len(nodes))
    assert deepest.depth == MAX_DEPTH
    assert Expression.parse(str(deepest)) == deepest
    full = _full(MAX_NODES, factor)
    assert Expression.parse(str(full)) == full


def _full(size: int, factor: float) -> Expression:
    """A tree of nearly `size` nodes, as flat as can be."""
    trees = [("sqrt", "y")] * (size // 3)
    while len(trees) > 1:
        joined = [("/", *a, *b) for a, b in zip(trees[::2], trees[1::2], strict=False)]
        trees = joined + trees[2 * len(joined) :]
    return Expression(trees[0], (factor,) * len(trees[0]))


@pytest.mark.parametrize(
    ("text", "nodes", "coefficients"),
    [
        ("log(y) - x/y", BAIKAL, (1.0,) * 6),
        ("-(log(y) - x/y)", BAIKAL, (-1.0, 1.0, 1.0, 1.0, 1.0, 1.0)),
        ("log(y_pred)-y_true / y_pred", BAIKAL, (1.0,) * 6),
        ("\n log ( y )\t- x/y ", BAIKAL, (1.0,) * 6),
        ("x - y - 1", ("-", "-", "x", "y", 1), (1.0,) * 5),
        ("x - (y - 1)", ("-", "x", "-", "y", 1), (1.0,) * 5),
        ("x/y*y", ("*", "/", "x", "y", "y"), (1.0,) * 5),
        ("x + y*y", ("+", "x", "*", "y", "y"), (1.0,) * 5),
        ("1.5*log(y)", ("log", "y"), (1.5, 1.0)),
        ("-2*y", ("*", -2, "y"), (1.0,) * 3),
        ("x - -1", ("-", "x", -1), (1.0,) * 3),
        ("--y", ("y",), (1.0,)),
        ("2.0*-3.0*y", ("y",), (-6.0,)),
        ("(2.0)*y", ("*", 1, "y"), (1.0, 2.0, 1.0)),
        ("x/2.0*y", ("*", "/", "x", 1, "y"), (1.0, 1.0, 1.0, 2.0, 1.0)),
        ("2.0*x/y - -log(y)", ("-", "/", "x", "y", "log", "y"), (1.0, 1.0, 2.0, 1.0, -1.0, 1.0)),
        ("((x))", ("x",), (1.0,)),
        ("0.5", (1,), (0.5,)),
        ("min(x, y)", ("min", "x", "y"), (1.0,) * 3),
        ("max ( x+1 ,y )", ("max", "+", "x", 1, "y"), (1.0,) * 5),
        ("-2.5*aq(min(x, y), -y)", ("aq", "min", "x", "y", "y"), (-2.5, 1.0, 1.0, 1.0, -1.0)),
        ("min(2.0, (2.0))*y", ("*", "min", 1, 1, "y"), (1.0, 1.0, 2.0, 2.0, 1.0)),
        ("x - max(x - y, y*x)", ("-", "x", "max", "-", "x", "y", "*", "y", "x"), (1.0,) * 9),
        ("tanh(plog(psqrt(abs(y))))", ("tanh", "plog", "psqrt", "abs", "y"), (1.0,) * 5),
        ("1e-3*sqrt(square(x))", ("sqrt", "square", "x"), (1e-3, 1.0, 1.0)),
    ],
)
def test_reads(text, nodes, coefficients) -> None:
    assert Expression.parse(text) == Expression(nodes, coefficients)


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("x)", 2, "an operator or the end"),
        ("(x", 3, "')' or an operator"),
        ("(x y", 4, "')' or an operator"),
        ("()", 2, "a number, name or '('"),
        ("log(y))", 7, "an operator or the end"),
        ("x + (2.0*", 10, "a number, name or '('"),
        ("", 1, "a number, name or '('"),
        ("log(y) - ", 10, "a number, name or '('"),
        ("log y", 5, "'(' after log"),
        ("min(x)", 6, "',' or an operator"),
        ("min(x", 6, "',' or an operator"),
        ("min(x, y, y)", 9, "')' or an operator"),
        ("min(x, )", 8, "a number, name or '('"),
        ("min(, y)", 5, "a number, name or '('"),
        ("min(x, (y, y))", 10, "')' or an operator"),
        ("log(x, y)", 6, "')' or an operator"),
        ("(x, y)", 3, "')' or an operator"),
        ("x, y", 2, "an operator or the end"),
        ("min x", 5, "'(' after min"),
        ("log(y", 6, "')' or an operator"),
        ("x y", 3, "an operator or the end"),
        ("x + tan(y)", 5, "received 'tan'"),
        ("x ** y", 4, "a number, name or '('"),
        ("x; import os", 2, "a number, a name, an operator"),
        ("__import__('os')", 1, "received '__import__'"),
        ("x + 99999999999", 5, "an integer of at most"),
        ("1e999*y", 1, "within limits"),
        ("\u0661*y", 1, "a number, a name, an operator"),  # a digit to Python, not to the grammar
    ],
)
def test_a_bad_text_points_at_its_column(text, column, expected) -> None:
    with pytest.raises(ParseError, match=re.escape(expected)) as caught:
        Expression.parse(text)
    assert caught.value.column == column
    message, excerpt, pointer = str(caught.value).split("\n")
    assert f"at column {column}" in message
    assert pointer.index("^") - 2 == min(column - 1, 40)
    assert text[:60] in excerpt


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "(" * 4_999 + "x" + ")" * 4_999,
        "log(" * 2_000 + "x" + ")" * 2_000,
        "-" * 9_999 + "x",
        "min(" * 2_000 + "x" + ",y)" * 2_000,
        "min(" + "x," * 10_000 + "x)",
        "+".join("x" * 5_000),
        "/".join("x" * 5_000),
        "x" * 10_000,
        "1" * 10_000,
        "0" * 9_999 + "y",
        "x+" * 500_000 + "x",
        "(" * 1_000_000,
    ],
    ids=lambda text: f"{text[:4]}, {len(text)} characters",
)
def test_huge_and_deep_texts_get_a_short_error(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        Expression.parse(text)
    assert len(str(caught.value)) < 500


@given(st.text("xylogsqrtuaemin_(),. +-*/0123456789\n", max_size=40))
def test_any_text_is_an_expression_or_a_parse_error(text: str) -> None:
    try:
        expression = Expression.parse(text)
    except ParseError as error:
        column = error.column
        message = str(error)
    else:
        assert Expression.parse(str(expression)) == expression
        return
    assert 1 <= column <= len(text) + 1
    assert message.startswith("Expected")


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Expected expression text\. Received: bytes"):
        Expression.parse(b"x")
