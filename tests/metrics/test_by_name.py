"""Metrics by name, with arguments."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis_examples import examples

import glo_tf
from glo_tf.data.outputs import Output
from glo_tf.metrics.by_name import metric_by_name
from glo_tf.metrics.metric import Metric
from glo_tf.metrics.mode import Mode

NUMBERS = hnp.arrays(np.float32, (5, 2), elements=st.floats(-9, 9, width=16))
LINEAR = Output("linear", 2)


@given(NUMBERS, NUMBERS, st.sampled_from([0.1, 0.5, 0.9]), st.sampled_from([None, 0, 3]))
@examples(25)
def test_quantile_loss_and_asymmetric_cost_are_what_they_say(x, y, q, weigh) -> None:
    weights = None if weigh is None else (np.arange(5) + weigh).astype(np.float32)
    error = (x - y).astype(np.float64)

    def found(text):
        return Metric.of(text, None, LINEAR).measure(x, weights)(y)

    pinball = np.maximum(q * error, (q - 1.0) * error).mean(axis=-1)
    expected = np.average(pinball, weights=weights)
    assert found(f"quantile_loss(q={q})") == pytest.approx(expected, abs=1e-5)
    cost = np.where(error > 0.0, 3.0 * error, -0.5 * error).mean(axis=-1)
    expected = np.average(cost, weights=weights)
    assert found("asymmetric_cost(under=3, over=0.5)") == pytest.approx(expected, abs=1e-4)


def test_they_are_keras_metrics_that_are_to_be_small() -> None:
    metric = metric_by_name("quantile_loss(q=0.8)")
    assert isinstance(metric, glo_tf.QuantileLoss)
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert (again.q, again.name) == (0.8, "quantile_loss")
    assert Metric.of(metric, None, LINEAR).mode == Mode.MIN
    cost = keras.metrics.deserialize(keras.metrics.serialize(glo_tf.AsymmetricCost(under=2.0)))
    assert (cost.under, cost.over) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("MeanIoU(num_classes=3)", "mean_io_u"),
        ("F1Score(average='macro', threshold=0.5)", "f1_score"),
        ("top_k_categorical_accuracy", "top_k_categorical_accuracy"),
    ],
)
def test_keras_metrics_take_arguments_too(text, name) -> None:
    assert Metric.of(text, Mode.MAX, Output("softmax", 3)).name == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("quantile_loss(q=2)", "q between 0 and 1. Received: q=2"),
        ("quantile_loss(k=2)", "arguments that it needs.*'k'"),
        ("asymmetric_cost(under=-1)", "positive, finite under"),
        ("quantile_los(q=0.5)", "such as quantile_loss.*Received: metric='quantile_los'"),
        ("nothing(a=1)", "Received: metric='nothing'"),
        ("MeanIoU(3)", "as in 'quantile_loss.*Received: metric='MeanIoU"),
        ("print(q=__import__('os'))", "Received: metric='print"),
        ("f(" * 500, "Received: metric='f"),
    ],
)
def test_what_is_no_metric_is_refused(text, message) -> None:
    with pytest.raises(ValueError, match=message):
        Metric.of(text, None, LINEAR)


def test_f1_of_positions_is_that_of_samples() -> None:
    rng = np.random.default_rng(0)
    predictions = rng.dirichlet(np.ones(3), (20, 5)).astype(np.float32)
    labels = rng.integers(0, 3, (20, 5))
    weights = rng.integers(0, 2, (20, 5)).astype(np.float32)
    metric = Metric.of("F1Score(average='macro')", None, Output("softmax", 3, positions=(5,)))
    kept = weights > 0.0
    reference = keras.metrics.F1Score(average="macro")
    reference.update_state(np.eye(3)[labels[kept]], predictions[kept])
    found = metric.measure(labels, weights)(predictions)
    assert found == pytest.approx(float(reference.result()), rel=1e-5)
    flags = Output("sigmoid", 1, positions=(5,))
    with pytest.raises(ValueError, match=r"F1Score\(threshold=0.5\).*Received: metric=f1_score"):
        Metric.of("F1Score", None, flags)
    with pytest.raises(ValueError, match="takes probabilities, such as BinaryIoU"):
        Metric.of("MeanIoU(num_classes=2)", None, flags)


def test_mean_iou_by_name_takes_the_most_probable_class() -> None:
    rng = np.random.default_rng(0)
    predictions = rng.dirichlet(np.ones(3), (20, 5)).astype(np.float32)
    labels = rng.integers(0, 3, (20, 5))
    metric = Metric.of("MeanIoU(num_classes=3)", None, Output("softmax", 3, positions=(5,)))
    reference = keras.metrics.MeanIoU(3)
    reference.update_state(labels, predictions.argmax(axis=-1))
    assert metric.measure(labels)(predictions) == pytest.approx(float(reference.result()))
