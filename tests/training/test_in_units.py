"""Numbers in the units of the data, outside of trainings that see them standardised."""

import dataclasses

import keras
import numpy as np
import pytest
from one_step import SQUARED_ERROR, one_step, task

from glo_tf.data.found_outputs import find_outputs
from glo_tf.data.outputs import Activation
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.training.in_units import in_units
from glo_tf.training.tensorflow.last_activation import ends

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
Y = 2e4 + X @ RNG.normal(size=(4, 2)) * [3e3, 50.0]
layers = keras.layers


def plain(units: int = 2) -> keras.Model:
    return keras.Sequential([keras.Input((4,)), layers.Dense(units)])


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = layers.Dense(2)

    def call(self, samples):
        return self.out(samples)


@pytest.mark.parametrize("build", [plain, Subclassed])
def test_a_model_in_units_is_trained_by_the_found_loss_as_in_the_search(build) -> None:
    defined = task(build, (X, Y), standardize="auto")
    (options,) = defined.outputs.loss_options
    np.testing.assert_allclose(options["target_deviation"], Y.std(axis=0))
    before, ours, order = one_step(defined, SQUARED_ERROR)
    theirs = build()
    theirs(X)
    theirs.set_weights(before)
    outside = in_units(theirs, defined.outputs)
    loss = ExpressionLoss(SQUARED_ERROR, **options)
    outside.compile(keras.optimizers.SGD(0.5), loss, metrics=["mae"], run_eagerly=True)
    found = outside.fit(X[order], Y[order], len(order), shuffle=False, verbose=0)
    for left, right in zip(ours, theirs.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-4)
    (output,) = defined.outputs.each
    predicted = output.predictions(_first(build, before, X[order]))
    error = np.abs(Y[order] - predicted).mean()
    assert found.history["mae"][0] == pytest.approx(error, rel=1e-4)


def _first(build, weights, samples):
    model = build()
    model(samples)
    model.set_weights(weights)
    return np.asarray(model(samples))


def ending(*parts, **options):
    return lambda: keras.Sequential([keras.Input((4,)), layers.Dense(2, **options), *parts])


@pytest.mark.parametrize(
    ("model", "free"),
    [
        (plain, True),
        (Subclassed, True),
        (ending(layers.Reshape((2, 1))), True),
        (ending(use_bias=False), True),
        (ending(activation="relu"), False),
        (ending(activation="softplus"), False),
        (ending(layers.Rescaling(9.0)), False),
        (ending(layers.Rescaling(1.0, 5.0)), False),
    ],
)
def test_a_layer_of_weights_gives_any_number(model, free) -> None:
    built = model()
    built(X[:1])
    (end,) = ends(built, X)
    assert end.gives_any_number == free


def test_a_model_that_adds_to_its_input_has_units_of_its_own() -> None:
    inputs = keras.Input((4,))
    shifted = keras.Model(inputs, inputs + layers.Dense(4)(inputs))
    wide = keras.Model(inputs, layers.Dense(2)(inputs) + layers.Dense(2)(layers.ReLU()(inputs)))
    found = [end.gives_any_number for model in (shifted, wide) for end in ends(model, X)]
    assert found == [False, True]


def test_metrics_have_the_units_of_the_data_and_fitness_none() -> None:
    values, fitnesses = [], []
    for factor in (1.0, 1e-4, 1e5):
        y = (Y[:, :1] - 2e4) * factor
        defined = task(lambda: plain(1), (X, y), standardize="auto", metric="mean_squared_error")
        measure = defined.objective.measure(defined.validation_data.targets)
        found = measure(defined.outputs.split(0.5 * defined.validation_data.labels))
        values.append(found[0] / factor**2)
        fitnesses.append(defined.objective.fitness(found))
    np.testing.assert_allclose(values, 0.25 * Y[:, 0].var(), rtol=1e-4)
    np.testing.assert_allclose(fitnesses, 1 / 1.25, rtol=1e-4)
    assert "mean_squared_error/" in defined.summary
    assert "number, linear, standardised (mean" in defined.summary


def test_several_outputs_of_a_subclass_are_refused() -> None:
    numbers = np.zeros((3, 1), np.float32)
    outputs = find_outputs(
        [numbers, numbers],
        [Activation.LINEAR] * 2,
        [Y[:, :1], Y[:, 1:]],
        1e-7,
        standardize=[True, False],
    )
    with pytest.raises(ValueError, match=r"Rescaling.*Received: Subclassed of 2 outputs"):
        in_units(Subclassed(), outputs)
    inputs = keras.Input((4,))
    both = keras.Model(inputs, [layers.Dense(1)(inputs), layers.Dense(1)(inputs)])
    found, plain_ = in_units(both, outputs)(X)
    raw, same = both(X)
    np.testing.assert_allclose(found, raw * Y[:, 0].std() + Y[:, 0].mean(), rtol=1e-5)
    np.testing.assert_array_equal(plain_, same)
    assert in_units(both, dataclasses.replace(outputs, each=outputs.each[1:] * 2)) is both
