"""Weights, masks and positions on JAX: a training ends where `Model.fit` does."""

import keras
import numpy as np
import pytest

from glo_tf.expressions.tree import Expression
from glo_tf.training.batches import batch_order
from glo_tf.training.candidate import Candidate
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Request

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5, 4)).astype(np.float32)
X[RNG.uniform(size=(40, 5)) < 0.4] = 0.0
Y = X @ np.array([[1.0], [-1.0], [0.5], [0.0]], np.float32)
W = RNG.uniform(0.0, 3.0, (40, 5))


pytestmark = pytest.mark.filterwarnings("ignore:core.Jaxpr is missing:DeprecationWarning")


@pytest.mark.parametrize(
    ("layers", "w"), [([], None), ([keras.layers.Masking], W)], ids=["alike", "masked, weighted"]
)
def test_a_training_is_that_of_keras(layers, w) -> None:
    def model() -> keras.Model:
        hidden = [layer() for layer in layers]
        return keras.Sequential([keras.Input((5, 4)), *hidden, keras.layers.Dense(1)])

    task = TrainingTask.define(
        model,
        keras.optimizers.SGD(0.1),
        (X, Y, w),
        (X, Y, W),
        metric="mean_squared_error",
        train_steps=3,
        batch_size=10,
        standardize=False,
    )
    trainer = task.make_trainer()
    before = [np.asarray(value) for value in trainer._initial(0)]
    found = trainer.evaluate(Request(Candidate(Expression.parse("square(x - y)")), 0))
    theirs = model()
    theirs.set_weights(before[:2])
    theirs.compile(keras.optimizers.SGD(0.1), "mse")
    order = batch_order(40, 10, 3, 0).ravel()
    weights = None if w is None else w[order]
    theirs.fit(X[order], Y[order], 10, sample_weight=weights, shuffle=False, verbose=0)
    errors = np.square(Y - theirs.predict(X, verbose=0))[..., 0]
    counted = W * (X != 0.0).any(axis=-1) if layers else W
    expected = np.average(errors, weights=counted)
    assert found.values["mean_squared_error"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("layers", [[], [keras.layers.Masking]], ids=["dense", "masked"])
def test_ignored_classes_and_weights_of_classes_are_those_of_keras(layers) -> None:
    def model() -> keras.Model:
        hidden = [layer() for layer in layers]
        out = keras.layers.Dense(3, activation="softmax")
        return keras.Sequential([keras.Input((5, 4)), *hidden, out])

    rng = np.random.default_rng(1)
    classes = rng.integers(0, 3, (40, 5))
    labels = np.where(rng.uniform(size=(40, 5)) < 0.3, 255, classes)
    task = TrainingTask.define(
        model,
        keras.optimizers.SGD(0.5),
        (X, labels, W),
        (X, labels),
        metric="sparse_categorical_crossentropy",
        class_weight={0: 0.5, 2: 3.0},
        ignore_class=255,
        train_steps=1,
        batch_size=40,
    )
    trainer = task.make_trainer()
    before = [np.asarray(value) for value in trainer._initial(0)]
    found = trainer.evaluate(Request(Candidate(Expression.parse("-0.5*(2*x*log(y))")), 0))
    theirs = model()
    theirs.set_weights(before[:2])
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=255)
    theirs.compile(keras.optimizers.SGD(0.5), loss)
    weights = W * np.array([0.5, 1.0, 3.0])[classes]

    def measured() -> float:
        predictions = theirs.predict(X, verbose=0)
        counted = labels != 255
        if layers:
            counted &= (X != 0.0).any(axis=-1)
        true = np.take_along_axis(predictions, classes[..., None], axis=-1)[..., 0]
        return float(-np.log(true[counted]).mean())

    untrained = measured()
    theirs.fit(X, labels, 40, sample_weight=weights, shuffle=False, verbose=0)
    assert measured() != pytest.approx(untrained, rel=1e-2)
    value = found.values["sparse_categorical_crossentropy"]
    assert value == pytest.approx(measured(), rel=1e-5)
