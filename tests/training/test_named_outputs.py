"""Outputs in a list that are spoken of by their names, as Keras's functional models allow it."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples
from output_kinds import CLASSES, NUMBERS, SAMPLES

from glo_tf.training.task import TrainingTask

layers = keras.layers
TARGETS = {"kind": CLASSES, "amount": NUMBERS, "more": 2.0 * NUMBERS}
UNITS = {"kind": 3, "amount": 1, "more": 1}
WEIGHTS = {name: np.linspace(0.5, 1.5, len(SAMPLES)) ** place for place, name in enumerate(TARGETS)}
BY_NAME = {
    "outputs": {"kind": "softmax", "more": "linear"},
    "metric": {"kind": "accuracy", "amount": "mean_absolute_error"},
    "class_weight": {"kind": {0: 2.0}},
}


def listed(order):
    """What builds a model whose outputs are a list in this order."""

    def build():
        inputs = keras.Input(SAMPLES.shape[1:])
        ends = {"kind": "softmax"}
        made = [layers.Dense(UNITS[name], ends.get(name), name=name)(inputs) for name in order]
        return keras.Model(inputs, made)

    return build


def task(order, train, validation, **options) -> TrainingTask:
    return TrainingTask.define(listed(order), "sgd", train, validation, train_steps=1, **options)


@examples(6)
@given(st.permutations([*TARGETS]), st.permutations([*TARGETS]))
def test_names_mean_what_the_order_means(order, keys) -> None:
    """In whichever order keys are given, and sorted."""
    targets, weights = ({key: each[key] for key in keys} for each in (TARGETS, WEIGHTS))
    named = task(order, (SAMPLES, targets, weights), (SAMPLES, targets), **BY_NAME)
    options = {name: [value.get(each) for each in order] for name, value in BY_NAME.items()}
    targets, weights = ([each[name] for name in order] for each in (TARGETS, WEIGHTS))
    in_order = task(order, (SAMPLES, targets, weights), (SAMPLES, targets), **options)
    assert named.description == in_order.description
    assert named.outputs.names is None  # its losses are a list, as Keras takes them


def test_keras_means_the_same_by_names() -> None:
    """The targets of each output, from which labels as columns are made."""
    order = ["more", "amount", "kind"]
    targets = TARGETS | {"amount": NUMBERS * 0 + 1.0, "more": NUMBERS * 0 + 3.0}
    numbers = {"amount": "linear", "more": "linear"}
    ours = task(order, *[(SAMPLES, targets)] * 2, outputs=numbers, standardize=False)
    _, labels = ours.train_data
    model = listed(order)()
    model.set_weights([np.zeros_like(weights) for weights in model.get_weights()])
    model.compile(loss=["mse", "mse", None])
    errors = model.evaluate(SAMPLES, targets, verbose=0, return_dict=True)
    assert (errors["more_loss"], errors["amount_loss"]) == (9.0, 1.0)
    np.testing.assert_array_equal(labels[0, :2] ** 2, [9.0, 1.0])


@pytest.mark.parametrize("key", ["other", None], ids=["another name", "one left out"])
@pytest.mark.parametrize("argument", ["train_data", "validation_data"])
def test_other_names_are_refused(key, argument) -> None:
    other = {name: rows for name, rows in TARGETS.items() if name != "more"}
    other |= {} if key is None else {key: NUMBERS}
    data = dict.fromkeys(("train_data", "validation_data"), (SAMPLES, TARGETS))
    data[argument] = SAMPLES, other
    expected = rf"targets of {argument} as a list of 3, or as a dict with kind, amount, more, .*"
    with pytest.raises(ValueError, match=expected + r"Received: a dict with \['kind', 'amount'"):
        task(TARGETS, *data.values())


def test_without_names_of_its_own_a_list_has_an_order_alone() -> None:
    """Flat, targets would be in the order of their keys, which need not be that of the outputs."""

    class Listed(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.parts = [layers.Dense(1, name=name) for name in "za"]

        def call(self, inputs):
            return [part(inputs) for part in self.parts]

    targets = {"z": NUMBERS, "a": 2 * NUMBERS}
    data = SAMPLES, targets
    with pytest.raises(ValueError, match=r"as a list of 2, .*Received: a dict with \['z', 'a'\]"):
        TrainingTask.define(Listed, "sgd", data, data, train_steps=1)
    data = SAMPLES, [*targets.values()]
    assert len(TrainingTask.define(Listed, "sgd", data, data, train_steps=1).outputs.each) == 2
