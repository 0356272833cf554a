"""The polynomial of TaylorGLO against its formula, and its invariant against gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glo_tf.expressions.program import Program
from glo_tf.expressions.tree import Expression
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.search.spaces.taylor import lifts_the_label, polynomial, taylor

THETAS = st.lists(st.floats(-5, 5), min_size=8, max_size=8)
CLASSES = st.integers(2, 20)


def formula(theta: list[float], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """f as arXiv 2002.00059 writes it."""
    u, v = x - theta[0], y - theta[1]
    return (
        theta[2] * v
        + theta[3] * v**2 / 2
        + theta[4] * v**3 / 6
        + theta[5] * u * v
        + theta[6] * u * v**2 / 2
        + theta[7] * u**2 * v / 2
    )


def descent_at_null(theta: list[float], num_classes: int) -> np.ndarray:
    """-dL/dz of a softmax at equal logits, label 0, by central differences: shape `(C,)`."""

    def loss(logits: np.ndarray) -> np.ndarray:
        predictions = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        return -formula(theta, np.eye(num_classes)[0], predictions).sum(axis=-1)

    step = 1e-4 * np.eye(num_classes)
    return (loss(-step) - loss(step)) / 2e-4


@given(THETAS)
def test_the_tree_is_the_polynomial(theta: list[float]) -> None:
    tree = polynomial(theta)
    x, y = np.repeat([0.0, 0.3, 1.0], 3), np.tile([1e-7, 0.4, 1.0], 3)
    value, _ = Program.of(tree, dtype=np.float64).run(x[None], y[None])
    np.testing.assert_allclose(value[0], formula(theta, x, y), rtol=1e-9, atol=1e-9)
    assert tree.nodes == polynomial([0.0] * 8).nodes
    assert Expression.parse(str(tree)).coefficients == tree.coefficients


@pytest.mark.parametrize("count", [0, 7, 9])
def test_a_wrong_number_of_parameters_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"Expected 8 parameters. Received: {count} parameters"):
        polynomial([0.0] * count)


@given(THETAS, CLASSES)
def test_the_invariant_is_what_gradient_descent_does(theta: list[float], classes: int) -> None:
    label, other, *_ = descent_at_null(theta, classes)
    if abs(label - other) > 1e-5:
        assert lifts_the_label(polynomial(theta).negated(), classes) == (label > other)


@given(THETAS, CLASSES)
def test_the_invariant_in_closed_form(theta: list[float], classes: int) -> None:
    margin = theta[5] + theta[6] * (1 / classes - theta[1]) + theta[7] * (0.5 - theta[0])
    if abs(margin) > 1e-9:
        assert lifts_the_label(polynomial(theta).negated(), classes) == (margin > 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("-(x*log(y))", True), ("x*log(y)", False), ("square(x - y)", True), ("-log(y)", False)],
)
def test_the_invariant_of_other_losses(text: str, expected: bool) -> None:
    assert lifts_the_label(Expression.parse(text), 10) == expected


def test_the_search_space_is_that_of_the_paper() -> None:
    space = taylor()
    assert space.phases == ("coefficients",)
    assert space.parameterization.start == (0.0,) * 8
    assert (space.coefficient_sigma0, space.coefficient_population_size) == (1.2, 28)


def test_a_found_polynomial_can_be_read_and_exported() -> None:
    theta = [0.5, -0.25, 2.0, 1.0, -3.0, 4.0, 0.75, -1.5]
    loss = ExpressionLoss(polynomial(theta).negated())
    x, y = 1.0, 0.3
    simplified = loss.simplified()
    assert float(simplified.subs({"x": x, "y": y})) == pytest.approx(-formula(theta, x, y))
    assert len(str(simplified)) < len(loss.expression)
    names: dict = {}
    exec(loss.python(), names)
    (function,) = (value for name, value in names.items() if name == loss.name)
    labels, predictions = np.array([[1.0, 0.0]]), np.array([[0.3, 0.7]])
    expected = -formula(theta, labels, predictions).sum()
    assert function(labels, predictions) == pytest.approx([expected])
