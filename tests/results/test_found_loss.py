"""A found loss at the scale of the usual one, with the rate at which it trains as before."""

import keras
import numpy as np
import pytest
from three_classes import CLEAR, LABELS, build_model

import glo_tf
from glo_tf.expressions.tree import Expression
from glo_tf.results.found_loss import FoundLoss
from glo_tf.screening.scale import relative_scale
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Request

O = keras.optimizers  # noqa: E741 (short, as there are many)
SCHEDULE = keras.optimizers.schedules.PolynomialDecay(0.2, 20, 0.1)


def task(optimizer, model=build_model, data=(CLEAR, LABELS), **settings) -> TrainingTask:
    settings = {"train_steps": 20, "batch_size": 20, "jit_compile": False, **settings}
    return TrainingTask.define(model, optimizer, data, data, **settings)


def likelihoods(of: TrainingTask, candidate: Candidate) -> tuple[float, ...]:
    request = Request(candidate, 0, checkpoints=(5, 10, 20))
    return of.make_trainer().evaluate(request).measured["validation"]["nll"]


@pytest.mark.parametrize(
    ("optimizer", "rate", "multiplied"),
    [
        (O.SGD(0.1, momentum=0.5), 0.05, True),
        (O.SGD(SCHEDULE), 0.05, True),
        (lambda: O.SGD(0.1), None, True),
        ("adam", 0.02, False),
    ],
    ids=["SGD", "schedule", "function", "Adam"],
)
def test_it_trains_as_before_at_scale_1(optimizer, rate, multiplied) -> None:
    searched = Candidate(Expression.parse("-(log(y) - x/y)"), Hyperparameters(rate))
    where = task(optimizer)
    found = FoundLoss.at_scale_1(searched, where)
    scale = relative_scale(searched.loss, where.outputs)
    assert scale == pytest.approx(3.0)
    assert relative_scale(found.loss, where.outputs) == pytest.approx(1.0, rel=1e-8)
    own = where.learning_rate if rate is None else rate
    assert found.learning_rate == pytest.approx(own * scale if multiplied else own, rel=1e-5)
    assert (found.scale, found.remark) == (1.0, "")
    before, after = likelihoods(where, searched), likelihoods(where, found.candidate)
    assert after == pytest.approx(before, rel=1e-4)
    assert before[0] != pytest.approx(before[-1], rel=0.01)


@pytest.mark.parametrize(
    ("optimizer", "loss", "scale", "remark"),
    [
        ("adagrad", "-(log(y) - x/y)", 3.0, "no learning rate"),
        (lambda: O.SGD(0.1, clipnorm=1.0), "-(x*y)", 1 / 3, "no learning rate"),
        (lambda: O.SGD(0.1, weight_decay=0.01), "-(x*y)", 1 / 3, "no learning rate"),
        ("sgd", "x*y - x*y", 0.0, "no scale"),
    ],
)
def test_where_nothing_trains_alike_it_stays_and_says_so(optimizer, loss, scale, remark) -> None:
    searched = Candidate(Expression.parse(loss), Hyperparameters(0.25))
    found = FoundLoss.at_scale_1(searched, task(optimizer))
    assert (found.loss, found.learning_rate) == (searched.loss, 0.25)
    assert found.scale == pytest.approx(scale, rel=1e-5)
    assert remark in found.remark


def test_a_model_with_regularizers_keeps_the_loss_as_it_is() -> None:
    def model() -> keras.Model:
        return build_model(keras.layers.Dense(4, kernel_regularizer="l2"))

    found = FoundLoss.at_scale_1(Candidate(Expression.parse("-(x*y)")), task("sgd", model))
    assert (str(found.loss), found.learning_rate) == ("-(x*y)", pytest.approx(0.01))
    assert "no learning rate" in found.remark


def test_a_loss_of_scale_1_stays_to_the_last_bit() -> None:
    searched = Candidate(Expression.parse("-(x*log(y))"), Hyperparameters(0.3))
    assert FoundLoss.at_scale_1(searched, task("sgd")) == FoundLoss(searched.loss, 0.3, 1.0)


def test_several_outputs_have_one_scale() -> None:
    def two_heads() -> keras.Model:
        inputs = keras.Input((4,))
        heads = [keras.layers.Dense(3, "softmax")(inputs), keras.layers.Dense(1)(inputs)]
        return keras.Model(inputs, heads)

    data = (CLEAR, [LABELS, CLEAR[:, :1]])
    where = task("sgd", two_heads, data, metric=["accuracy", "mae"])
    searched = Candidate(Expression.parse("4*square(x - y)"), Hyperparameters(0.01))
    found = FoundLoss.at_scale_1(searched, where)
    assert found.learning_rate == pytest.approx(0.04)
    assert relative_scale(found.loss, where.outputs) == pytest.approx(1.0)


def test_a_number_that_falls_is_kerass_own_schedule() -> None:
    made = task("sgd", learning_rate_decay="cosine").optimizer_at(0.5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(made))
    assert isinstance(again._learning_rate, keras.optimizers.schedules.CosineDecay)
    assert float(again.learning_rate) == pytest.approx(0.5)


def test_a_schedule_that_falls_is_saved_and_loaded() -> None:
    where = task(O.SGD(SCHEDULE), learning_rate_decay="linear")
    made = where.optimizer_at(0.4)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(made))
    for step, rate in [(0, 0.4), (10, 0.4 * 0.75 * 0.5), (20, 0.0)]:
        for optimizer in (made, again):
            assert float(optimizer._learning_rate(step)) == pytest.approx(rate)


def test_a_model_that_is_fitted_with_what_was_found_ends_as_in_the_search() -> None:
    where = task(O.SGD(0.1), learning_rate_decay="linear", batch_size=60)  # whole epochs: no order
    searched = Candidate(Expression.parse("-(log(y) - x/y)"), Hyperparameters(0.05))
    found = FoundLoss.at_scale_1(searched, where)
    evaluation = where.make_trainer().evaluate(Request(searched, 3, checkpoints=(20,)))
    keras.utils.set_random_seed(3)
    model = build_model()
    loss = glo_tf.ExpressionLoss(found.loss, sparse=True)
    model.compile(where.optimizer_at(found.learning_rate), loss=loss, jit_compile=False)
    model.fit(CLEAR, LABELS, batch_size=60, epochs=20, shuffle=False, verbose=0)
    chances = model.predict(CLEAR, verbose=0)[np.arange(60), LABELS]
    (likelihood,) = evaluation.measured["validation"]["nll"]
    assert -np.log(chances).mean() == pytest.approx(likelihood, rel=1e-3)
