"""Fitness from any Keras metric, against Keras's own numbers."""

import functools
import json
import math
import sys

import keras
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from output_kinds import CLASSES, FLAGS, NUMBERS, SAMPLES, build_model, targets

from glo_tf.data.outputs import Output, Outputs
from glo_tf.expressions.tree import Expression
from glo_tf.metrics.metric import Metric
from glo_tf.metrics.mode import Mode
from glo_tf.metrics.objective import Objective
from glo_tf.training.candidate import Candidate
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Request, Status

CROSS_ENTROPY = Expression.parse("-(x*log(y))")
SQUARED_ERROR = Expression.parse("square(x - y)")
SOFTMAX, LINEAR = Output("softmax", 3), Output("linear", 1)


def largest_error(y_true, y_pred):
    return keras.ops.max(keras.ops.abs(y_true - y_pred), axis=-1)


@keras.saving.register_keras_serializable(package="tests")
class Spread(keras.metrics.Metric):
    """A metric of the user's own, with a setting."""

    def __init__(self, power=1.0, name="spread", **others):
        super().__init__(name=name, **others)
        self.power = power
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(keras.ops.std(y_pred) ** self.power)

    def result(self):
        return self.total

    def get_config(self):
        return {**super().get_config(), "power": self.power}


def trained(names, metric, mode="auto", loss=SQUARED_ERROR, **settings):
    data = SAMPLES, targets(*names)
    task = TrainingTask.define(
        functools.partial(build_model, *names),
        "sgd",
        data,
        data,
        metric=metric,
        metric_mode=mode,
        train_steps=60,
        batch_size=20,
        jit_compile=False,
        **{"standardize": False, **settings},
    )
    trainer = task.make_trainer()
    evaluation = trainer.evaluate(Request(Candidate(loss), 0))
    assert evaluation.status == Status.OK
    return evaluation, trainer._model(SAMPLES), task


@pytest.mark.parametrize(
    ("name", "metric", "mode", "expected"),
    [
        ("classes", None, "auto", lambda y: keras.metrics.SparseCategoricalAccuracy()(CLASSES, y)),
        ("classes", "accuracy", "auto", lambda y: np.mean(np.argmax(y, -1) == CLASSES)),
        (
            "classes",
            keras.metrics.SparseTopKCategoricalAccuracy(k=2),
            "auto",
            lambda y: keras.metrics.SparseTopKCategoricalAccuracy(k=2)(CLASSES, y),
        ),
        (
            "classes",
            "sparse_categorical_crossentropy",
            "auto",
            lambda y: 1 / (1 + keras.metrics.SparseCategoricalCrossentropy()(CLASSES, y)),
        ),
        (
            "classes",
            "categorical_crossentropy",
            "auto",
            lambda y: 1 / (1 + keras.metrics.SparseCategoricalCrossentropy()(CLASSES, y)),
        ),
        ("flag", None, "auto", lambda y: keras.metrics.BinaryAccuracy()(FLAGS[:, :1], y)),
        ("flag", "auc", "auto", lambda y: keras.metrics.AUC()(FLAGS[:, :1], y)),
        ("flags", "accuracy", "auto", lambda y: np.mean((y > 0.5) == FLAGS)),
        (
            "flags",
            keras.metrics.F1Score(average="macro", threshold=0.5),
            "auto",
            lambda y: keras.metrics.F1Score(average="macro", threshold=0.5)(FLAGS, y),
        ),
        ("number", None, "auto", lambda y: 1 / (1 + np.mean(np.abs(y[:, 0] - NUMBERS)))),
        ("number", "r2_score", "auto", lambda y: keras.metrics.R2Score()(NUMBERS[:, None], y)),
        (
            "number",
            largest_error,
            "min",
            lambda y: 1 / (1 + np.mean(largest_error(NUMBERS[:, None], y))),
        ),
        ("number", Spread(power=2.0), "max", lambda y: np.std(y) ** 2),
    ],
)
def test_fitness_is_what_keras_measures(name, metric, mode, expected) -> None:
    evaluation, predictions, task = trained((name,), metric, mode)
    assert evaluation.fitness == pytest.approx(float(expected(predictions.numpy())), rel=1e-5)
    ((given_name, value),) = evaluation.values.items()
    assert given_name == task.objective.name
    small = task.objective.mode == Mode.MIN
    assert evaluation.fitness == (1.0 / (1.0 + value) if small else max(value, 0.0))


@given(st.lists(st.tuples(st.sampled_from(Mode), st.floats()), min_size=1, max_size=3))
@example([(Mode.MAX, sys.float_info.max)] * 2)
def test_values_are_what_was_measured_whatever_the_fitness_makes_of_them(measured) -> None:
    objective = Objective(tuple(Metric("error", mode) for mode, _ in measured))
    found = [value for _, value in measured]
    values = json.loads(json.dumps(objective.values(found), allow_nan=False))
    finite = [value if math.isfinite(value) else None for value in found]
    if len(found) == 1:
        assert values == {"error": finite[0]}
    else:
        fitness = objective.fitness(found)
        own = {f"{place}_error": value for place, value in enumerate(finite)}
        assert values == {objective.name: fitness, **own}
        assert (fitness is None) == (None in finite)


@pytest.mark.slow
def test_several_outputs_have_the_mean_of_their_fitnesses() -> None:
    names = ("classes", "number")
    both, _, task = trained(names, None)
    assert task.objective.name == "fitness (accuracy, mean_absolute_error)"
    first, _, _ = trained(names, {"classes": "accuracy"})
    second, _, _ = trained(names, [None, "mae"])
    assert both.fitness == pytest.approx((first.fitness + second.fitness) / 2)
    accuracy, error = first.values["accuracy"], second.values["mean_absolute_error"]
    assert both.values == {
        "fitness (accuracy, mean_absolute_error)": both.fitness,
        "classes_accuracy": accuracy,
        "number_mean_absolute_error": error,
    }
    assert (first.fitness, second.fitness) == (accuracy, 1 / (1 + error))


def test_a_metric_that_is_not_finite_is_a_failed_training() -> None:
    def never(y_true, y_pred):
        return y_pred / 0.0

    data = SAMPLES, NUMBERS
    task = TrainingTask.define(
        functools.partial(build_model, "number"),
        "sgd",
        data,
        data,
        metric=never,
        metric_mode="min",
        train_steps=2,
        batch_size=20,
        jit_compile=False,
    )
    evaluation = task.make_trainer().evaluate(Request(Candidate(SQUARED_ERROR), 0))
    assert (evaluation.status, evaluation.fitness) == (Status.NON_FINITE, 0.0)
    assert evaluation.values == {"never": None}


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e6))
def test_fitness_keeps_the_order(one: float, other: float) -> None:
    up, down = (Metric.of(name, None, LINEAR) for name in ("r2_score", "mae"))
    assert (up.mode, down.mode) == ("max", "min")
    assert (up.fitness(one) < up.fitness(other)) == (one < other)
    if down.fitness(one) != down.fitness(other):
        assert (down.fitness(one) < down.fitness(other)) == (one > other)
    assert 0.0 < down.fitness(one) <= 1.0
    assert up.fitness(one) == one
    assert up.fitness(-one) == 0.0


def test_keras_metrics_take_labels_of_either_form() -> None:
    one_hot = keras.utils.to_categorical(CLASSES)
    predictions = build_model("classes")(SAMPLES).numpy()
    for metric in (
        keras.metrics.F1Score(average="macro"),
        keras.metrics.SparseTopKCategoricalAccuracy(k=2),
        keras.metrics.MeanIoU(num_classes=3, sparse_y_pred=False),
    ):
        of_form = Metric.of(metric, None, SOFTMAX)
        values = [of_form.measure(labels)(predictions) for labels in (one_hot, CLASSES)]
        assert values[0] == values[1] > 0.0


def test_a_given_mode_wins() -> None:
    assert Metric.of("mae", Mode.MAX, LINEAR).mode == "max"


def test_the_description_is_the_same_in_every_process() -> None:
    """Keras numbers the names of metrics."""
    first, second = (Metric.of(keras.metrics.AUC(num_thresholds=20), None, SOFTMAX) for _ in "12")
    assert str(first) == str(second)
    assert str(first) != str(Metric.of(keras.metrics.AUC(), None, SOFTMAX))
    assert str(Metric.of(largest_error, Mode.MIN, LINEAR)) == (
        f"largest_error (min): {__name__}.largest_error {{}}"
    )


@pytest.mark.parametrize(
    ("metric", "mode", "message"),
    [
        ("acuracy", "auto", "such as .*Accuracy.*Received: metric='acuracy'"),
        ("MeanIoU", "max", "arguments that it needs.*Received: metric='MeanIoU'.*num_classes"),
        (7, "auto", "Expected a Keras metric, its name, or a function.*Received: metric=7"),
        ("mae", "down", "one of auto, max, min. Received: metric_mode='down'"),
        (largest_error, "auto", "'max' or 'min', as Keras does not say.*largest_error"),
        ({"age": "mae"}, "auto", "Expected one metric, or .* 2 of them, not all None"),
        (["mae"], "auto", "2 of them.*Received: metric="),
        ([None, None], "auto", "not all None"),
        (["accuracy", "accuracy"], "auto", "a metric for numbers, such as 'mean_absolute_error'"),
    ],
)
def test_what_is_no_metric_is_refused(metric, mode, message) -> None:
    with pytest.raises(ValueError, match=message):
        Objective.define(metric, mode, Outputs((SOFTMAX, LINEAR)))


def test_a_metric_that_does_not_fit_is_refused_before_any_training() -> None:
    with pytest.raises(ValueError, match=r"gives a number for targets \(200,\) and outputs"):
        trained(("classes",), keras.metrics.F1Score())


@pytest.mark.parametrize(
    "metric",
    [
        "accuracy",
        "sparse_top_k_categorical_accuracy",
        "categorical_crossentropy",
        keras.metrics.F1Score(average="macro"),
        keras.metrics.AUC(),
        keras.metrics.Precision(class_id=1),
        keras.metrics.MeanIoU(3, sparse_y_pred=False),
        keras.metrics.CategoricalCrossentropy(),
    ],
    ids=lambda metric: getattr(metric, "name", metric),
)
def test_a_sample_of_weight_n_counts_as_n_samples(metric) -> None:
    rng = np.random.default_rng(0)
    predictions = rng.dirichlet(np.ones(3), 60).astype(np.float32)
    times = rng.integers(0, 4, 60)
    asked = Metric.of(metric, Mode.MAX, SOFTMAX)
    weighted = asked.measure(CLASSES[:60], times.astype(np.float32) / 4)(predictions)
    repeated = asked.measure(CLASSES[:60].repeat(times))(predictions.repeat(times, axis=0))
    assert weighted == pytest.approx(repeated, rel=1e-5)
    assert weighted != pytest.approx(asked.measure(CLASSES[:60])(predictions), rel=1e-3) or (
        weighted == 1.0
    )


def test_weights_of_validation_data_are_those_of_the_metric() -> None:
    w = np.linspace(0.0, 3.0, 200)
    data = SAMPLES, CLASSES
    task = TrainingTask.define(
        functools.partial(build_model, "classes"),
        "sgd",
        data,
        (*data, w),
        train_steps=5,
        batch_size=20,
        jit_compile=False,
    )
    trainer = task.make_trainer()
    evaluation = trainer.evaluate(Request(Candidate(CROSS_ENTROPY), 0, checkpoints=(5,)))
    predictions = np.asarray(trainer._model(SAMPLES))
    expected = keras.metrics.SparseCategoricalAccuracy()(CLASSES, predictions, sample_weight=w)
    assert evaluation.fitness == pytest.approx(float(expected))
    right = -np.log(predictions[np.arange(200), CLASSES])
    (nll,) = evaluation.measured["validation"]["nll"]
    assert nll == pytest.approx(np.average(right, weights=w), rel=1e-5)


def test_a_metric_without_weights_is_refused_beside_weights() -> None:
    class Unweighted(keras.metrics.Mean):
        def update_state(self, y_true, y_pred):
            super().update_state(y_pred)

    data = SAMPLES, CLASSES
    weighted = (*data, np.ones(200))
    define = functools.partial(
        TrainingTask.define, functools.partial(build_model, "classes"), "sgd", data
    )
    settings = {"metric": Unweighted(), "metric_mode": "max", "jit_compile": False}
    assert define(data, **settings).validation_data.weights is None
    with pytest.raises(
        ValueError, match=r"and weights of the samples .*sample_weight.*metric=mean"
    ):
        define(weighted, **settings)
