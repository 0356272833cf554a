"""The scale of a loss's gradients, against its closed form and against trainings."""

import math

import keras
import numpy as np
import pytest
from expression_strategies import expressions
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis_examples import examples

import glo_tf
from glo_tf import gradient_scale
from glo_tf.data.outputs import Output, Outputs
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of
from glo_tf.losses.baselines import usual_loss
from glo_tf.screening.scale import relative_scale, relative_steepness

CLASSES = st.integers(2, 200)
COEFFICIENTS = st.one_of(st.floats(0.01, 3), st.floats(-3, -0.01))


def slope(loss: Expression, x: float, y: float) -> float:
    step = 1e-6 * y
    above, below = (
        float(value_of(loss, np.float64(x), np.float64(y + h), ops=np)) for h in (step, -step)
    )
    return (above - below) / (2 * step)


TERMS = ("x*log(y)", "x*y", "y*y", "x/y", "sqrt(y)", "exp(x - y)", "tanh(3*y)", "log(x + y)")


@st.composite
def finite_losses(draw: st.DrawFn) -> Expression:
    """Sums of terms with slopes between 0 and 1."""
    terms = draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=4, unique=True))
    return Expression.parse(" + ".join(f"{draw(COEFFICIENTS)!r}*({term})" for term in terms))


@examples(60)
@given(finite_losses(), CLASSES)
def test_of_classes_it_is_the_closed_form(loss: Expression, classes: int) -> None:
    of_label, of_other = (slope(loss, x, 1 / classes) for x in (1.0, 0.0))
    expected = abs(of_label - of_other) / classes
    assume(expected > 1e-3 * (abs(of_label) + abs(of_other)))
    found = relative_scale(loss, Outputs.of_classes(classes))
    assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("loss", "classes", "scale"),
    [
        ("categorical_crossentropy", 10, 1.0),
        ("baikal", 10, 10.0),
        ("baikal", 100, 100.0),
        (glo_tf.BaikalCMA(), 10, 49.5),
        ("-(x*y)", 10, 0.1),
        (Expression.parse("-(1 - (x + x)/y)"), 10, 20.0),
        (glo_tf.NGL(), 10, 0.08),
        (glo_tf.ExpressionLoss("-(x*log(y))", class_reduction="mean"), 4, 0.25),
    ],
)
def test_known_losses(loss, classes, scale) -> None:
    assert gradient_scale(loss, classes) == pytest.approx(scale, rel=0.02)


@examples(60)
@given(
    expressions(unit=False, coefficients=COEFFICIENTS, max_leaves=4),
    st.floats(1e-6, 1e6),
    st.sampled_from(["softmax", "sigmoid", "linear"]),
)
def test_a_factor_is_a_factor(loss: Expression, factor: float, activation: str) -> None:
    outputs = Outputs((Output(activation, 3, (0.0, 1.0, 3.0) * (activation == "linear")),))
    first, *others = loss.coefficients
    scaled = loss.with_coefficients((first * factor, *others))
    scale = relative_scale(loss, outputs)
    assume(1e-100 < scale < 1e100)
    assert relative_scale(scaled, outputs) == pytest.approx(factor * scale, rel=1e-6)


@pytest.mark.parametrize(
    ("activation", "units", "loss", "scale"),
    [
        ("sigmoid", 1, "-(x*log(y))", 1.0),
        ("sigmoid", 1, "square(x - y)", 1.0),
        ("sigmoid", 5, "-(x*log(y) + (1 - x)*log(1 - y))", 1.0),
        ("sigmoid", 5, "square(x - y)", 0.5),
        ("linear", 2, "square(x - y)", 1.0),
        ("linear", 2, "3*square(x - y)", 3.0),
    ],
)
def test_other_outputs(activation: str, units: int, loss: str, scale: float) -> None:
    assert gradient_scale(loss, units, activation=activation) == pytest.approx(scale, rel=1e-5)


def test_numbers_are_measured_on_their_own_targets() -> None:
    # |2 (y - x)| against 1: the mean absolute slope of squared error goes with the spread.
    scales = [
        gradient_scale("abs(x - y)", 1, activation="linear", targets=spread * np.arange(10.0))
        for spread in (1.0, 100.0)
    ]
    assert scales[0] == pytest.approx(100 * scales[1])


def test_logits_have_the_scale_of_their_probabilities() -> None:
    for kind, units in (("softmax", 7), ("sigmoid", 1), ("sigmoid", 4)):
        for loss in map(Expression.parse, ("-(log(y) - x/y)", "-(x*y)", "x*square(log(y))")):
            plain, logits = (
                relative_scale(loss, Outputs((Output(kind, units, from_logits=given),)))
                for given in (False, True)
            )
            assert plain == pytest.approx(logits)


def test_several_outputs_are_taken_together() -> None:
    one, other = Output("softmax", 3), Output("softmax", 30)
    loss = Expression.parse("-(x*y)")
    alone = [relative_scale(loss, Outputs((output,))) for output in (one, other)]
    assert min(alone) < relative_scale(loss, Outputs((one, other))) < max(alone)


def test_a_loss_without_slope_where_training_begins_is_measured_beyond() -> None:
    assert gradient_scale("square(square(y - 0.1)) - x*square(y - 0.1)", 10) > 0.0


@pytest.mark.parametrize("loss", ["x*(y - y)", "log(x)*y*0 + x"])
def test_a_loss_without_gradients_has_none(loss: str) -> None:
    assert gradient_scale(loss) == 0.0


def test_large_gradients_do_not_overflow() -> None:
    assert np.isfinite(gradient_scale("1e200*x*y"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"loss": "nothing"}, "loss='nothing'"),
        ({"loss": 3}, r"loss\[0\]=3"),
        ({"loss": "x*y", "units": 1}, "units=1"),
        ({"loss": "x*y", "units": 2.0}, "units=2.0"),
        ({"loss": "x*y", "activation": "relu"}, "activation='relu'"),
        ({"loss": "x*y", "targets": [1.0]}, "targets beside activation='softmax'"),
        ({"loss": "x*y", "activation": "linear", "targets": [np.nan]}, "targets of shape"),
    ],
)
def test_bad_arguments_are_named(arguments, named: str) -> None:
    with pytest.raises(ValueError, match=f"(?s)Expected .*Received: .*{named}"):
        gradient_scale(**arguments)


def test_a_training_begins_with_steps_of_the_usual_length() -> None:
    # A linear model from zero weights predicts 1/C, and its first step shows the gradient.
    steps = []
    for loss in ("categorical_crossentropy", "baikal", "-(x*y)"):
        model = keras.Sequential(
            [keras.Input((5,)), keras.layers.Dense(6, "softmax", kernel_initializer="zeros")]
        )
        scale = gradient_scale(loss, 6)
        keras_loss = glo_tf.Baikal() if loss == "baikal" else loss
        if loss == "-(x*y)":
            keras_loss = glo_tf.ExpressionLoss(loss)
        model.compile(keras.optimizers.SGD(0.01 / scale), keras_loss)
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(64, 5)), np.eye(6)[rng.integers(0, 6, 64)]
        model.fit(x, y, batch_size=64, verbose=0)
        steps.append(float(np.linalg.norm(model.get_weights()[0])))
    assert steps[1:] == pytest.approx([steps[0]] * 2, rel=0.01)


def test_outputs_count_by_their_weights() -> None:
    each = Output("softmax", 3), Output("softmax", 30)
    loss = Expression.parse("-(x*y)")
    one, other = (relative_scale(loss, Outputs((output,))) for output in each)
    together = relative_scale(loss, Outputs(each))
    assert relative_scale(loss, Outputs(each, weights=(1.0, 1.0))) == together
    assert relative_scale(loss, Outputs(each, weights=(5.0, 5.0))) == pytest.approx(together)
    assert relative_scale(loss, Outputs(each, weights=(1e6, 1.0))) == pytest.approx(one)
    assert relative_scale(loss, Outputs(each, weights=(1.0, 1e6))) == pytest.approx(other)
    assert relative_scale(loss, Outputs(each[:1], weights=(7.0,))) == pytest.approx(one)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "linear"])
@pytest.mark.parametrize("units", [2, 7])
def test_the_usual_loss_has_steepness_1_and_a_factor_is_a_factor(activation, units) -> None:
    targets = (0.0, 1.0, 3.0) * (activation == "linear")
    outputs = Outputs((Output(activation, units, targets),))
    _, usual = usual_loss(outputs)
    assert relative_steepness(usual, outputs) == pytest.approx(1.0)
    loss = Expression.parse("square(x - y)*(1 + x*x)")
    scaled = Expression.parse("7*(square(x - y)*(1 + x*x))")
    one, seven = (relative_steepness(each, outputs) for each in (loss, scaled))
    assert seven == pytest.approx(7.0 * one, rel=1e-6)


def test_steepness_is_between_the_beginning_and_confident_mistakes() -> None:
    outputs = Outputs.of_classes(10)
    # Halfway between undecided and certain of a wrong class the label has a probability of 0.05.
    for text, slopes in [("-(x*sqrt(y))", 0.5 / math.sqrt(0.05)), ("-(x*y)", 1.0)]:
        loss = Expression.parse(text)
        # Of x*t(y) the gradient is as that of cross-entropy, times y*t'(y) of the label.
        mistaken = 0.05 * slopes
        expected = math.sqrt(relative_scale(loss, outputs) * mistaken)
        assert relative_steepness(loss, outputs) == pytest.approx(expected, rel=1e-6)


def test_a_loss_without_gradient_has_no_steepness() -> None:
    assert relative_steepness(Expression.parse("x + 0*y"), Outputs.of_classes(3)) == 0.0
