"""The candidate trainer on real digits: determinism, failures, every kind of model."""

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
from glo_tf.testing import TrainerTestCase
from glo_tf.training.candidate import Candidate
from glo_tf.training.task import TrainingTask
from glo_tf.training.tensorflow.trainer import CandidateTrainer
from glo_tf.training.trial import Request

shared_trainer = functools.cache(make_trainer)
"""For tests that need its results alone: what it did before changes nothing."""


@pytest.mark.slow
class TestCandidateTrainer(TrainerTestCase):
    settings = {"jit_compile": False}


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


def test_where_trees_are_not_compiled_all_coefficients_share_one_trace() -> None:
    translating = make_trainer(train_steps=5)
    interpreting = CandidateTrainer(translating.task.interpreting())
    assert interpreting.task.description != translating.task.description
    for text in ("-(0.5*log(1.5*y) - 2.0*x/y)", "-(x*log(0.3*y) + 0.2*y)"):
        request = Request(Candidate(Expression.parse(text)), seed=0)
        assert interpreting.evaluate(request).fitness == translating.evaluate(request).fitness
        for ours, theirs in zip(_weights(interpreting), _weights(translating), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert interpreting._interpreter.cache_info().misses == 1
    assert interpreting._translator.cache_info().misses == 0


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

    with pytest.raises(ValueError, match=r"targets of output 0 of shape \(N, 6, 6\)"):
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


@pytest.mark.parametrize("checkpoints", [(0,), (3, 3), (5, 4)])
def test_checkpoints_that_do_not_rise_are_refused(checkpoints) -> None:
    with pytest.raises(ValueError, match="Expected checkpoints as rising steps"):
        Request(Candidate(CROSS_ENTROPY), 0, checkpoints=checkpoints)
