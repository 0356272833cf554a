"""What the outputs of a model are, and a training on them against Keras's own losses."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from output_kinds import CLASSES, FLAGS, NUMBERS, SAMPLES, TARGETS, build_model, targets

from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import usual_loss
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.training.candidate import Candidate
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Request, Status

ALL = tuple(TARGETS)


def make_task(*names: str, **arguments) -> TrainingTask:
    data = SAMPLES, targets(*names)
    given = {"train_steps": 1, "batch_size": 200, "jit_compile": False, "standardize": False}
    settings = {**given, **arguments}
    return TrainingTask.define(
        functools.partial(build_model, *names), "sgd", data, data, **settings
    )


@pytest.mark.parametrize(
    ("name", "activation", "width"),
    [("classes", "softmax", 3), ("flag", "sigmoid", 2), ("flags", "sigmoid", 2)],
)
def test_labels_and_predictions_say_what_an_output_is(name, activation, width) -> None:
    outputs = make_task(name).outputs
    (output,) = outputs.each
    assert (output.activation, output.width, outputs.width) == (activation, width, width)
    assert outputs.bounds() == (1e-7, 1.0)


@pytest.mark.parametrize("labels", [keras.utils.to_categorical(CLASSES), CLASSES[:, None]])
def test_labels_of_other_shapes_are_those_of_class_indices(labels) -> None:
    data = SAMPLES, labels
    one_hot = TrainingTask.define(
        functools.partial(build_model, "classes"), "sgd", data, data, train_steps=1, batch_size=10
    )
    indices = make_task("classes")
    np.testing.assert_array_equal(one_hot.train_data[1], indices.train_data[1])
    (as_given,), (of_indices,) = one_hot.outputs.each, indices.outputs.each
    assert (as_given.sparse, of_indices.sparse) == (labels.shape[1] == 1, True)
    assert dataclasses.replace(as_given, sparse=True) == of_indices


def test_numbers_are_not_clipped() -> None:
    outputs = make_task("number").outputs
    (output,) = outputs.each
    assert output.activation == "linear"
    assert (output.quantiles[0], output.quantiles[-1]) == (NUMBERS.min(), NUMBERS.max())
    assert outputs.bounds()[0] == -np.inf


def test_outputs_stand_side_by_side_in_the_order_of_their_names() -> None:
    task = make_task(*ALL)
    assert task.outputs.names == ("classes", "flag", "flags", "number")
    labels = task.train_data[1]
    np.testing.assert_array_equal(labels[:, :3].argmax(axis=1), CLASSES)
    np.testing.assert_array_equal(labels[:, 3], 1 - FLAGS[:, 0])
    np.testing.assert_array_equal(labels[:, 4:7], FLAGS[:, [0, 0, 1]])
    np.testing.assert_allclose(labels[:, 7], NUMBERS, rtol=1e-6)
    predictions = build_model(*ALL)(SAMPLES)
    parts = task.outputs.split(task.outputs.columns(predictions).numpy())
    for name, part in zip(task.outputs.names, parts, strict=True):
        np.testing.assert_array_equal(part, predictions[name])
    assert task.outputs.restore([1, 2, 3, 4]) == dict(zip(ALL, [1, 2, 3, 4], strict=True))


@pytest.mark.parametrize("names", [(name,) for name in ALL] + [ALL])
def test_a_training_step_is_that_of_keras(names) -> None:
    """Also where one unit stands for two classes, or several losses are summed."""
    loss = "square(x - y) + x*log(1 + square(y)) - y"
    task = make_task(*names)
    trainer = task.make_trainer()
    keras.utils.set_random_seed(7)
    reference = build_model(*names)
    weights = trainer._initial(0)[: len(reference.weights)]
    reference.set_weights([weight.numpy() for weight in weights])
    losses = task.outputs.restore(
        [ExpressionLoss(loss, epsilon=epsilon) for epsilon in task.outputs.epsilons]
    )
    labels = targets(*names)
    labels = labels if len(names) > 1 else {"": labels}
    labels = {
        name: keras.utils.to_categorical(part) if part is CLASSES else part
        for name, part in labels.items()
    }
    reference.compile("sgd", loss=losses)
    reference.train_on_batch(SAMPLES, labels if len(names) > 1 else labels[""])
    assert trainer.evaluate(Request(Candidate(Expression.parse(loss)), 0)).status == Status.OK
    for ours, theirs in zip(trainer._model.weights, reference.weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("names", "keras_loss"),
    [
        (("classes",), keras.losses.CategoricalCrossentropy()),
        (("flag",), None),
        (("flags",), keras.losses.BinaryCrossentropy()),
        (("number",), keras.losses.MeanSquaredError()),
        (ALL, None),
    ],
)
def test_the_usual_loss_is_that_of_keras(names, keras_loss) -> None:
    name, loss = usual_loss(make_task(*names).outputs)
    assert name == {
        "classes": "cross-entropy",
        "flag": "cross-entropy",
        "flags": "binary cross-entropy",
        "number": "squared error",
    }.get(names[0] if len(names) == 1 else "", "squared error")
    if keras_loss is not None:
        task = make_task(*names)
        predictions = build_model(*names)(SAMPLES)
        epsilon = task.outputs.epsilons[0]
        labels = task.train_data[1]
        ours = ExpressionLoss(loss, epsilon=epsilon)(labels, predictions)
        summed = labels.shape[1] if names == ("flags",) else 1  # Keras takes the mean
        assert float(ours) == pytest.approx(summed * float(keras_loss(labels, predictions)), 1e-5)


def test_a_sure_sigmoid_has_a_finite_usual_loss() -> None:
    _, loss = usual_loss(Outputs((Output("sigmoid", 2),)))
    value = ExpressionLoss(loss)(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]]))
    assert np.isfinite(float(value))


def test_several_inputs_and_a_structure_of_targets() -> None:
    def build() -> keras.Model:
        left, right = keras.Input((2,), name="left"), keras.Input((2,), name="right")
        joined = keras.layers.Concatenate()([left, right])
        dense = keras.layers.Dense
        return keras.Model([left, right], [dense(3, "softmax")(joined), dense(1)(joined)])

    data = [SAMPLES[:, :2], SAMPLES[:, 2:]], [CLASSES, NUMBERS]
    task = TrainingTask.define(
        build, "sgd", data, data, train_steps=100, batch_size=20, jit_compile=False
    )
    assert [output.activation for output in task.outputs.each] == ["softmax", "linear"]
    evaluation = task.make_trainer().evaluate(
        Request(Candidate(Expression.parse("square(x - y)")), 0)
    )
    assert evaluation.status == Status.OK
    assert evaluation.fitness > 0.4


def test_a_tf_data_dataset_is_the_arrays_that_it_yields() -> None:
    arrays = make_task("classes", train_steps=20, batch_size=16)
    batches = tf.data.Dataset.from_tensor_slices((SAMPLES, CLASSES)).batch(64)
    dataset = TrainingTask.define(
        functools.partial(build_model, "classes"),
        "sgd",
        batches,
        batches,
        train_steps=20,
        batch_size=16,
        jit_compile=False,
    )
    assert dataset.description == arrays.description
    request = Request(Candidate(Expression.parse("-(x*log(y))")), 0)
    assert dataset.make_trainer().evaluate(request) == arrays.make_trainer().evaluate(request)


_SLICES = tf.data.Dataset.from_tensor_slices((SAMPLES, CLASSES))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (SAMPLES, "a pair .samples, targets. or a tf.data.Dataset.*Received: ndarray"),
        ((SAMPLES, CLASSES, CLASSES, CLASSES), "Received: tuple of 4"),
        ((SAMPLES, CLASSES[:-1]), "Received: 200 and 199"),
        ((SAMPLES[:0], CLASSES[:0]), "at least one. Received: 0"),
        (_SLICES.repeat().batch(10), "Expected train_data to end.*endless"),
        (_SLICES, r"batches, as of .batch\(100\). Received: single samples"),
        (_SLICES.take(0).batch(10), "Received: an empty dataset"),
        ((SAMPLES, CLASSES + 1), r"labels of train_data in \[0, 2\].*from 1 to 3"),
        ((SAMPLES, CLASSES + 0.5), r"labels of train_data in \[0, 2\].*from 0.5"),
        ((SAMPLES, FLAGS), r"of shape \(N,\) or \(N, 3\). Received: shape=\(200, 2\)"),
        ((SAMPLES, [CLASSES, CLASSES]), r"for 1 output\(s\) of the model. Received: 2"),
        ((SAMPLES, CLASSES.astype(str)), "Expected numbers as targets"),
    ],
)
def test_data_that_do_not_fit_are_refused(data, message: str) -> None:
    model = functools.partial(build_model, "classes")
    with pytest.raises(ValueError, match=message):
        TrainingTask.define(model, "sgd", data, data, train_steps=1, batch_size=10)


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ((SAMPLES, np.where(FLAGS > 0, 2.0, 0.0)), r"in \[0, 1\], as in train_data.*from 0 to 2"),
        ((SAMPLES, np.full_like(FLAGS, np.nan)), "finite targets in validation_data"),
    ],
)
def test_validation_data_have_the_targets_of_the_training_data(validation, message) -> None:
    model = functools.partial(build_model, "flags")
    with pytest.raises(ValueError, match=message):
        TrainingTask.define(model, "sgd", (SAMPLES, FLAGS), validation, train_steps=1, batch_size=9)


def test_models_whose_outputs_no_loss_fits_are_refused() -> None:
    def logits() -> keras.Model:
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])

    def image() -> keras.Model:
        return keras.Sequential([keras.Input((4,)), keras.layers.Reshape((2, 2))])

    data = SAMPLES, CLASSES
    with pytest.raises(ValueError, match="Expected from_logits=True, if output 0 gives logits"):
        TrainingTask.define(logits, "sgd", data, data, train_steps=1, batch_size=10)
    with pytest.raises(
        ValueError, match=r"of shape \(N, 2\) or \(N, 2, 2\). Received: shape=\(200,\)"
    ):
        TrainingTask.define(image, "sgd", data, data, train_steps=1, batch_size=10)
    data = SAMPLES, {"classes": CLASSES}
    with pytest.raises(ValueError, match=r"a dict with classes, flag.*Received: .*'classes'"):
        TrainingTask.define(
            functools.partial(build_model, "classes", "flag"),
            "sgd",
            data,
            data,
            train_steps=1,
            batch_size=10,
        )


@pytest.mark.parametrize("from_logits", [False, True])
def test_outputs_that_differ_have_a_loss_each_and_a_file_each(from_logits) -> None:
    softmax = Output(Activation.SOFTMAX, 3, from_logits=from_logits)
    several = Output(Activation.SIGMOID, 2, from_logits=from_logits)
    one = Output(Activation.SIGMOID, 1, from_logits=from_logits)
    number = Output(Activation.LINEAR, 1)
    for first, second, together in (
        (softmax, softmax, True),
        (softmax, one, True),  # one sigmoid is the softmax of two classes
        (softmax, several, not from_logits),
        (several, several, True),
        (softmax, number, False),
        (number, number, True),
    ):
        outputs = Outputs((first, second), names=("a", "b"))
        options = outputs.loss_options
        assert (options[0] == options[1]) == together
        assert outputs.with_own_loss() == ([""] if together else ["a", "b"])
