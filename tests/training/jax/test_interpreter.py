"""The interpreter of programs that see all classes and more, against JAX's own derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
from expression_strategies import expressions
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples

from glo_tf.expressions.leaves import Surroundings
from glo_tf.expressions.program import Program
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of
from glo_tf.training.jax.interpreter import interpret

SEEN, CAPACITY = ("n", "t", "w", "C"), 32
MODERATE = st.one_of(st.floats(0.2, 2.0), st.floats(-2.0, -0.2))
X = np.eye(3, dtype=np.float32)[[0, 1]]
Y = np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]], np.float32)
AROUND = Surroundings(
    np.float32([0.7, 0.1, 0.2]), np.float32(0.3), np.float32([[2.0], [0.5]]), np.float32(3.0)
)
FIRST = Program.of(Expression.parse("n*t + total(y)"), seen=SEEN)


@jax.jit
def interpreted(codes, numbers, length):
    return interpret(X, Y, codes, numbers, length, length, layout=FIRST.layout, surroundings=AROUND)


@examples(12)
@given(expressions(unit=False, coefficients=MODERATE, max_leaves=6, seeing=True))
def test_losses_that_see_all_classes_and_more_have_the_slopes_of_jax(tree) -> None:
    # A sum of t changes no slope; with it all trees have the layout that is compiled.
    loss = Expression(("+", *tree.nodes, "total", "t"), (1.0, *tree.coefficients, 1.0, 1.0))
    program = Program.of(loss, capacity=CAPACITY, seen=SEEN)
    found = interpreted(program.codes, program.numbers, np.int32(program.length))

    def total(y):
        value = value_of(loss, X, y, ops=jnp, surroundings=AROUND)
        value = jnp.broadcast_to(value, y.shape)
        return value.sum(), value

    slope, value = jax.grad(total, has_aux=True)(jnp.asarray(Y))
    for mine, theirs in zip(found, (value, slope), strict=True):
        mine, theirs = np.asarray(mine), np.asarray(theirs)
        finite = (np.isfinite(mine) & np.isfinite(theirs)).all(axis=-1)
        largest = np.abs(theirs[finite]).max(initial=0.0)
        if largest < 1e4:  # beyond, float32 has no digits left where terms cancel
            np.testing.assert_allclose(
                mine[finite], theirs[finite], rtol=2e-3, atol=1e-3 * (1.0 + largest)
            )
