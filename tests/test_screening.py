"""Gradients on the probe, against the translator, and which losses train alike."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from expression_strategies import expressions
from hypothesis import given, settings
from hypothesis import strategies as st

from glo_tf import architectures, datasets, screening
from glo_tf.expression import Expression
from glo_tf.screening import logit_gradients, trains_alike
from glo_tf.training import CandidateTrainer
from glo_tf.translate import Translation

COEFFICIENTS = st.one_of(st.floats(0.01, 3), st.floats(-3, -0.01))
BAIKAL = Expression.parse("-(log(y) - x/y)")


def gradients_of_the_graph(loss: Expression) -> np.ndarray:
    logits = tf.constant(np.log(screening._Y))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        terms = Translation(loss)(tf.constant(screening._X), tf.nn.softmax(logits))
        total = tf.reduce_sum(terms)
    zero = tf.UnconnectedGradients.ZERO
    return tape.gradient(total, logits, unconnected_gradients=zero).numpy()


@settings(max_examples=40, deadline=None)
@given(expressions(unit=False, coefficients=COEFFICIENTS, max_leaves=5))
def test_gradients_are_those_of_the_graph(loss: Expression) -> None:
    ours, theirs = logit_gradients(loss), gradients_of_the_graph(loss)
    # Where 0 meets infinity, forward and backward differentiation may differ.
    both = np.isfinite(ours) & np.isfinite(theirs)
    scale = 1 + np.abs(theirs[both]).max(initial=0)
    np.testing.assert_allclose(ours[both], theirs[both], rtol=1e-6, atol=1e-9 * scale)


def test_the_probe_holds_all_kinds_of_predictions() -> None:
    right = (screening._X * screening._Y).sum(axis=-1)
    assert right.min() < 0.01
    assert right.max() > 0.1
    np.testing.assert_allclose(screening._Y.sum(axis=-1), 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-(log(y) - x/y)", "-(1 + (log(y) - x/y))"),
        ("-(log(y) - x/y)", "-(log(y) - x/y + log(x + 1))"),
        ("-(log(y) - x/y)", "-(log(2*y) - x/y)"),
        ("-(log(y) - x/y)", "-(log(y) - x/y) + 3.0*y"),  # predictions sum to 1
        ("-(x*log(y))", "-(x*x*log(y))"),  # labels are 0 or 1
        ("y/y + x", "x - 1"),
    ],
)
def test_losses_that_train_alike(one: str, other: str) -> None:
    assert trains_alike(Expression.parse(one), Expression.parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-(log(y) - x/y)", "log(y) - x/y"),
        ("-(log(y) - x/y)", "-(log(y) - 1.000001*(x/y))"),
        ("-(log(y) - x/y)", "-2.0*(log(y) - x/y)"),
        ("-(log(y) - x/y)", "log(x)*y"),
        ("-(x*log(y))", "square(x - y)"),
    ],
)
def test_losses_that_do_not(one: str, other: str) -> None:
    assert not trains_alike(Expression.parse(one), Expression.parse(other))


@given(expressions(), expressions())
def test_alike_is_symmetric_and_reflexive(one: Expression, other: Expression) -> None:
    assert trains_alike(one, one)
    assert trains_alike(one, other) == trains_alike(other, one)


def test_losses_that_train_alike_reach_the_same_accuracy() -> None:
    data = datasets.digits()
    trainer = CandidateTrainer(
        lambda: architectures.mlp(data.input_shape, data.num_classes),
        keras.optimizers.SGD(0.1),
        (data.x_train, data.y_train),
        (data.x_validation, data.y_validation),
        train_steps=100,
        batch_size=100,
    )
    fitnesses = [
        trainer.evaluate(Expression.parse(text), seed=0).fitness
        for text in ("-(log(y) - x/y)", "-(x + (log(2*y) - x/y))", "-(log(y) - x*x/y)")
    ]
    assert fitnesses[0] > 0.8
    assert max(fitnesses) - min(fitnesses) <= 1 / 300  # an image, by rounding
