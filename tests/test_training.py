"""The candidate trainer on real digits: determinism, failures, every kind of model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from glo_tf import datasets
from glo_tf.expression import Expression
from glo_tf.training import CandidateTrainer

CROSS_ENTROPY = Expression.parse("-(x*log(y))")
DIGITS = datasets.digits()
TRAIN = (DIGITS.x_train, DIGITS.y_train)
VALIDATION = (DIGITS.x_validation, DIGITS.y_validation)


def dropout_and_batch_norm() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(DIGITS.input_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def linear() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(DIGITS.input_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.flatten = keras.layers.Flatten()
        self.out = keras.layers.Dense(10, activation="softmax", kernel_regularizer="l2")

    def call(self, samples: tf.Tensor) -> tf.Tensor:
        return self.out(self.flatten(samples))


def make_trainer(model=linear, optimizer="sgd", train_steps=30, **kwargs) -> CandidateTrainer:
    kwargs.setdefault("batch_size", 50)
    return CandidateTrainer(model, optimizer, TRAIN, VALIDATION, train_steps=train_steps, **kwargs)


@pytest.mark.parametrize(
    "optimizer", ["sgd", "adam", {"class_name": "SGD", "config": {"use_ema": True}}]
)
def test_an_evaluation_depends_on_its_arguments_alone(optimizer) -> None:
    trainer = make_trainer(dropout_and_batch_norm, optimizer)
    first = trainer.evaluate(CROSS_ENTROPY, seed=3)
    weights = _weights(trainer)
    trainer.evaluate(Expression.parse("-(log(y) - x/y)"), seed=3)
    trainer.evaluate(CROSS_ENTROPY, seed=4)
    trainer.evaluate(CROSS_ENTROPY, seed=3, learning_rate=0.5)
    other = make_trainer(dropout_and_batch_norm, optimizer)
    for repeated in (trainer, other):
        assert repeated.evaluate(CROSS_ENTROPY, seed=3) == first
        for left, right in zip(weights, _weights(repeated), strict=True):
            np.testing.assert_array_equal(left, right)


def test_the_seed_fixes_weights_and_batch_order() -> None:
    trainer = make_trainer(train_steps=1)
    weights = []
    for seed in (0, 1, 0):
        trainer.evaluate(CROSS_ENTROPY, seed=seed)
        weights.append(_weights(trainer)[0])
    np.testing.assert_array_equal(weights[0], weights[2])
    assert (weights[0] != weights[1]).any()


def test_trains_as_keras_does() -> None:
    """The reference: `Model.fit` on the same batches from the same weights."""
    trainer = make_trainer(optimizer=keras.optimizers.SGD(0.1), train_steps=20)
    trainer._reset(7, None)
    model = linear()
    model.set_weights(_weights(trainer))
    order = trainer._batches(7).numpy().ravel()
    fitness = trainer.evaluate(CROSS_ENTROPY, seed=7).fitness
    model.compile(
        keras.optimizers.SGD(0.1), keras.losses.CategoricalCrossentropy(), metrics=["accuracy"]
    )
    labels = keras.utils.to_categorical(DIGITS.y_train, 10)
    model.fit(DIGITS.x_train[order], labels[order], batch_size=50, shuffle=False, verbose=0)
    for ours, theirs in zip(_weights(trainer), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    validation = keras.utils.to_categorical(DIGITS.y_validation, 10)
    _, accuracy = model.evaluate(DIGITS.x_validation, validation, verbose=0)
    assert fitness == pytest.approx(accuracy, abs=1e-6)


def test_learning_rate_replaces_the_optimizers_own() -> None:
    trainer = make_trainer(optimizer=keras.optimizers.SGD(0.2))
    assert trainer.learning_rate == 0.2
    faster = make_trainer(optimizer=keras.optimizers.SGD(0.01))
    assert faster.evaluate(CROSS_ENTROPY, seed=0, learning_rate=0.2) == trainer.evaluate(
        CROSS_ENTROPY, seed=0
    )


@pytest.mark.parametrize("text", ["log(x - y)", "sqrt(y - y)*x", "x*y/(y - y)"])
def test_a_non_finite_training_stops_early_with_fitness_0(text: str) -> None:
    evaluation = make_trainer(train_steps=250).evaluate(Expression.parse(text), seed=0)
    assert (evaluation.fitness, evaluation.status) == (0.0, "non_finite")
    assert evaluation.steps < 250


def test_weights_that_become_non_finite_are_noticed_though_the_loss_is_finite() -> None:
    # sqrt(y - y) is 0 with an infinite slope: the loss of the only step is finite, the weights not.
    evaluation = make_trainer(train_steps=1).evaluate(Expression.parse("x + sqrt(y - y)"), seed=0)
    assert (evaluation.fitness, evaluation.status, evaluation.steps) == (0.0, "non_finite", 1)


@pytest.mark.parametrize("model", [linear, Subclassed, dropout_and_batch_norm])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "nadam"])
def test_any_model_and_optimizer_learns(model, optimizer: str) -> None:
    optimizer = keras.optimizers.get({"class_name": optimizer, "config": {"learning_rate": 0.05}})
    evaluation = make_trainer(model, optimizer, train_steps=100).evaluate(CROSS_ENTROPY, seed=0)
    assert evaluation.status == "ok"
    assert evaluation.fitness > 0.5


def test_regularisers_of_the_model_count() -> None:
    def with_penalty(strength: float) -> keras.Model:
        penalty = keras.regularizers.L2(strength)
        flat = keras.layers.Flatten()
        out = keras.layers.Dense(10, activation="softmax", kernel_regularizer=penalty)
        return keras.Sequential([keras.Input(DIGITS.input_shape), flat, out])

    norms = []
    for strength in (0.0, 1.0):
        trainer = make_trainer(lambda strength=strength: with_penalty(strength))
        trainer.evaluate(CROSS_ENTROPY, seed=0)
        norms.append(np.linalg.norm(_weights(trainer)[0]))
    assert norms[1] < 0.9 * norms[0]


def test_coefficients_of_one_tree_share_one_trace() -> None:
    trainer = make_trainer()
    tree = Expression.parse("-(log(y) - x/y)")
    first = trainer._train_function(tree)
    other = tree.with_coefficients([-2.0, 1.0, 1.5, 1.0, 1.0, 1.0])
    assert trainer._train_function(other) is first
    assert trainer.evaluate(tree, seed=0) != trainer.evaluate(other, seed=0)


def test_one_hot_labels_give_what_integers_give() -> None:
    one_hot = keras.utils.to_categorical
    trainer = CandidateTrainer(
        linear,
        "sgd",
        (DIGITS.x_train, one_hot(DIGITS.y_train)),
        (DIGITS.x_validation, one_hot(DIGITS.y_validation)),
        train_steps=30,
        batch_size=50,
    )
    expected = make_trainer().evaluate(CROSS_ENTROPY, seed=0)
    assert trainer.evaluate(CROSS_ENTROPY, seed=0) == expected


def test_an_interrupted_training_ends_at_its_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make_trainer(train_steps=10_000_000 // 50)
    train = trainer._train_function(CROSS_ENTROPY)
    submit, futures = trainer._thread.submit, []

    class Interrupted:
        """The future of a real training, whose waiting is what Ctrl-C interrupts."""

        def __init__(self, future) -> None:
            self._future = future
            futures.append(future)

        def __getattr__(self, name: str):
            return getattr(self._future, name)

        def result(self):
            raise KeyboardInterrupt

    monkeypatch.setattr(trainer._thread, "submit", lambda *args: Interrupted(submit(*args)))
    with pytest.raises(KeyboardInterrupt):
        trainer._run(train, tf.constant(CROSS_ENTROPY.coefficients), trainer._batches(0))
    steps, _ = futures[0].result()
    assert steps < 10_000_000 // 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train_steps": 0}, "Expected train_steps of at least 1. Received: train_steps=0"),
        ({"batch_size": 100_000}, r"number of training samples \(1197\).*batch_size=100000"),
        ({"epsilon": 0.0}, "Expected epsilon between 0 and 1"),
    ],
)
def test_bad_sizes_are_refused(arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_trainer(**arguments)


def test_a_model_that_does_not_fit_the_labels_is_refused() -> None:
    def three_outputs() -> keras.Model:
        flat, out = keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")
        return keras.Sequential([keras.Input(DIGITS.input_shape), flat, out])

    with pytest.raises(ValueError, match=r"labels of train_data in \[0, 2\].*from 0 to 9"):
        make_trainer(three_outputs)

    def one_output() -> keras.Model:
        flat, out = keras.layers.Flatten(), keras.layers.Dense(1, activation="sigmoid")
        return keras.Sequential([keras.Input(DIGITS.input_shape), flat, out])

    with pytest.raises(ValueError, match="one output of shape"):
        make_trainer(one_output)


def _weights(trainer: CandidateTrainer) -> list[np.ndarray]:
    return [np.copy(weight.numpy()) for weight in trainer._model.trainable_variables]
