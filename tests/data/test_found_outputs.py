"""What the outputs of a model are: from its last activation, the labels, and the user's word."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from last_layers import (
    ENDS,
    Subclassed,
    dense,
    functional,
    sequential,
    sigmoid_in_parts,
    softmax_in_parts,
)
from output_kinds import CLASSES, FLAGS, NUMBERS, SAMPLES

import glo_tf
from glo_tf.metrics.meter import Meter
from glo_tf.training.task import TrainingTask
from glo_tf.training.tensorflow.last_activation import ends

layers = keras.layers
ONE_HOT = keras.utils.to_categorical(CLASSES)
FLAG = FLAGS[:, 0].astype(np.int64)
SMOOTHED = 0.9 * ONE_HOT + 0.1 / 3
THREE_FLAGS = (SAMPLES[:, :3] > 0.0).astype(np.float32)


class Compiled(Subclassed):
    """Its graph is hidden in a function."""

    @tf.function
    def call(self, inputs):
        return self.dense(inputs)


ENDS_HERE = {
    **ENDS,
    "softmax": [*ENDS["softmax"], lambda: Subclassed(3, after=tf.nn.softmax)],
    None: [
        *ENDS[None],
        lambda: Subclassed(3, after=softmax_in_parts),
        lambda: Compiled(3, "softmax"),
    ],
}


@pytest.mark.parametrize(
    ("activation", "build"), [(name, build) for name, all_ in ENDS_HERE.items() for build in all_]
)
def test_the_last_activation_is_seen_through_what_keeps_its_values(activation, build) -> None:
    model = build()
    model(SAMPLES[:1])
    (end,) = ends(model, SAMPLES)
    assert end.activation == activation


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis:UserWarning")
def test_a_softmax_over_samples_is_none_over_units() -> None:
    model = sequential(dense(3), layers.Softmax(axis=0))
    (end,) = ends(model, SAMPLES)
    assert end.activation is None


def understood(build, targets, **arguments) -> str:
    data = SAMPLES, targets
    task = TrainingTask.define(
        build, "sgd", data, data, train_steps=1, batch_size=10, jit_compile=False, **arguments
    )
    return task.summary


def mixed() -> keras.Model:
    def outputs(inputs):
        return {
            "classes": dense(3)(inputs),
            "flag": dense(1, "sigmoid")(inputs),
            "number": dense(1)(inputs),
        }

    return functional(outputs)


MIXED = {"classes": CLASSES, "flag": FLAG, "number": NUMBERS}
CONSTANT = {"kernel_initializer": "zeros", "bias_initializer": keras.initializers.Constant(0.4)}
THIRDS = {**CONSTANT, "bias_initializer": keras.initializers.Constant(1 / 3)}
LOGITS = {"from_logits": True}


@pytest.mark.parametrize(
    ("build", "targets", "arguments", "summary"),
    [
        (lambda: sequential(dense(3, "softmax")), CLASSES, {}, "3 classes, softmax"),
        (lambda: sequential(dense(3, "softmax")), np.zeros(200, int), {}, "3 classes, softmax"),
        (lambda: sequential(dense(3, "softmax")), ONE_HOT, {}, "3 classes, softmax"),
        (
            lambda: sequential(dense(3, "softmax")),
            SMOOTHED,
            {},
            "3 classes, softmax",
        ),
        (
            lambda: sequential(dense(3, "softmax", dtype="mixed_bfloat16")),
            ONE_HOT,
            {},
            "3 classes, softmax",
        ),
        (lambda: sequential(dense(3)), ONE_HOT, LOGITS, "3 classes, softmax of logits"),
        (lambda: sequential(dense(3)), CLASSES, LOGITS, "3 classes, softmax of logits"),
        (
            lambda: sequential(dense(3, "log_softmax")),
            CLASSES,
            LOGITS,
            "3 classes, softmax of logi",
        ),
        (
            lambda: sequential(dense(3)),
            ONE_HOT,
            {"from_logits": True, "outputs": "sigmoid"},
            "3 labels of their own, sigmoid of logits",
        ),
        (lambda: sequential(dense(3)), ONE_HOT, {"outputs": "linear"}, "3 numbers, linear"),
        (lambda: Subclassed(3, "softmax"), ONE_HOT, {}, "3 classes, softmax"),
        (lambda: Subclassed(3, after=softmax_in_parts), CLASSES, {}, "3 classes, softmax"),
        (lambda: Compiled(3, "softmax"), ONE_HOT, {}, "3 classes, softmax"),
        (lambda: Subclassed(3), CLASSES, LOGITS, "3 classes, softmax of logits"),
        (lambda: sequential(dense(1, "sigmoid")), FLAG, {}, "2 classes, sigmoid"),
        (lambda: sequential(dense(1, "sigmoid")), FLAG == 1, {}, "2 classes, sigmoid"),
        (lambda: sequential(dense(1, "sigmoid")), np.zeros((200, 1)), {}, "2 classes, sigmoid"),
        (
            lambda: Subclassed(1, after=sigmoid_in_parts),
            FLAG,
            {"outputs": "sigmoid"},
            "2 classes, sigmoid",
        ),
        (lambda: sequential(dense(1)), FLAG, LOGITS, "2 classes, sigmoid of logits"),
        (lambda: sequential(dense(2)), FLAGS, LOGITS, "2 labels of their own, sigmoid of logits"),
        (lambda: sequential(dense(3, "sigmoid")), ONE_HOT, {}, "3 labels of their own, sigmoid"),
        (lambda: sequential(dense(1)), NUMBERS, {}, "1 number, linear"),
        (lambda: sequential(dense(1)), CLASSES, {}, "1 number, linear"),
        (lambda: sequential(dense(1, "relu")), NUMBERS, {}, "1 number, linear"),
        (lambda: sequential(dense(2, "tanh")), SAMPLES[:, :2], {}, "2 numbers, linear"),
        (lambda: sequential(dense(1, **CONSTANT)), FLAG, {"outputs": "linear"}, "1 number, linear"),
        (
            mixed,
            MIXED,
            LOGITS,
            "classes: 3 classes, softmax of logits; flag: 2 classes, sigmoid; "
            "number: 1 number, linear",
        ),
        (
            mixed,
            {**MIXED, "number": FLAG},
            {"from_logits": True, "outputs": {"number": "linear"}},
            "classes: 3 classes, softmax of logits; flag: 2 classes, sigmoid; "
            "number: 1 number, linear",
        ),
        (
            lambda: functional(lambda x: [dense(3, "softmax")(x), dense(1)(x)]),
            [CLASSES, FLAG],
            {"outputs": [None, "linear"]},
            "3 classes, softmax; 1 number, linear",
        ),
    ],
)
def test_what_is_clear_is_understood(build, targets, arguments, summary) -> None:
    assert understood(build, targets, **arguments).startswith(summary)


@pytest.mark.parametrize(
    ("build", "targets", "arguments", "message"),
    [
        (lambda: sequential(dense(3)), ONE_HOT, {}, "from_logits=True.* or outputs='linear'"),
        (lambda: sequential(dense(3)), SMOOTHED, {}, "from_logits=True"),
        (lambda: sequential(dense(3)), CLASSES, {}, "from_logits=True.*targets are class indices"),
        (lambda: sequential(dense(3, **THIRDS)), ONE_HOT, {}, "from_logits=True"),
        (lambda: sequential(dense(3, "relu")), ONE_HOT, {}, "from_logits=True"),
        (lambda: Subclassed(3), CLASSES, {}, "from_logits=True"),
        (lambda: sequential(dense(1)), FLAG, {}, "from_logits=True.* or outputs='linear'"),
        (lambda: sequential(dense(1, **CONSTANT)), FLAG, {}, "from_logits=True"),
        (lambda: Subclassed(1, **CONSTANT), FLAG, {}, "from_logits=True"),
        (lambda: Compiled(1, **CONSTANT), FLAG, {}, "from_logits=True.*outputs='sigmoid'"),
        (lambda: sequential(dense(2)), FLAGS, {}, "from_logits=True.* or outputs='linear'"),
        (lambda: sequential(dense(1, "sigmoid")), FLAG + 1, {}, "labels 0 and 1.*from 1 to 2"),
        (lambda: sequential(dense(1, "sigmoid")), 2 * FLAG - 1, {}, "labels 0 and 1.*from -1 to 1"),
        (lambda: sequential(dense(1, "sigmoid")), NUMBERS, {}, "or outputs='linear'"),
        (
            lambda: sequential(dense(1, "sigmoid")),
            0.9 * FLAG + 0.05,
            {},
            "outputs='sigmoid'.*outputs='linear'.*from 0.05 to 0.95",
        ),
        (lambda: sequential(dense(3, "sigmoid")), CLASSES, {}, r"of shape \(N, 3\)"),
        (lambda: sequential(dense(3, "softmax")), THREE_FLAGS, {}, "rows that sum to 1.*0 and 1"),
        (lambda: sequential(dense(3, "softmax")), SAMPLES[:, :3], {}, "for outputs='linear'"),
        (lambda: sequential(dense(3, "softmax")), CLASSES, LOGITS, "ends in logits.*3 classes"),
        (lambda: sequential(dense(1)), NUMBERS, LOGITS, "ends in logits.*1 number, linear"),
        (lambda: Subclassed(3, after=softmax_in_parts), CLASSES, LOGITS, "that sum to 1"),
        (
            lambda: sequential(dense(3, "softmax")),
            ONE_HOT,
            {"outputs": "sigmoid"},
            "Expected outputs='softmax'.*Received: outputs='sigmoid'",
        ),
        (
            lambda: sequential(dense(3)),
            ONE_HOT,
            {"outputs": "softmax"},
            "or from_logits=True. Received: outputs='softmax', from_logits=False",
        ),
        (lambda: sequential(dense(3)), CLASSES, {"outputs": "linear"}, r"shape \(N, 3\)"),
        (lambda: sequential(dense(3)), CLASSES, {"outputs": "relu"}, "Received: outputs='relu'"),
        (lambda: sequential(dense(3)), CLASSES, {"outputs": ["linear"] * 2}, "a list of 1"),
        (lambda: sequential(dense(3)), CLASSES, {"outputs": {"a": "linear"}}, "a list of 1"),
        (lambda: sequential(dense(3)), CLASSES, {"outputs": 3}, "Received: outputs=3"),
        (lambda: sequential(dense(3)), CLASSES, {"from_logits": "no"}, "from_logits='no'"),
        (mixed, MIXED, {}, "from_logits=True, if classes gives logits"),
        (mixed, MIXED, {"outputs": {"other": "linear"}}, "a dict with classes, flag, number"),
        (mixed, {**MIXED, "flag": FLAG + 1}, LOGITS, "0 and 1 as targets of flag"),
    ],
)
def test_what_is_ambiguous_or_does_not_fit_is_refused(build, targets, arguments, message) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        understood(build, targets, **arguments)
    assert "\n" not in str(raised.value)


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis:UserWarning")
def test_a_softmax_of_one_unit_or_over_the_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="more than one unit in a softmax"):
        understood(lambda: sequential(dense(1, "softmax")), FLAG)
    for targets in (CLASSES, ONE_HOT, THREE_FLAGS):
        with pytest.raises(ValueError, match="last activation is not known"):
            understood(lambda: sequential(dense(3), layers.Softmax(axis=0)), targets)


@pytest.mark.parametrize(
    ("build", "train", "validation", "message"),
    [
        (lambda: sequential(dense(3, "softmax")), ONE_HOT, THREE_FLAGS, "rows sum to 1"),
        (lambda: sequential(dense(3, "softmax")), CLASSES * 0, CLASSES + 1, "from 1 to 3"),
        (lambda: sequential(dense(1, "sigmoid")), FLAG, FLAG + 1, "from 1 to 2"),
    ],
)
def test_the_labels_of_all_data_are_checked(build, train, validation, message) -> None:
    with pytest.raises(ValueError, match=f"validation_data.*{message}"):
        TrainingTask.define(
            build, "sgd", (SAMPLES, train), (SAMPLES, validation), train_steps=1, batch_size=10
        )


def test_labels_that_are_probabilities_are_right_on_their_side_of_a_half() -> None:
    predicted = np.random.default_rng(1).uniform(size=(200, 1)).astype(np.float32)
    fitness = []
    for targets in (FLAG, 0.9 * FLAG + 0.05):
        data = SAMPLES, targets
        task = TrainingTask.define(
            lambda: sequential(dense(1, "sigmoid")),
            *("sgd", data, data),
            outputs="sigmoid",
            train_steps=1,
            batch_size=10,
        )
        meter = Meter(task.objective, task.outputs, task.validation_data)
        fitness.append(meter.judge(np.concatenate([1.0 - predicted, predicted], axis=-1))[0])
    assert fitness == [pytest.approx(((predicted[:, 0] > 0.5) == FLAG).mean())] * 2


def test_a_search_and_a_comparison_take_the_users_word(capsys) -> None:
    data = SAMPLES, ONE_HOT
    settings = {"train_steps": 1, "batch_size": 10, "jit_compile": False}
    search = glo_tf.LossSearch(lambda: sequential(dense(3)), data, data, **LOGITS, **settings)
    assert search.task.summary == "3 classes, softmax of logits; fitness: accuracy"
    comparison = glo_tf.LossComparison(
        lambda: sequential(dense(3)),
        data,
        data,
        None,
        ["square(x - y)"],
        outputs="linear",
        **settings,
    )
    assert comparison.summary == "3 numbers, linear; fitness: 1 / (1 + mean_absolute_error)"


def of_outputs(make):
    """A task of a model whose outputs have the structure that a function makes of two layers."""

    def build():
        inputs = keras.Input(SAMPLES.shape[1:])
        classes = layers.Dense(3, "softmax", name="z")(inputs)
        return keras.Model(inputs, make(classes, layers.Dense(1, name="a")(inputs)))

    data = SAMPLES, make(CLASSES, NUMBERS)
    return TrainingTask.define(build, "sgd", data, data, train_steps=1)


@pytest.mark.parametrize(
    ("make", "output"),
    [
        (lambda z, a: {"both": {"z": z, "a": a}}, "output 'both', which is a dict"),
        (lambda z, a: [z, [a]], "output 1, which is a list"),
        (lambda z, a: {"both": (z, a)}, "output 'both', which is a "),
    ],
)
def test_outputs_within_outputs_are_refused(make, output) -> None:
    """Their loss would have no place where `compile` takes it."""
    with pytest.raises(ValueError, match=f"list or a dict of outputs.*Received: {output}"):
        of_outputs(make)
