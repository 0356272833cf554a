"""Trainings on samples in the forms that users have them in."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from given_arrays import FORMS, ROWS, TEXT, X, Y

from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Request, Status


def dense_model() -> keras.Model:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])


class Padding(keras.Model):
    """Pads ragged rows to three numbers, and takes padded ones as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(3, activation="softmax")

    def call(self, rows):
        ragged = isinstance(rows, tf.RaggedTensor)
        return self.dense(rows.to_tensor(shape=[None, 3]) if ragged else rows)


def looking() -> keras.Model:
    lookup = keras.layers.StringLookup(
        vocabulary=["", "c é"], output_mode="one_hot", mask_token=None
    )
    dense = keras.layers.Dense(3, activation="softmax")
    return keras.Sequential([keras.Input((), dtype="string"), lookup, dense])


def defined(samples, model, validation=None) -> TrainingTask:
    return TrainingTask.define(
        model,
        "sgd",
        (samples, Y),
        (samples if validation is None else validation, Y),
        train_steps=30,
        batch_size=8,
        jit_compile=False,
    )


@pytest.mark.parametrize(
    ("model", "given", "other", "plain", "numbers"),
    [
        (
            Padding,
            tf.cast(ROWS, tf.float32),
            tf.ragged.constant([[1.0, 2.0], [3.0], [4.0, 5.0], [6.0]] * 10),
            Padding,
            tf.cast(ROWS.to_tensor(), tf.float32),
        ),
        (looking, TEXT, TEXT[::-1], dense_model, np.eye(3)[[0, 2, 1, 0] * 10]),
    ],
)
def test_a_training_on_rows_and_text_is_that_on_their_numbers(
    model, given, other, plain, numbers
) -> None:
    request = Request(Candidate(Expression.parse("-(x*log(y))")), 0)
    tasks = defined(given, model), defined(numbers, plain)
    found, expected = (task.make_trainer().evaluate(request) for task in tasks)
    assert found.status == expected.status == Status.OK
    assert found.fitness == expected.fitness
    described = [defined(samples, model).description for samples in (given, other)]
    assert tasks[0].description == described[0]
    assert described[0]["train_data"] != described[1]["train_data"]


@pytest.mark.parametrize("form", ["frame", "csr", "list", "float64"])
def test_a_study_goes_on_with_the_same_data_in_another_form(form) -> None:
    first, second = (defined(FORMS[name](), dense_model) for name in ("tensor", form))
    assert first.description == second.description


@pytest.mark.parametrize(
    ("name", "samples", "validation"),
    [
        ("train_data", X[:, :2], X[:, :2]),
        ("validation_data", X, X[:, :2]),
        ("validation_data", X, {"a": X, "b": X}),
        ("train_data", TEXT, X),
    ],
)
def test_samples_that_the_model_does_not_take_are_named(name, samples, validation) -> None:
    with pytest.raises(ValueError, match=f"Expected samples of {name} that the model takes") as e:
        defined(samples, dense_model, validation)
    assert "\n" not in str(e.value)
    assert "\x1b" not in str(e.value)
    assert len(str(e.value)) < 450
