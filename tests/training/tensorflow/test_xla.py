"""XLA where it can: models with text, lookups and Python inside train without it."""

import logging

import keras
import numpy as np
import processes
import pytest
import tensorflow as tf

from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Request

L = keras.layers
LABELS = np.arange(90) % 3
NUMBERS = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
NUMBERS[:, 0] += 4 * LABELS
WORDS = np.array(["alpha beta", "beta gamma", "gamma delta"])
CROSS_ENTROPY = Expression.parse("-(x*log(y))")


class InPython(L.Layer):
    def call(self, samples: tf.Tensor) -> tf.Tensor:
        result = tf.numpy_function(lambda array: array * 2, [samples], tf.float32)
        result.set_shape(samples.shape)
        return result

    def compute_output_shape(self, shape: tuple) -> tuple:
        return shape


class WithDynamicShape(L.Layer):
    """XLA has kernels for all of it, and cannot compile it."""

    def call(self, samples: tf.Tensor) -> tf.Tensor:
        positive = tf.boolean_mask(samples, samples > 0.0)
        return samples + 0.0 * tf.reduce_sum(tf.ones(tf.shape(positive)[0]))


def model(shape: tuple, dtype: str, *layers) -> keras.Model:
    inputs = keras.Input(shape, dtype=dtype)
    return keras.Sequential([inputs, *layers, L.Dense(3, activation="softmax")])


def vectorized() -> keras.Model:
    text = L.TextVectorization(max_tokens=9, output_sequence_length=3)
    text.adapt(WORDS)
    return model((), "string", text, L.Embedding(9, 4), L.GlobalAveragePooling1D())


def looked_up() -> keras.Model:
    return model((), "string", L.StringLookup(vocabulary=list(WORDS), output_mode="one_hot"))


def integers_looked_up() -> keras.Model:
    return model((), "int64", L.IntegerLookup(vocabulary=[0, 1, 2], output_mode="one_hot"))


def hashed() -> keras.Model:
    return model((1,), "string", L.Hashing(16, output_mode="one_hot"))


def in_python() -> keras.Model:
    return model((4,), "float32", InPython())


CANNOT = [
    pytest.param(vectorized, WORDS[LABELS], id="TextVectorization"),
    pytest.param(looked_up, WORDS[LABELS].astype(object), id="StringLookup"),
    pytest.param(integers_looked_up, LABELS.astype(np.int64), id="IntegerLookup"),
    pytest.param(hashed, WORDS[LABELS][:, None], id="Hashing"),
    pytest.param(in_python, NUMBERS, id="numpy_function"),
]
CAN = [
    pytest.param(lambda: model((4,), "float32", L.Dense(4)), NUMBERS, id="Dense"),
    pytest.param(
        lambda: model((1,), "int32", L.CategoryEncoding(3, output_mode="one_hot")),
        LABELS[:, None].astype(np.int32),
        id="CategoryEncoding",
    ),
    pytest.param(
        lambda: model((2,), "int32", L.Embedding(4, 3), L.Flatten()),
        np.stack([LABELS, LABELS], 1).astype(np.int32),
        id="Embedding",
    ),
    pytest.param(
        lambda: model((4,), "float32", L.BatchNormalization(momentum=0.5)),
        NUMBERS,
        id="BatchNormalization",
    ),
]
SLOW = [
    pytest.param(lambda: model((4,), "float32", L.Dropout(0.5)), id="Dropout"),
    pytest.param(lambda: model((4,), "float32", L.Reshape((2, 2)), L.LSTM(2)), id="LSTM"),
]


def define(build, samples, **arguments) -> TrainingTask:
    data = (samples, LABELS)
    settings = {"train_steps": 30, "batch_size": 20, **arguments}
    return TrainingTask.define(build, keras.optimizers.Adam(0.1), data, data, **settings)


@pytest.mark.slow
@pytest.mark.parametrize(("build", "samples"), CANNOT)
def test_what_xla_cannot_compile_is_trained_without_it(build, samples, caplog) -> None:
    with caplog.at_level(logging.WARNING, "glo_tf"):
        task = define(build, samples)
    assert not task.jit_compile
    assert task.make_trainer().evaluate(Request(Candidate(CROSS_ENTROPY), 0)).fitness > 0.6
    said = [message for message in caplog.messages if "XLA" in message]
    # Python inside is slow with XLA, too, and is not tried.
    assert len(said) == (build is not in_python)
    assert all("no kernel for" in message for message in said)
    with pytest.raises(ValueError, match="Expected jit_compile to be False or 'auto'") as raised:
        define(build, samples, jit_compile=True)
    assert "\n" not in str(raised.value)


@pytest.mark.slow
def test_what_fails_only_when_it_is_tried_is_trained_without_it(caplog) -> None:
    def build() -> keras.Model:
        return model((4,), "float32", WithDynamicShape())

    task = define(build, NUMBERS)
    assert task.make_trainer().evaluate(Request(Candidate(CROSS_ENTROPY), 0)).status == "ok"
    assert task.jit_compile == ("Trained without XLA" not in caplog.text)


@pytest.mark.slow
@pytest.mark.parametrize(("build", "samples"), CAN)
def test_what_xla_can_compile_is_trained_with_it(build, samples, caplog) -> None:
    task = define(build, samples)
    assert task.jit_compile
    assert not caplog.messages
    evaluation = task.make_trainer().evaluate(Request(Candidate(CROSS_ENTROPY), 0))
    assert evaluation.fitness > 0.6


@pytest.mark.parametrize("build", SLOW)
def test_what_is_slow_under_xla_is_compiled_where_the_user_wants_it(build) -> None:
    assert not define(build, NUMBERS).jit_compile
    assert define(build, NUMBERS, jit_compile=True).jit_compile


def test_trying_leaves_the_model_and_the_study_as_they_were() -> None:
    def build() -> keras.Model:
        return model((4,), "float32")

    tried, untried = define(build, NUMBERS), define(build, NUMBERS, jit_compile=False)
    assert tried.description["model"] == untried.description["model"]
    assert tried.description["optimizer"] == untried.description["optimizer"]


TWO_SEARCHES = """
import numpy as np
from test_xla import LABELS, WORDS, hashed, integers_looked_up, looked_up, vectorized
from glo_tf import LossSearch
text = WORDS[LABELS]
for build, samples in [
    (vectorized, text), (looked_up, text), (integers_looked_up, LABELS), (hashed, text[:, None])
]:
    for _ in range(2):
        data = (samples, LABELS)
        search = LossSearch(build, data, data, train_steps=5, batch_size=20)
        assert search.evaluate(["-(x*log(y))", "x*y"])[0].status == "ok"
print("done")
"""


@pytest.mark.slow
def test_several_searches_in_one_process_end_well(request) -> None:
    done = processes.python("-c", TWO_SEARCHES, cwd=request.path.parent)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-2000:]
    assert done.stderr.count("Trained without XLA") == 8
