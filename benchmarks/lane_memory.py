"""What a lane is reckoned to take of memory, beside what XLA's analysis of the program says.

    KERAS_BACKEND=jax python benchmarks/lane_memory.py --output=docs/results/lane_memory.json

`reckoned` is what `--lanes=auto` divides half of the free memory by. `compiled` is what the program
of a training takes, arguments and temporary arrays: by the difference of twice as many lanes, so
without what all lanes share. A ratio below 1 would have lanes found for which there is no room.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from absl import app, flags
from lenet5 import lenet5
from reporting import report

FLAGS = flags.FLAGS
flags.DEFINE_list("models", [], "Which, by name; all if empty.")
flags.DEFINE_integer("lanes", 4, "And twice as many.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

CLASSES = 10
LOSS = "-(log(y) - x/y)"
TOKENS = 1_000


def of_layers(shape: tuple[int, ...], *layers: tuple[Any, ...], dtype: str = "float32") -> Any:
    """A model of layers, as their names and arguments, and a softmax."""

    def build() -> Any:
        import keras

        made = [
            getattr(keras.layers, name)(*given, **named)
            for name, given, named in map(_split, layers)
        ]
        last = keras.layers.Dense(CLASSES, activation="softmax")
        return keras.Sequential([keras.Input(shape, dtype=dtype), *made, last])

    return build


def _split(layer: tuple[Any, ...]) -> tuple[str, list[Any], dict[str, Any]]:
    name, *given = layer
    named = given.pop() if given and isinstance(given[-1], dict) else {}
    return name, given, named


def the_papers() -> Any:
    from glo_tf import architectures

    return architectures.glo_mnist_cnn((28, 28, 1), CLASSES)


RELU = {"activation": "relu"}
CONVOLUTION = ("Conv2D", 16, 3, {"padding": "same", "use_bias": False})
NORMALIZED = (CONVOLUTION, ("BatchNormalization",), ("ReLU",))
# By name: shape of a sample, builder, optimizer, batch size.
MODELS: dict[str, tuple[tuple[int, ...], Callable[[], Any], str, int]] = {
    "MLP of 64": ((64,), of_layers((64,), ("Dense", 64, RELU)), "sgd", 32),
    "MLP of 2 x 512, batch norm, dropout; Adam": (
        (64,),
        of_layers(
            (64,),
            ("Dense", 512, RELU),
            ("BatchNormalization",),
            ("Dropout", 0.3),
            ("Dense", 512, RELU),
        ),
        "adam",
        32,
    ),
    "MLP of 2,048, batch 8; Adam": ((784,), of_layers((784,), ("Dense", 2048, RELU)), "adam", 8),
    "LeNet-5": ((28, 28, 1), lenet5, "sgd", 128),
    "the paper's CNN": ((28, 28, 1), the_papers, "sgd", 100),
    "CNN, 4 x 16 with batch norm": (
        (16, 16, 3),
        of_layers(
            (16, 16, 3),
            *NORMALIZED,
            *NORMALIZED,
            ("MaxPooling2D",),
            *NORMALIZED,
            *NORMALIZED,
            ("GlobalAveragePooling2D",),
        ),
        "sgd",
        64,
    ),
    "LSTM of 64": ((40, 8), of_layers((40, 8), ("LSTM", 64)), "adam", 32),
    "GRU of 2 x 32": (
        (40, 8),
        of_layers((40, 8), ("GRU", 32, {"return_sequences": True}), ("GRU", 32)),
        "sgd",
        32,
    ),
    "embedding of 1,000 tokens": (
        (40,),
        of_layers((40,), ("Embedding", TOKENS, 32), ("GlobalAveragePooling1D",), dtype="int32"),
        "adam",
        32,
    ),
}


def data_of(shape: tuple[int, ...], tokens: bool) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    samples: np.ndarray = (
        random.integers(0, TOKENS, (256, *shape)).astype("int32")
        if tokens
        else random.normal(size=(256, *shape)).astype("float32")
    )
    return samples, np.arange(256) % CLASSES


def compiled_bytes(task: Any, lanes: int) -> tuple[int, int]:
    """Arguments and results, and temporary arrays, of a training's program."""
    from glo_tf.expressions.program import instruction_set
    from glo_tf.expressions.tree import Expression
    from glo_tf.training.jax.programs import LanePrograms
    from glo_tf.training.jax.trainer import JaxTrainer

    trainer = JaxTrainer(task, lanes=lanes)
    programs, each = LanePrograms(lanes, task.outputs), range(lanes)
    for lane in each:
        programs.set(lane, Expression.parse(LOSS))
    advance = trainer._advance(instruction_set(across=False), programs.layouts(each))
    none = np.zeros(lanes, np.int32)
    told = (
        advance.lower(
            trainer._variables.empty(lanes),
            none,
            np.int32(1),
            trainer._batches((0,)),
            none,
            programs.arrays(each),
        )
        .compile()
        .memory_analysis()
    )
    held = told.argument_size_in_bytes + told.output_size_in_bytes - told.alias_size_in_bytes
    return held, told.temp_size_in_bytes


def row(name: str) -> dict[str, Any]:
    from glo_tf.training.jax.lane_memory import LaneSize
    from glo_tf.training.task import TrainingTask

    shape, build, optimizer, batch_size = MODELS[name]
    data = data_of(shape, "embedding" in name)
    task = TrainingTask.define(build, optimizer, data, data, train_steps=10, batch_size=batch_size)
    size = LaneSize.of(build(), task.optimizer(), task.outputs, data[0], batch_size)
    few, many = (compiled_bytes(task, lanes) for lanes in (FLAGS.lanes, 2 * FLAGS.lanes))
    held, temporary = ((b - a) / FLAGS.lanes for a, b in zip(few, many, strict=True))
    reckoned = size.state + size.work
    return {
        "model": name,
        "reckoned, KiB": reckoned / 1024,
        "compiled, KiB": (held + temporary) / 1024,
        "of it temporary": temporary / 1024,
        "ratio": reckoned / (held + temporary),
    }


def main(_: list[str]) -> None:
    import jax

    rows = []
    for name in FLAGS.models or MODELS:
        rows.append(row(name))
        print(rows[-1], flush=True)
    device = jax.devices()[0].device_kind
    report(f"Memory of a lane ({device})", rows, FLAGS.output, {"device": device})


if __name__ == "__main__":
    app.run(main)
