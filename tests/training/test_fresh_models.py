"""Models that trainings can begin from, and those that are refused."""

import functools
import gc
import itertools
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from three_classes import CLEAR, LABELS, build_model

import glo_tf
from glo_tf import LossSearch
from glo_tf.expressions.tree import Expression
from glo_tf.training import fresh_models
from glo_tf.training.candidate import Candidate
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Request

DATA = (CLEAR, LABELS)
L = keras.layers
CROSS_ENTROPY = Expression.parse("-(x*log(y))")


def fresh(*layers: L.Layer) -> keras.Model:
    return build_model(*layers)


class Subclassed(keras.Model):
    def __init__(self, units: int = 3) -> None:
        super().__init__()
        self.out = L.Dense(units, activation="softmax")

    def call(self, samples: tf.Tensor) -> tf.Tensor:
        return self.out(samples)


def define(model, **arguments) -> TrainingTask:
    settings = {"train_steps": 5, "batch_size": 20, "jit_compile": False, **arguments}
    return TrainingTask.define(model, "sgd", DATA, DATA, **settings)


PRETRAINED = fresh()


def pretrained() -> keras.Model:
    """New objects with the values of another model."""
    model = fresh()
    model.set_weights(PRETRAINED.get_weights())
    return model


def frozen_base() -> keras.Model:
    """A part that no training changes may be shared."""
    return fresh(FROZEN)


FROZEN = keras.Sequential([keras.Input((4,)), L.Dense(4), L.BatchNormalization()])
FROZEN.trainable = False
NORMALIZATION = L.Normalization()
NORMALIZATION.adapt(CLEAR)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        fresh,
        lambda: fresh(L.Dropout(0.5), L.BatchNormalization(), L.GaussianNoise(0.1)),
        lambda: fresh(L.Reshape((2, 2)), L.LSTM(3)),
        lambda: keras.models.clone_model(PRETRAINED),
        pretrained,
        frozen_base,
        lambda: fresh(NORMALIZATION),
        Subclassed,
        functools.partial(Subclassed, units=3),
    ],
)
def test_builders_of_new_models_are_taken(model) -> None:
    task = define(model)
    losses = [CROSS_ENTROPY, Expression.parse("square(x - y)"), CROSS_ENTROPY]
    trainer = task.make_trainer()
    one, _, again = (trainer.evaluate(Request(Candidate(loss), seed=1)) for loss in losses)
    assert one == again == task.make_trainer().evaluate(Request(Candidate(CROSS_ENTROPY), seed=1))


def cached():
    return functools.cache(fresh)


def shared_layer():
    shared = L.Dense(4)
    return lambda: fresh(shared)


def shared_model():
    shared = keras.Sequential([keras.Input((4,)), L.Dense(4)])
    return lambda: fresh(shared)


def shared_dropout():
    shared = L.Dropout(0.5)
    return lambda: fresh(shared)


def shared_statistics():
    shared = L.BatchNormalization(scale=False, center=False)
    return lambda: fresh(shared)


def same_subclassed():
    model = Subclassed()
    return lambda: model


def pool_of_copies():
    models = [pretrained(), pretrained()]
    cycle = itertools.cycle(models)
    return lambda: next(cycle)


@pytest.mark.parametrize(
    "make",
    [cached, shared_layer, shared_model, shared_dropout, shared_statistics, same_subclassed],
)
def test_a_builder_that_gives_the_same_weights_again_is_refused(make) -> None:
    with pytest.raises(ValueError, match=r"Expected model to build new layers and weights.*shares"):
        define(make())


def test_what_is_collected_meanwhile_does_not_leave_its_identity_to_new_weights() -> None:
    earlier = fresh_models.build(fresh, CLEAR, seed=0)
    weights = weakref.ref(earlier.trainable_variables[0])
    del earlier
    alive = []

    class Collecting(Subclassed):
        def call(self, samples: tf.Tensor) -> tf.Tensor:
            gc.collect()
            alive.append(weights() is not None)
            return super().call(samples)

    gc.disable()  # until the new model is called
    try:
        fresh_models.build(Collecting, CLEAR, seed=0)
    finally:
        gc.enable()
    assert all(alive)
    gc.collect()
    assert weights() is None


def test_a_pool_of_models_is_refused_when_it_begins_anew() -> None:
    task = define(pool_of_copies())
    with pytest.raises(ValueError, match="Expected model to build new layers and weights"):
        task.make_trainer()


@pytest.mark.parametrize(
    ("make", "difference"),
    [
        (lambda: map(L.Dense, itertools.count(4)), "weights of other shapes"),
        (
            lambda: (
                L.Dense(4, kernel_initializer=keras.initializers.HeNormal(seed))
                for seed in itertools.count()
            ),
            "other initial values of .*dense",
        ),
        (lambda: map(L.Dropout, itertools.cycle([0.1, 0.2])), "another network"),
        (
            lambda: (
                L.Dense(4, bias_initializer=keras.initializers.Constant(rng.random()))
                for rng in itertools.repeat(np.random.default_rng())
            ),
            "other initial values of .*bias",
        ),
    ],
    ids=["width", "seed", "rate", "generator"],
)
def test_a_builder_that_does_not_follow_the_seed_is_refused(make, difference) -> None:
    layers = make()
    with pytest.raises(
        ValueError,
        match=f"Expected model to build the same network from the same seed.*{difference}",
    ):
        define(lambda: fresh(next(layers)))


class Noise(L.Layer):
    """Draws from Keras's global generator, and counts in a variable that no model knows."""

    def __init__(self, count: tf.Variable | None = None) -> None:
        super().__init__()
        self.count = [count]

    def call(self, samples: tf.Tensor) -> tf.Tensor:
        if self.count[0] is None:
            return samples + keras.random.normal(keras.ops.shape(samples))
        self.count[0].assign_add(1.0)
        return samples * self.count[0]


@pytest.mark.parametrize(("count", "name"), [(None, "seed_generator"), (1.0, "hidden")])
def test_a_model_that_changes_what_is_not_its_own_is_refused(count, name) -> None:
    variable = None if count is None else tf.Variable(count, name="hidden")
    with pytest.raises(ValueError, match=f"variables of its own.*whose call changes .*{name}"):
        define(lambda: fresh(Noise(variable)))


@pytest.mark.parametrize(
    ("model", "received"),
    [
        (PRETRAINED, "model=<Sequential name=.*, a model; put what builds it in a function"),
        (Subclassed(), "model=<Subclassed name=.*, a model"),
        (None, "model=None"),
        ("mlp", "model='mlp'"),
        ([fresh], r"model=\[<function fresh>\]"),
        (lambda units: fresh(L.Dense(units)), "takes arguments .*'units'"),
        (keras.Model, r"does not have a `call\(\)` method"),
        (lambda: None, "which returned None"),
        (lambda: [fresh()], r"which returned \[<Sequential"),
        (lambda: L.Dense(3), "which returned <Dense"),
    ],
)
def test_what_builds_no_model_is_refused(model, received) -> None:
    search = functools.partial(LossSearch, model, DATA, DATA, batch_size=20)
    compare = functools.partial(
        glo_tf.compare, model, DATA, DATA, DATA, ["-(x*log(y))"], batch_size=20
    )
    for call in (search, compare):
        with pytest.raises(ValueError, match=received) as raised:
            call()
        assert "Expected model to be a function" in str(raised.value)
        assert "\n" not in str(raised.value)


def with_method(name: str) -> type[keras.Model]:
    def method(self, *arguments, **others):
        return getattr(super(kind, self), name)(*arguments, **others)

    kind = type("Own", (Subclassed,), {name: method})
    return kind


@pytest.mark.parametrize(
    "name", ["fit", "train_step", "compute_loss", "test_step", "evaluate", "make_train_function"]
)
def test_a_model_that_trains_itself_in_its_own_way_is_refused(name: str) -> None:
    inherited = type("Inherits", (with_method(name),), {})

    def assigned() -> keras.Model:
        model = fresh()
        setattr(model, name, lambda *arguments: None)
        return model

    for model in (with_method(name), inherited, assigned):
        with pytest.raises(ValueError, match=f"as keras.Model does it.* with {name} of its own"):
            define(model)


def test_a_model_may_have_other_methods_of_its_own_and_be_compiled() -> None:
    class Other(Subclassed):
        def predict_step(self, data):
            raise NotImplementedError

    def compiled() -> keras.Model:
        model = Other()
        model.compile("adam", "mse", metrics=["accuracy"])
        return model

    assert define(compiled).outputs.width == 3


@pytest.mark.parametrize(
    ("callbacks", "received"),
    [
        ([keras.callbacks.EarlyStopping()], r"callbacks\[0\]=<keras.*EarlyStopping>"),
        ([glo_tf.Callback(), print], r"callbacks\[1\]=<built-in function print>"),
        ([glo_tf.Callback], r"callbacks\[0\]=<class"),
        (glo_tf.Callback(), r"callbacks=<glo_tf.display.callbacks.Callback>"),
        ([None], r"callbacks\[0\]=None"),
    ],
)
def test_what_is_no_callback_is_refused(callbacks, received) -> None:
    with pytest.raises(ValueError, match=f"Expected callbacks as a list.*Received: {received}"):
        LossSearch(fresh, DATA, DATA, callbacks=callbacks)


def test_on_training_is_a_function() -> None:
    with pytest.raises(ValueError, match="Expected on_training to be a function"):
        glo_tf.compare(fresh, DATA, DATA, DATA, ["x*y"], on_training=[keras.callbacks.Callback()])


@pytest.mark.parametrize("wrapped", [lambda layer: layer, L.Bidirectional])
def test_a_state_that_goes_on_is_refused(wrapped) -> None:
    def stateful() -> keras.Model:
        layers = [wrapped(L.LSTM(2, stateful=True)), L.Dense(3, activation="softmax")]
        return keras.Sequential([keras.Input((4, 1), batch_size=20), *layers])

    data = CLEAR[..., None], LABELS
    with pytest.raises(ValueError, match=r"with stateful=False, .*lstm.* with stateful=True"):
        TrainingTask.define(stateful, "sgd", data, data, batch_size=20)
