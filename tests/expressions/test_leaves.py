"""Leaves: what is known of them is said in one place, so a further one needs no other."""

from collections.abc import Iterator

import numpy as np
import pytest
from expression_strategies import expressions
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis_examples import examples

from glo_tf.expressions import leaves
from glo_tf.expressions.leaves import LEAVES, SPELLINGS, Leaf, Surroundings, values
from glo_tf.expressions.operations import Operation
from glo_tf.expressions.program import Program
from glo_tf.expressions.symbolic import simplified, to_sympy
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of

AROUND = Surroundings(
    frequencies=np.array([0.7, 0.1, 0.2]),
    progress=0.3,
    weights=np.array([[2.0], [0.5]]),
    classes=3.0,
)
X, Y = np.eye(3)[:2], np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])


@pytest.fixture
def rarity() -> Iterator[Leaf]:
    """A leaf as a package has one."""
    leaf = Leaf(
        "r",
        "class_rarity",
        "How rare the class is.",
        value=lambda seen: 1.0 - seen.frequencies / 2,
        needs=("frequencies",),
        assumed={"positive": True},
    )
    leaves.register(leaf)
    yield leaf
    del LEAVES["r"], SPELLINGS["r"], SPELLINGS["class_rarity"]


def test_a_further_leaf_is_read_written_and_computed_by_what_is_said_there(rarity) -> None:
    tree = Expression.parse("-(class_rarity*log(y) - 2.5*r/x)")
    assert str(tree) == "-(r*log(y) - 2.5*r/x)"
    assert tree.surroundings == ("r",)
    x = np.full_like(X, 0.5)
    r = np.array([0.65, 0.95, 0.9])
    expected = -(r * np.log(Y) - 2.5 * r / 0.5)
    np.testing.assert_allclose(value_of(tree, x, Y, ops=np, surroundings=AROUND), expected)
    for log_y in (False, True):
        program = Program.of(tree, dtype=np.float64, log_y=log_y)
        value, slope = program.run(x, Y, surroundings=AROUND)
        np.testing.assert_allclose(value, expected)
        np.testing.assert_allclose(slope, -r / Y)
    assert {symbol.name for symbol in to_sympy(tree).free_symbols} == {"x", "y", "r"}
    assert str(simplified(Expression.parse("r + r"), probabilities=True)) == "2*r"
    leaves.register(rarity)  # again, as by another import
    with pytest.raises(ValueError, match=r"names other than .*class_rarity.*Received: name='r'"):
        leaves.register(Leaf("r", "other", "Another.", value=lambda seen: seen.progress))


@pytest.mark.parametrize("name", SPELLINGS)
def test_text_has_a_leaf_by_each_of_its_names_and_no_operation_has_one(name: str) -> None:
    assert Expression.parse(name).nodes == (SPELLINGS[name],)
    with pytest.raises(ValueError, match=rf"none of .*{name}.*Received: name='{name}'"):
        Operation(
            name, 1, "Third power.", lambda ops, a: a, lambda ops, v, a: a.slope, lambda s, a: a
        )


def test_every_leaf_has_a_value_and_label_and_prediction_are_first() -> None:
    found = values(X, Y, AROUND, LEAVES, zeros=np.zeros_like(Y))
    assert list(found) == list(LEAVES) == ["x", "y", "n", "t", "w", "C"]
    assert {value.shape for value in found.values()} == {Y.shape}
    assert [leaf.name for leaf in LEAVES.values()] == list(LEAVES)
    np.testing.assert_array_equal(found["w"][:, 2], [2.0, 0.5])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n*y", AROUND.frequencies * Y),
        ("t + w - C", 0.3 + np.array([[2.0] * 3, [0.5] * 3]) - 3.0),
        ("total(1)", np.full_like(Y, 3.0)),
        ("total(t*w)", np.repeat([[1.8], [0.45]], 3, axis=1)),
        ("x*log(y)/total(log(y))", X * np.log(Y) / np.log(Y).sum(axis=1, keepdims=True)),
    ],
)
def test_values_are_what_the_text_says(text: str, expected: np.ndarray) -> None:
    tree = Expression.parse(text)
    assert Expression.parse(str(tree)) == tree
    found = value_of(tree, X, Y, ops=np, surroundings=AROUND)
    np.testing.assert_allclose(np.broadcast_to(found, Y.shape), expected)
    value, _ = Program.of(tree, dtype=np.float64).run(X, Y, surroundings=AROUND)
    np.testing.assert_allclose(value, expected)


@examples(100)
@given(
    expressions(
        unit=False,
        coefficients=st.one_of(st.floats(0.2, 2.0), st.floats(-2.0, -0.2)),
        max_leaves=7,
        seeing=True,
    )
)
@example(Expression.parse("x/log(0.5*x)"))
@np.errstate(all="ignore")
def test_slopes_are_those_of_the_sum_over_the_classes(tree: Expression) -> None:
    program = Program.of(tree, dtype=np.float64)
    value, slope = program.run(X, Y, surroundings=AROUND)
    # Differences of complex steps have no rounding errors, but no kinks and magnitudes either.
    assume(not {"abs", "plog", "psqrt", "min", "max"} & set(tree.nodes))
    assume(np.isfinite(value).all() and np.abs(value).max() < 1e6)
    for column in range(3):
        step = np.zeros_like(Y, dtype=complex)
        step[:, column] = 1e-30j
        moved = value_of(tree, X.astype(complex), Y + step, ops=np, surroundings=AROUND)
        expected = np.broadcast_to(moved, Y.shape).sum(axis=-1).imag / 1e-30
        assume(np.isfinite(slope).all() and np.isfinite(expected).all())
        scale = 1e-9 * (1.0 + np.abs(slope).max())
        np.testing.assert_allclose(slope[:, column], expected, rtol=1e-7, atol=scale)


@pytest.mark.parametrize(
    ("text", "missing"),
    [("n*x*y", "frequencies"), ("t*x*y", "progress"), ("C + total(x)*y", "classes")],
)
def test_what_is_not_known_is_named_with_what_to_do(text: str, missing: str) -> None:
    tree = Expression.parse(text)
    for run in (
        lambda: value_of(tree, X, Y, ops=np),
        lambda: Program.of(tree).run(X, Y),
        lambda: Program.of(tree, seen=("w",)),
    ):
        with pytest.raises(ValueError, match=f"Expected the .*{missing}=None"):
            run()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"name": "1r"}, "name='1r'"),
        ({"argument": "much_too_long_a_name"}, "argument='much_too_long_a_name'"),
        ({"needs": ("weather",)}, r"needs=\('weather',\)"),
    ],
)
def test_a_leaf_has_names_for_text_and_needs_what_there_is(arguments, named: str) -> None:
    given_ = {"name": "r", "argument": "rarity", "description": "Rare.", **arguments}
    with pytest.raises(ValueError, match=f"Received: {named}"):
        Leaf(**given_)
