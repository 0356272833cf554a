"""The candidate trainer on real digits: determinism, failures, every kind of model."""

import dataclasses
import functools
import gc
import signal
import threading
import weakref

import keras
import numpy as np
import pytest
from small_trainings import (
    CROSS_ENTROPY,
    DIGITS,
    TRAIN,
    VALIDATION,
    Subclassed,
    dropout_and_batch_norm,
    linear,
    make_trainer,
)

from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.task import TrainingTask
from glo_tf.training.tensorflow.trainer import CandidateTrainer
from glo_tf.training.trial import Request

shared_trainer = functools.cache(make_trainer)
"""For tests that need its results alone: what it did before changes nothing."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer", ["sgd", "adam", {"class_name": "SGD", "config": {"use_ema": True}}]
)
def test_an_evaluation_depends_on_its_arguments_alone(optimizer) -> None:
    trainer = make_trainer(dropout_and_batch_norm, optimizer)
    first = trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=3))
    weights = _weights(trainer)
    trainer.evaluate(Request(Candidate(Expression.parse("-(log(y) - x/y)")), seed=3))
    trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=4))
    trainer.evaluate(Request(Candidate(CROSS_ENTROPY, Hyperparameters(0.5)), seed=3))
    other = make_trainer(dropout_and_batch_norm, optimizer)
    for repeated in (trainer, other):
        assert repeated.evaluate(Request(Candidate(CROSS_ENTROPY), seed=3)) == first
        for left, right in zip(weights, _weights(repeated), strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.slow
def test_the_seed_fixes_weights_and_batch_order() -> None:
    trainer = make_trainer(train_steps=1)
    weights = []
    for seed in (0, 1, 0):
        trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=seed))
        weights.append(_weights(trainer)[0])
    np.testing.assert_array_equal(weights[0], weights[2])
    assert (weights[0] != weights[1]).any()


@pytest.mark.slow
def test_trains_as_keras_does() -> None:
    """The reference: `Model.fit` on the same batches from the same weights."""
    trainer = make_trainer(optimizer=keras.optimizers.SGD(0.1), train_steps=20)
    trainer._loop.restore(trainer._initial(7))
    model = linear()
    model.set_weights(_weights(trainer))
    order = trainer._batches(7).numpy().ravel()
    fitness = trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=7)).fitness
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


@pytest.mark.slow
def test_learning_rate_replaces_the_optimizers_own() -> None:
    trainer = make_trainer(optimizer=keras.optimizers.SGD(0.2))
    assert trainer.task.learning_rate == 0.2
    faster = make_trainer(optimizer=keras.optimizers.SGD(0.01))
    own = Candidate(CROSS_ENTROPY, Hyperparameters(0.2))
    expected = trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=0))
    assert faster.evaluate(Request(own, seed=0)) == dataclasses.replace(expected, candidate=own)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["log(x - y)", "sqrt(y - y)*x", "x*y/(y - y)"])
def test_a_non_finite_training_stops_early_with_fitness_0(text: str) -> None:
    evaluation = shared_trainer(train_steps=250).evaluate(
        Request(Candidate(Expression.parse(text)), seed=0)
    )
    assert (evaluation.fitness, evaluation.status) == (0.0, "non_finite")
    assert evaluation.steps < 250


@pytest.mark.slow
def test_weights_that_become_non_finite_are_noticed_though_the_loss_is_finite() -> None:
    # sqrt(y - y) is 0 with an infinite slope: the loss of the only step is finite, the weights not.
    evaluation = make_trainer(train_steps=1).evaluate(
        Request(Candidate(Expression.parse("x + sqrt(y - y)")), seed=0)
    )
    assert (evaluation.fitness, evaluation.status, evaluation.steps) == (0.0, "non_finite", 1)


@pytest.mark.slow
@pytest.mark.parametrize("model", [linear, Subclassed, dropout_and_batch_norm])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "nadam"])
def test_any_model_and_optimizer_learns(model, optimizer: str) -> None:
    optimizer = keras.optimizers.get({"class_name": optimizer, "config": {"learning_rate": 0.05}})
    evaluation = make_trainer(model, optimizer, train_steps=100).evaluate(
        Request(Candidate(CROSS_ENTROPY), seed=0)
    )
    assert evaluation.status == "ok"
    assert evaluation.fitness > 0.5


@pytest.mark.slow
def test_regularisers_of_the_model_count() -> None:
    def with_penalty(strength: float) -> keras.Model:
        penalty = keras.regularizers.L2(strength)
        flat = keras.layers.Flatten()
        out = keras.layers.Dense(10, activation="softmax", kernel_regularizer=penalty)
        return keras.Sequential([keras.Input(DIGITS.input_shape), flat, out])

    norms = []
    for strength in (0.0, 1.0):
        trainer = make_trainer(lambda strength=strength: with_penalty(strength))
        trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=0))
        norms.append(np.linalg.norm(_weights(trainer)[0]))
    assert norms[1] < 0.9 * norms[0]


def test_coefficients_of_one_tree_share_one_trace() -> None:
    trainer = make_trainer()
    tree = Expression.parse("-(log(y) - x/y)")
    first = tree.with_coefficients([-2.0, 1.0, 1.5, 1.0, 1.0, 1.0])
    other = tree.with_coefficients([-2.0, 1.0, 2.5, 1.0, 1.0, 0.5])
    assert trainer.evaluate(Request(Candidate(first), seed=0)) != trainer.evaluate(
        Request(Candidate(other), seed=0)
    )
    assert trainer._translator.cache_info().misses == 1
    assert trainer._interpreter.cache_info().misses == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer", ["sgd", "adam", keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))]
)
def test_nothing_keeps_a_compiled_training_once_its_trainer_is_gone(optimizer) -> None:
    trainer = make_trainer(optimizer=optimizer)
    losses = [Expression.parse(text) for text in ("-(x*log(y))", "-(x*(2.0*log(y)))")]
    graphs = []
    for loss in losses:
        trainer.evaluate(Request(Candidate(loss), 0))
        graphs.append(weakref.ref(trainer._compiled(loss)[0].graph))
    assert all(graph() is not None for graph in graphs)
    del trainer
    gc.collect()
    assert not any(graph() is not None for graph in graphs)


@pytest.mark.slow
def test_expressions_without_coefficients_share_one_trace() -> None:
    trainer = make_trainer()
    for text in ("-(x*log(y))", "-(log(y) - x/y)", "square(x - y)"):
        trainer.evaluate(Request(Candidate(Expression.parse(text)), seed=0))
    assert trainer._interpreter.cache_info().misses == 1
    assert trainer._translator.cache_info().misses == 0


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("model", [linear, dropout_and_batch_norm, Subclassed])
def test_interpreted_or_translated_the_training_is_the_same(model, jit_compile: bool) -> None:
    # A hair from 1: the same function, which the trainer translates.
    almost = CROSS_ENTROPY.with_coefficients([-1.0, 1.0, 1.0 + 1e-12, 1.0])
    interpreted, translated = (
        _trained(loss, model, jit_compile) for loss in (CROSS_ENTROPY, almost)
    )
    for ours, theirs in zip(interpreted, translated, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("model", [linear, Subclassed])
def test_xla_trains_as_tensorflow_does(model) -> None:
    # Without random numbers, which XLA draws in its own way.
    with_xla, without = (_trained(CROSS_ENTROPY, model, jit) for jit in (True, False))
    for ours, theirs in zip(with_xla, without, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


@pytest.mark.slow
def test_a_tree_larger_than_the_first_compilation_is_trained_too() -> None:
    large = Expression.parse("-(x*log(y))" + " + 0*y" * 40)
    assert large.size > 64
    evaluation, expected = (
        shared_trainer().evaluate(Request(Candidate(loss), seed=0))
        for loss in (large, CROSS_ENTROPY)
    )
    assert evaluation.fitness == pytest.approx(expected.fitness, abs=0.01)


def test_xla_is_chosen_for_dense_models_alone() -> None:
    def convolution() -> keras.Model:
        layers = [keras.layers.Conv2D(2, 3), keras.layers.Flatten()]
        out = keras.layers.Dense(10, activation="softmax")
        return keras.Sequential([keras.Input(DIGITS.input_shape), *layers, out])

    assert make_trainer(linear).task.jit_compile
    assert make_trainer(Subclassed).task.jit_compile
    assert not make_trainer(convolution).task.jit_compile
    assert not make_trainer(dropout_and_batch_norm).task.jit_compile
    assert make_trainer(convolution, jit_compile=True).task.jit_compile


@pytest.mark.slow
def test_fewer_steps_are_the_first_steps() -> None:
    shorter = make_trainer(train_steps=10).evaluate(Request(Candidate(CROSS_ENTROPY), seed=0))
    longer = shared_trainer()
    assert longer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=0, train_steps=10)) == shorter


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", {"class_name": "SGD", "config": {"use_ema": True}}])
def test_a_longer_training_goes_on_where_a_shorter_one_ended(optimizer) -> None:
    expected = make_trainer(dropout_and_batch_norm, optimizer)
    expected.evaluate(Request(Candidate(CROSS_ENTROPY), seed=0))
    trainer = make_trainer(dropout_and_batch_norm, optimizer)
    for steps in (10, 20):
        trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=0, train_steps=steps))
        trainer.evaluate(Request(Candidate(Expression.parse("square(x - y)")), seed=0))
    trainer._initial = None  # not from the start
    whole = trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=0))
    assert whole.steps == 30
    for ours, theirs in zip(_weights(trainer), _weights(expected), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_a_training_at_chance_is_ended_early_if_asked() -> None:
    trainer = make_trainer(optimizer=keras.optimizers.SGD(0.1), train_steps=100)
    hopeless = Expression.parse("x*log(y)")
    stopped = trainer.evaluate(Request(Candidate(hopeless), seed=0, stop_at_chance=True))
    assert (stopped.status, stopped.steps) == ("stopped", 25)
    assert trainer.evaluate(Request(Candidate(hopeless), seed=0)).steps == 100
    learning = trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=0, stop_at_chance=True))
    assert learning == trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=0))


@pytest.mark.slow
def test_a_training_that_goes_on_ends_at_chance_where_a_whole_one_does() -> None:
    trainer = make_trainer(optimizer=keras.optimizers.SGD(0.1), train_steps=100)
    hopeless = Candidate(Expression.parse("x*log(y)"))

    def train(candidate: Candidate, steps: int | None, *, look: bool = True) -> tuple[str, int]:
        found = trainer.evaluate(Request(candidate, 0, train_steps=steps, stop_at_chance=look))
        return found.status, found.steps

    assert [train(hopeless, steps) for steps in (11, 33)] == [("ok", 11), ("stopped", 25)]
    assert train(hopeless, 33, look=False) == ("ok", 33)
    assert train(hopeless, None) == ("stopped", 25), "what nobody looked at begins anew"
    whole = trainer.evaluate(Request(Candidate(CROSS_ENTROPY), 0, stop_at_chance=True))
    assert [train(Candidate(CROSS_ENTROPY), steps)[1] for steps in (11, 33)] == [11, 33]
    trainer._initial = None  # not from the start
    went_on = trainer.evaluate(Request(Candidate(CROSS_ENTROPY), 0, stop_at_chance=True))
    assert went_on == whole


@pytest.mark.slow
def test_one_hot_labels_give_what_integers_give() -> None:
    one_hot = keras.utils.to_categorical
    trainer = TrainingTask.define(
        linear,
        "sgd",
        (DIGITS.x_train, one_hot(DIGITS.y_train)),
        (DIGITS.x_validation, one_hot(DIGITS.y_validation)),
        train_steps=30,
        batch_size=50,
    ).make_trainer()
    expected = shared_trainer().evaluate(Request(Candidate(CROSS_ENTROPY), seed=0))
    assert trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=0)) == expected


@pytest.mark.slow
def test_ctrl_c_ends_a_long_training_after_the_call_that_it_meets() -> None:
    trainer = make_trainer(train_steps=50_000)
    sender = threading.Thread(target=signal.raise_signal, args=[signal.SIGINT])
    calls = []

    def check() -> None:
        calls.append(None)
        if len(calls) == 3:
            sender.start()
        if len(calls) == 4:
            sender.join()

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=0), check)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert len(calls) in (3, 4)
    # The trainer goes on to work.
    assert trainer.evaluate(
        Request(Candidate(CROSS_ENTROPY), seed=0, train_steps=30)
    ) == shared_trainer().evaluate(Request(Candidate(CROSS_ENTROPY), seed=0))


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

    def an_image() -> keras.Model:
        return keras.Sequential([keras.Input(DIGITS.input_shape), keras.layers.Conv2D(10, 3)])

    with pytest.raises(ValueError, match="outputs have shape"):
        make_trainer(an_image)


def _trained(loss: Expression, model, jit_compile: bool) -> list[np.ndarray]:
    trainer = shared_trainer(model, train_steps=10, jit_compile=jit_compile)
    trainer.evaluate(Request(Candidate(loss), seed=0))
    return _weights(trainer)


def _weights(trainer: CandidateTrainer) -> list[np.ndarray]:
    return [np.copy(weight.numpy()) for weight in trainer._model.trainable_variables]


@pytest.mark.slow
def test_a_model_is_described_alike_however_many_were_built_before() -> None:
    """Keras numbers layers: one of these models has dense_9 and dense_10, and names are sorted."""

    def model() -> keras.Model:
        inputs = keras.Input(DIGITS.input_shape)
        hidden = keras.layers.Dense(4)(keras.layers.Dense(4)(keras.layers.Flatten()(inputs)))
        return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(hidden))

    keras.backend.clear_session()
    tasks = [
        TrainingTask.define(model, "sgd", TRAIN, VALIDATION, train_steps=1, batch_size=50)
        for _ in range(5)
    ]
    assert len({task.description["model"] for task in tasks}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", {"class_name": "SGD", "config": {"use_ema": True}}])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_measuring_on_the_way_changes_no_bit_of_a_training(optimizer, jit_compile) -> None:
    trainer = make_trainer(dropout_and_batch_norm, optimizer, jit_compile=jit_compile)
    plain = trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=3))
    weights = _weights(trainer)
    measured = trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=3, checkpoints=(1, 7, 30)))
    for left, right in zip(weights, _weights(trainer), strict=True):
        np.testing.assert_array_equal(left, right)
    assert (measured.fitness, measured.status, measured.steps) == (plain.fitness, "ok", 30)
    assert list(measured.measured) == ["validation"]
    on_the_way = measured.measured["validation"]
    assert list(on_the_way) == ["accuracy", "nll", "ece"]
    assert on_the_way["accuracy"][-1] == plain.fitness
    # What is measured after 7 steps is what a training of 7 steps ends with.
    shorter = trainer.evaluate(
        Request(Candidate(CROSS_ENTROPY), seed=3, train_steps=7, checkpoints=(7,))
    )
    for name, values in shorter.measured["validation"].items():
        assert values == on_the_way[name][1:2]
    assert plain.measured == {}


@pytest.mark.slow
def test_test_data_is_measured_beside_the_validation_data() -> None:
    request = Request(Candidate(CROSS_ENTROPY), seed=3, checkpoints=(7, 30))
    test = DIGITS.x_test, DIGITS.y_test
    both = make_trainer(dropout_and_batch_norm, test_data=test).evaluate(request)
    plain = make_trainer(dropout_and_batch_norm).evaluate(request)
    assert both.fitness == plain.fitness
    assert list(both.measured) == ["validation", "test"]
    assert both.measured["validation"] == plain.measured["validation"]
    swapped = TrainingTask.define(
        dropout_and_batch_norm, "sgd", TRAIN, test, train_steps=30, batch_size=50
    )
    found = swapped.make_trainer().evaluate(request).measured["validation"]
    assert both.measured["test"] == found
    assert list(found) == ["accuracy", "nll", "ece"]


@pytest.mark.slow
def test_what_was_measured_before_a_training_failed_is_kept() -> None:
    trainer = make_trainer(optimizer=keras.optimizers.SGD(3e38), train_steps=30)
    ended = trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=0))
    assert (ended.status, ended.fitness) == ("non_finite", 0.0)
    assert 1 < ended.steps < 30
    request = Request(Candidate(CROSS_ENTROPY), seed=0, checkpoints=(1, ended.steps + 1, 30))
    measured = trainer.evaluate(request)
    assert (measured.status, measured.steps) == (ended.status, ended.steps)
    assert [len(values) for values in measured.measured["validation"].values()] == [1, 1, 1]


@pytest.mark.parametrize("checkpoints", [(0,), (3, 3), (5, 4)])
def test_checkpoints_that_do_not_rise_are_refused(checkpoints) -> None:
    with pytest.raises(ValueError, match="Expected checkpoints as rising steps"):
        Request(Candidate(CROSS_ENTROPY), 0, checkpoints=checkpoints)


def test_checkpoints_after_the_end_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Expected checkpoints within 30 steps\. Received"):
        make_trainer().evaluate(Request(Candidate(CROSS_ENTROPY), 0, checkpoints=(10, 31)))
