"""How many networks a device has room for."""

from __future__ import annotations

import jax
import keras
import numpy as np
import pytest

from glo_tf.testing.small_task import small_data
from glo_tf.training.jax import backend, lane_memory
from glo_tf.training.jax.lane_memory import LaneSize
from glo_tf.training.task import TrainingTask

L = keras.layers
GIBIBYTE = 2**30
SHAPE = (4, 4, 1)
DATA = small_data(SHAPE, 3, 40, seed=1)


def dense(units: int = 8) -> keras.Model:
    layers = [L.Flatten(), L.Dense(units, activation="relu"), L.Dense(3, activation="softmax")]
    return keras.Sequential([keras.Input(SHAPE), *layers])


def convolutional() -> keras.Model:
    layers = [L.Conv2D(2, 3), L.Flatten(), L.Dense(3, activation="softmax")]
    return keras.Sequential([keras.Input(SHAPE), *layers])


def task(model=dense, **settings) -> TrainingTask:
    settings = {"train_steps": 5, "batch_size": 20, "lanes": "auto", **settings}
    return TrainingTask.define(model, "sgd", DATA, DATA, **settings)


def size_of(units: int, batch_size: int = 20, optimizer: str = "sgd") -> LaneSize:
    made = keras.optimizers.get(optimizer)
    return LaneSize.of(dense(units), made, task(lanes=1).outputs, DATA[0], batch_size)


def test_a_lane_is_as_large_as_its_variables_and_what_its_steps_compute() -> None:
    small, large, adam = size_of(8), size_of(800), size_of(800, optimizer="adam")
    weights = 4 * (16 * 800 + 800 + 800 * 3 + 3)
    assert weights < large.state < weights + 100
    assert 3 * weights < adam.state < 3 * weights + 100
    assert small.work < size_of(8, batch_size=40).work < 2.1 * small.work
    assert large.work > small.work + 3 * weights  # gradients, and new values beside old ones


def recurrent() -> keras.Model:
    layers = [L.Reshape((16, 1)), L.LSTM(8), L.Dense(3, activation="softmax")]
    return keras.Sequential([keras.Input(SHAPE), *layers])


def kept_for_the_way_back(model: keras.Model, samples: np.ndarray) -> int:
    """Bytes, by JAX itself."""
    kept = [v.value for v in model.non_trainable_variables]

    def forward(trained: list[jax.Array]) -> jax.Array:
        return model.stateless_call(trained, kept, samples, training=True)[0]

    def pulled(trained: list[jax.Array]) -> object:
        return jax.vjp(forward, trained)[1]

    found = jax.eval_shape(pulled, [v.value for v in model.trainable_variables])
    return sum(part.size * part.dtype.itemsize for part in jax.tree.leaves(found))


@pytest.mark.parametrize("build", [dense, convolutional, recurrent])
def test_a_lane_has_room_for_what_the_way_back_needs(build) -> None:
    """Of a loop, of each of its steps."""
    model, samples = build(), DATA[0][:20]
    optimizer = keras.optimizers.SGD()
    size = LaneSize.of(model, optimizer, task(lanes=1).outputs, samples, len(samples))
    registers = 4 * lane_memory._REGISTERS * len(samples) * 3
    assert size.work - registers > kept_for_the_way_back(model, samples)


@pytest.mark.parametrize(
    ("free", "lanes"), [(0, 1), (299, 1), (300, 1), (400, 2), (799, 2), (800, 4), (6_400, 32)]
)
def test_half_of_what_is_free_is_for_lanes(free: int, lanes: int) -> None:
    assert LaneSize(state=40, work=60, convolves=False).fit_in(free) == lanes


class Device:
    """As JAX tells of one."""

    def __init__(self, platform: str, **stats: int):
        self.platform, self.device_kind, self._stats = platform, platform, stats

    def memory_stats(self) -> dict[str, int] | None:
        return self._stats or None


@pytest.mark.parametrize(
    ("device", "model", "lanes"),
    [
        (Device("cpu"), dense, 32),
        (Device("cpu"), convolutional, 1),
        (Device("gpu", bytes_limit=60 * GIBIBYTE, bytes_in_use=GIBIBYTE), convolutional, 1024),
        (Device("gpu", bytes_limit=GIBIBYTE, bytes_in_use=GIBIBYTE - 8 * 2**20), dense, 64),
        (Device("gpu", bytes_limit=GIBIBYTE, bytes_in_use=GIBIBYTE), dense, 1),
    ],
)
def test_lanes_are_found_by_the_kind_of_device_and_its_free_memory(
    device: Device, model, lanes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_memory, "used_device", lambda: device)
    found = task(model)
    assert found.lanes == lanes
    assert found.description["lanes"] == "auto"
    assert found.summary.endswith(f"; {lanes} candidates side by side")
    assert found.for_trainings(5).lanes == min(lanes, 8)


def test_a_given_number_stays() -> None:
    given = task(lanes=6)
    assert given.for_trainings(1).lanes == given.description["lanes"] == 6
    assert "side by side" not in given.summary


def test_states_that_wait_take_a_share_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = task(lanes=1).make_trainer()
    state = sum(np.asarray(v.value).nbytes for v in trainer._variables.all)
    assert trainer._most_paused() == 32
    tight = Device("gpu", bytes_limit=80 * state)
    monkeypatch.setattr(lane_memory, "used_device", lambda: tight)
    assert trainer._most_paused() == 10


def test_the_default_device_is_asked() -> None:
    assert lane_memory.used_device() == jax.local_devices()[0]
    with backend.device("CPU:0"):
        assert lane_memory.free_bytes() > 2**20
