"""JAX in this process, and what it has for trainings."""

import jax
import keras
import numpy as np
import pytest
import three_classes
from three_classes import CLEAR, LABELS

from glo_tf.errors import InvalidArgumentError, TrainingError
from glo_tf.training.backends import backend
from glo_tf.training.task import TrainingTask
from glo_tf.utils.cpus import available_cpus

L = keras.layers
ELSEWHERE = keras.random.SeedGenerator(3)


def build_model(*hidden) -> keras.Model:
    return three_classes.build_model(*hidden)


def define(model=build_model, samples=CLEAR, **settings) -> TrainingTask:
    data = samples, LABELS
    settings = {"train_steps": 5, "batch_size": 20, "optimizer": "sgd", **settings}
    return TrainingTask.define(model, settings.pop("optimizer"), data, data, **settings)


class Calling(keras.Model):
    """A softmax of what a function makes of its samples."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.out = L.Dense(3, activation="softmax")

    def call(self, samples):
        return self.out(self.function(samples))


def test_the_study_names_backend_versions_and_device() -> None:
    description = define().description
    assert description["backend"] == "jax"
    assert {"jax", "jaxlib", "keras", "numpy", "glo_tf", "device"} <= description.keys()
    assert "tensorflow" not in description
    assert define().description == description


@pytest.mark.parametrize(
    "other",
    [
        lambda: build_model(L.Dense(3)),
        lambda: Calling(lambda samples: samples * 2.0),
        lambda: Calling(lambda samples: samples * np.arange(4.0)),
    ],
)
def test_models_that_compute_something_else_are_described_otherwise(other) -> None:
    described = [define(model).description["model"] for model in (build_model, other, other)]
    assert described[0] != described[1] == described[2]


def test_samples_that_jax_does_not_have_are_refused() -> None:
    for samples, received in (
        (["a", "b", "c"] * 20, "text"),
        (np.arange(60)[:, None] + 2**40, "from 1099511627776 to 1099511627835"),
    ):
        with pytest.raises(InvalidArgumentError, match=f"samples of train_data.*{received}"):
            define(samples=samples)


def test_long_integers_of_small_values_are_taken() -> None:
    assert define(samples=np.arange(240).reshape(60, 4)).train_data[0].dtype == np.int64


def test_what_only_tensorflow_knows_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"Expected jit_compile .*jit_compile=False"):
        define(jit_compile=False)
    with pytest.raises(InvalidArgumentError, match="without a scale of the loss"):
        define(optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)))
    backend().set_threads(available_cpus())
    with pytest.raises(InvalidArgumentError, match=r"taskset .*Received: intra_op_threads=99"):
        backend().set_threads(99)


@pytest.mark.parametrize(
    ("function", "received"),
    [
        (lambda samples: samples if samples[0, 0] > 0.0 else -samples, "TracerBoolConversion"),
        (lambda samples: samples + keras.random.normal((4,)), "SeedGenerator"),
    ],
)
def test_a_model_that_jax_cannot_trace_is_refused(function, received) -> None:
    with pytest.raises(InvalidArgumentError, match=f"whose call JAX can trace.*{received}"):
        define(lambda: Calling(function))


def test_a_model_that_changes_what_is_not_its_own_is_refused() -> None:
    def call(samples):
        return samples + keras.random.normal((4,), seed=ELSEWHERE)

    class Hidden:
        """Keras tracks what is an attribute."""

        function = staticmethod(call)

    with pytest.raises(InvalidArgumentError, match=r"a model whose call changes .*seed"):
        define(lambda: Calling(Hidden.function))


def test_a_layer_with_a_seed_that_models_share_is_refused() -> None:
    dropout = L.Dropout(0.5)
    with pytest.raises(InvalidArgumentError, match=r"shares weights with an earlier one .*seed"):
        define(lambda: build_model(dropout))


def test_a_process_with_another_jax_is_refused() -> None:
    task = define()
    task.prepare_process()
    task.description["jax"] = "0.0.1"
    with pytest.raises(TrainingError, match=r"Expected jax 0\.0\.1 on "):
        task.prepare_process()


def test_devices_are_those_that_jax_lists() -> None:
    names = backend().logical_devices()
    assert names == [f"CPU:{number}" for number in range(jax.local_device_count())]
    assert not backend().several_gpus()
    with backend().device(names[-1]):
        assert jax.numpy.zeros(1).devices() == {jax.local_devices()[-1]}
