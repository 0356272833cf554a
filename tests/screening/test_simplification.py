"""A loss in fewer nodes and digits trains as it does: its gradients on the probes are the same."""

import numpy as np
import pytest
from expression_strategies import expressions
from hypothesis import given
from hypothesis import strategies as st

from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.expressions.shortening import complexity
from glo_tf.expressions.tree import Expression
from glo_tf.losses.lookup import by_name
from glo_tf.screening.probes import UNDECIDED, exact_gradients, fixed_set
from glo_tf.screening.screen import Traits, proportional
from glo_tf.screening.simplification import rounded, simplified

KINDS = {
    "softmax": Outputs.of_classes(4),
    "logits": Outputs((Output(Activation.SOFTMAX, 4, from_logits=True),)),
    "labels": Outputs((Output(Activation.SIGMOID, 3),)),
    "numbers": Outputs((Output.of_numbers(2, np.array([0.0, 1.0, 3.0])),)),
}


@given(
    kind=st.sampled_from([*KINDS]),
    tree=expressions(unit=False, coefficients=st.floats(-3, 3, allow_subnormal=False)),
)
def test_the_gradients_stay(kind, tree) -> None:
    outputs = KINDS[kind]
    found = simplified(tree, outputs)
    assert complexity(found) <= complexity(tree)
    assert found.has_x_and_y or found == tree
    if found != tree:
        assert proportional(found, tree, outputs)
        at = fixed_set(outputs)
        of_found, of_tree = (exact_gradients(loss, outputs, *at) for loss in (found, tree))
        undecided, size = slice(UNDECIDED), of_tree[1][:UNDECIDED]
        difference = np.abs(of_found[0] - of_tree[0])[undecided]
        assert (difference[np.isfinite(size)] <= 1e-6 * size[np.isfinite(size)]).all()


CLASSES, LOGITS, _, NUMBERS = KINDS.values()


@pytest.mark.parametrize(
    ("given", "outputs", "simplest"),
    [
        ("-2.7279*(0.9863*log(1.5352*y) - 1.8158*(x/y))", CLASSES, "log(y) - "),
        ("-(x + log(2*x + 1) - x*y)", CLASSES, "x*y"),
        ("x*log(y) + log(x)", CLASSES, "x*log(y) + log(x)"),  # -inf fails a training
        ("y - log(x)", CLASSES, "y - log(x)"),  # without x it were no loss
        ("x*log(y*y)", CLASSES, "2.0*(x*log(y))"),
        ("x*log(y*y)", LOGITS, "x*log(square(y))"),  # log(y) goes on where y is clipped
        ("square(x) - 2*x*y + square(y)", NUMBERS, "-2.0*(y*(x - 0.5*y))"),
        ("square(x - y)", NUMBERS, "square(x - y)"),
        ("log(square(x - y))", NUMBERS, "log(square(x - y))"),
    ],
)
def test_the_simplest_that_trains_alike(given, outputs, simplest) -> None:
    found = str(simplified(Expression.parse(given), outputs))
    assert found.count(simplest) == 1, found


def test_known_losses_are_no_simpler_than_they_are_written() -> None:
    for name in ("baikal", "focal", "brier", "mae", "cross_entropy"):
        (tree,) = by_name([name], CLASSES).values()
        assert complexity(simplified(tree, CLASSES))[0] == tree.size
    (gce,) = by_name(["gce"], CLASSES).values()  # (x - x*y^q)/q, of which x/q is a constant
    assert str(rounded(simplified(gce, CLASSES), 3, CLASSES)) == "-1.43*(x*exp(0.7*log(y)))"


def test_numbers_are_rounded_where_that_breaks_nothing() -> None:
    tree = Expression.parse("-1.23456*(log(y) - 0.98765*(x/y))")
    assert str(rounded(tree, 2, CLASSES)) == "-1.2*(log(y) - 0.99*(x/y))"
    assert rounded(tree, 6, CLASSES) == tree
    pole = Expression.parse("-(0.123456*x*log(y) + (1 - x)*log(1.0000002 - y))")
    assert rounded(pole, 3, CLASSES) is None
    assert rounded(pole, 9, CLASSES) == pole
    assert Traits.of(pole, CLASSES).finite.all()
