"""How steps grow with the gradient, for optimizers of which it is known."""

import functools

import keras
import numpy as np
import pytest

from glo_tf.training.step_length import StepLength, measure_step_length
from glo_tf.training.task import TrainingTask

O = keras.optimizers  # noqa: E741
S = keras.optimizers.schedules


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: O.SGD(0.1, momentum=0.9, nesterov=True), StepLength(1.0, exact=True)),
        (lambda: O.SGD(S.CosineDecay(0.0, 9, warmup_target=1.0)), StepLength(1.0, exact=True)),
        (lambda: O.LossScaleOptimizer(O.SGD(0.1)), StepLength(1.0, exact=True)),
        (lambda: O.SGD(0.1, gradient_accumulation_steps=2), StepLength(1.0, exact=True)),
        (lambda: O.Adam(), StepLength(0.0, exact=True)),
        (lambda: O.Lion(), StepLength(0.0, exact=True)),
    ],
)
def test_what_is_known(make, expected: StepLength) -> None:
    assert measure_step_length(make) == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda: O.SGD(0.1, clipnorm=1.0),
        lambda: O.SGD(0.1, weight_decay=0.1),
        lambda: O.Adam(epsilon=1.0),
        lambda: O.RMSprop(),  # whose epsilon stands under the root
        lambda: O.Adagrad(),
    ],
    ids=["clipnorm", "weight decay", "large epsilon", "RMSprop", "Adagrad"],
)
def test_where_a_factor_of_the_loss_is_more_than_one_of_the_rate(make) -> None:
    found = measure_step_length(make)
    assert not found.exact
    assert 0.0 <= found.exponent <= 1.0


def test_a_regularizer_is_part_of_every_loss() -> None:
    data = (np.zeros((8, 3), np.float32), np.arange(8) % 2)

    def model(regularizer: str | None) -> keras.Model:
        dense = keras.layers.Dense(2, activation="softmax", kernel_regularizer=regularizer)
        return keras.Sequential([keras.Input((3,)), dense])

    for regularizer, found in [("l2", True), (None, False)]:
        task = TrainingTask.define(
            functools.partial(model, regularizer), "sgd", data, data, train_steps=1, batch_size=8
        )
        assert task.has_penalties == found
