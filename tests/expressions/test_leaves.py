"""Leaves: what is known of them is said in one place, so a further one needs no other."""

import subprocess
import sys

import pytest

from glo_tf.expressions.leaves import LEAVES, SPELLINGS, values
from glo_tf.expressions.operations import Operation
from glo_tf.expressions.tree import Expression

A_THIRD = """
import sys
from glo_tf.expressions import leaves

assert not {"glo_tf.expressions.prefix", "glo_tf.expressions.program"} & set(sys.modules)
leaves.LEAVES["z"] = leaves.Leaf("z", "y_both", depends=False, assumed={"positive": True})
leaves.SPELLINGS |= {"z": "z", "y_both": "z"}
two = leaves.values
leaves.values = lambda y_true, y_pred: {**two(y_true, y_pred), "z": y_true + 2 * y_true}

import numpy as np
from glo_tf.expressions.program import Program
from glo_tf.expressions.symbolic import simplified, to_sympy
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of

tree = Expression.parse("-(y_both*log(y) - 2.5*z/x)")
assert str(tree) == "-(z*log(y) - 2.5*z/x)", str(tree)
x, y = np.array([0.5, 1.0]), np.array([0.25, 0.75])
expected = -(3 * x * np.log(y) - 2.5 * 3)
np.testing.assert_allclose(value_of(tree, x, y, ops=np), expected)
for log_y in (False, True):
    value, slope = Program.of(tree, dtype=np.float64, log_y=log_y).run(x, y)
    np.testing.assert_allclose(value, expected)
    np.testing.assert_allclose(slope, -3 * x / y)
assert {symbol.name for symbol in to_sympy(tree).free_symbols} == {"x", "y", "z"}
assert str(simplified(Expression.parse("z + z"), probabilities=True)) == "2*z"
"""


def test_a_further_leaf_is_read_written_and_computed_by_what_is_said_there() -> None:
    subprocess.run([sys.executable, "-c", A_THIRD], check=True, timeout=120)


@pytest.mark.parametrize("name", SPELLINGS)
def test_text_has_a_leaf_by_each_of_its_names_and_no_operation_has_one(name: str) -> None:
    assert Expression.parse(name).nodes == (SPELLINGS[name],)
    with pytest.raises(ValueError, match=rf"none of .*{name}.*Received: name='{name}'"):
        Operation(
            name, 1, "Third power.", lambda ops, a: a, lambda ops, v, a: a.slope, lambda s, a: a
        )


def test_every_leaf_has_a_value_in_the_order_of_the_registers() -> None:
    assert list(values(1.0, 2.0)) == list(LEAVES)
    assert [leaf.name for leaf in LEAVES.values()] == list(LEAVES)
