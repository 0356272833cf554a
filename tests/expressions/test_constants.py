"""Factors of nodes as constants among them, and back."""

import sys

import pytest
from expression_strategies import expressions
from hypothesis import given

from glo_tf.expressions.constants import expression_of, parts_of
from glo_tf.expressions.prefix import subtree_end
from glo_tf.expressions.tree import Expression

LARGEST = sys.float_info.max


@given(expressions())
def test_trees_without_factors_are_their_nodes(tree) -> None:
    assert parts_of(tree) == tree.nodes
    assert expression_of(tree.nodes) == tree


def multiplies_a_constant(tree: Expression) -> bool:
    """Whether an integer with a factor, which is one constant, is a factor of a product itself."""
    constants = {
        place
        for place, (node, factor) in enumerate(zip(tree.nodes, tree.coefficients, strict=True))
        if isinstance(node, int) and factor != 1.0
    }
    products = [place for place, node in enumerate(tree.nodes) if node == "*"]
    return any(constants & {at + 1, subtree_end(tree.nodes, at + 1)} for at in products)


@given(expressions(unit=False).filter(lambda tree: not multiplies_a_constant(tree)))
def test_factors_are_found_again(tree) -> None:
    found = expression_of(parts_of(tree))
    for node, factor, *now in zip(
        tree.nodes, tree.coefficients, found.nodes, found.coefficients, strict=True
    ):
        if isinstance(node, int) and factor != 1.0:
            assert now == [1, max(-LARGEST, min(factor * node, LARGEST))]
        else:
            assert now == [node, factor]


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("*", 0.5, "y"), "0.5*y"),
        (("*", "y", 0.5), "0.5*y"),
        (("*", 0.5, "*", 4.0, "y"), "2.0*y"),
        (("*", "*", 0.5, 4.0, "y"), "2.0*y"),
        (("+", 0.5, "y"), "0.5*1 + y"),
        (("log", "*", 0.5, 4.0), "log(2.0*1)"),
        (("*", 1, "y"), "1*y"),
        (("*", LARGEST, "*", 4.0, "y"), f"{LARGEST}*y"),
        (("log", "*", "x", -0.0), "log(-0.0*x)"),
        ((0.5,), "0.5*1"),
    ],
)
def test_constants_become_factors_of_what_they_multiply(parts, text) -> None:
    assert expression_of(parts) == Expression.parse(text)
