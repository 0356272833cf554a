"""What every candidate is trained on: model, optimizer, data, and how long.

A task is data and one function that builds the model, so it can be handed to another process, which
makes its own trainer of it.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import platform
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

import glo_tf
from glo_tf import fingerprint
from glo_tf.seeding import seeded
from glo_tf.training_loop import forward_graph, xla_pays

if TYPE_CHECKING:
    from glo_tf.training import CandidateTrainer


logger = logging.getLogger("glo_tf")


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingTask:
    """A training's setting, checked; made by `define`.

    Attributes:
        model: Function without arguments that returns a new `keras.Model`.
        optimizer: Configuration of a Keras optimizer, as `keras.optimizers.serialize` gives it.
        train_data: Samples `(N, ...)` and one-hot labels, float32 `(N, C)`.
        validation_data: The same, for the fitness.
        num_classes: C.
        train_steps: Training steps per candidate.
        batch_size: Samples per step.
        epsilon: Predictions are clipped to `[epsilon, 1]` before the loss.
        jit_compile: Whether XLA compiles the training.
        threads: TensorFlow's intra-op threads. On a CPU they decide how sums are split, and with
            that the last bits of a training.
        description: What determines a result, by name.
    """

    model: Callable[[], keras.Model]
    optimizer: dict[str, Any]
    train_data: tuple[np.ndarray, np.ndarray]
    validation_data: tuple[np.ndarray, np.ndarray]
    num_classes: int
    train_steps: int
    batch_size: int
    epsilon: float
    jit_compile: bool
    threads: int
    description: dict[str, Any]

    @classmethod
    def define(
        cls,
        model: Callable[[], keras.Model],
        optimizer: keras.Optimizer | str | dict[str, Any],
        train_data: tuple[np.ndarray, np.ndarray],
        validation_data: tuple[np.ndarray, np.ndarray],
        *,
        train_steps: int,
        batch_size: int,
        epsilon: float = 1e-7,
        jit_compile: bool | None = None,
    ) -> TrainingTask:
        """Checks a setting, by building the model once.

        Args:
            model: Function without arguments that returns a new `keras.Model` whose output is class
                probabilities of shape `(N, C)`. A compiled model's loss and optimizer are not used.
            optimizer: A Keras optimizer, its name or its configuration.
            train_data: Samples `(N, ...)` and labels, either int of shape `(N,)` or one-hot
                `(N, C)`.
            validation_data: The same.
            train_steps: Training steps per candidate.
            batch_size: Samples per step.
            epsilon: Clipping of the predictions.
            jit_compile: Whether XLA compiles the training; None decides by `xla_pays`.

        Raises:
            ValueError: If sizes or shapes do not fit.
        """
        _check_sizes(train_steps, batch_size, len(train_data[0]), epsilon)
        set_memory_growth()
        config = keras.optimizers.serialize(keras.optimizers.get(optimizer))
        sample_shape = (1, *np.shape(train_data[0])[1:])
        built, graph, classes = _built(model, sample_shape)
        data = [
            _checked(name, given, classes)
            for name, given in (("train_data", train_data), ("validation_data", validation_data))
        ]
        jit_compile = xla_pays(graph) if jit_compile is None else jit_compile
        threads = intra_op_threads()
        return cls(
            model=model,
            optimizer=config,
            train_data=data[0],
            validation_data=data[1],
            num_classes=classes,
            train_steps=train_steps,
            batch_size=batch_size,
            epsilon=epsilon,
            jit_compile=jit_compile,
            threads=threads,
            description={
                "train_data": _described(data[0]),
                "validation_data": _described(data[1]),
                "model": _described_model(built, graph),
                "optimizer": _without_names(config),
                "train_steps": train_steps,
                "batch_size": batch_size,
                "epsilon": epsilon,
                "jit_compile": jit_compile,
                "intra_op_threads": threads,
                **versions(),
            },
        )

    @property
    def learning_rate(self) -> float | None:
        """The optimizer's learning rate; None where a schedule sets it."""
        rate = self.optimizer["config"].get("learning_rate")
        # Keras stores it as float32: 0.01 comes back as 0.009999999776482582.
        return float(str(np.float32(rate))) if isinstance(rate, int | float) else None

    def prepare_process(self) -> None:
        """Makes a process that has only just started one in which trainings end as they did here.

        Raises:
            RuntimeError: If it has other versions or another model.
        """
        tf.config.threading.set_intra_op_parallelism_threads(self.threads)
        set_memory_growth()
        sample_shape = (1, *self.train_data[0].shape[1:])
        built, graph, _ = _built(self.model, sample_shape)
        for name, value in {**versions(), "model": _described_model(built, graph)}.items():
            if value != self.description[name]:
                raise RuntimeError(
                    f"Expected {name} {self.description[name]} on {platform.node()}, as where the "
                    f"search runs. Received: {value}"
                )

    def make_trainer(self) -> CandidateTrainer:
        """A trainer on the current device."""
        from glo_tf.training import CandidateTrainer

        return CandidateTrainer(self)


def set_memory_growth() -> None:
    """Lets TensorFlow take GPU memory as it needs it, so that others can use the GPU too.

    It has to happen before the first operation; after it, what TensorFlow took is left as it is.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError as error:
            logger.info("Memory growth of %s is left as it is: %s", gpu.name, error)


def versions() -> dict[str, str]:
    """Versions of what a training runs on."""
    return {
        "glo_tf": glo_tf.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def intra_op_threads() -> int:
    """Threads of one TensorFlow operation in this process."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(tf.config.threading.get_intra_op_parallelism_threads()) or available or 1


def _built(
    model: Callable[[], keras.Model], sample_shape: tuple[int, ...]
) -> tuple[keras.Model, Any, int]:
    """The model, its forward graph and its number of classes; on the CPU, the same everywhere."""
    with tf.device("CPU:0"):
        with seeded(0):
            built = model()
            # A subclassed model has no weights before its first call.
            classes = _number_of_classes(built, sample_shape)
        return built, forward_graph(built, sample_shape), classes


def _described_model(built: keras.Model, graph: Any) -> str:
    weights = fingerprint.of_arrays(np.asarray(v.value) for v in built.variables)
    digest = fingerprint.of_bytes([fingerprint.of_graph(graph).encode(), weights.encode()])
    return f"{built.count_params()} parameters, sha256 {digest}"


def _without_names(config: Any) -> Any:
    """Keras numbers names through the life of a process; they change nothing."""
    if isinstance(config, dict):
        return {key: _without_names(item) for key, item in config.items() if key != "name"}
    return config


def _described(data: tuple[np.ndarray, np.ndarray]) -> str:
    return f"{len(data[0])} samples of shape {data[0].shape[1:]}, sha256 " + fingerprint.of_arrays(
        data
    )


def _checked(
    name: str, data: tuple[np.ndarray, np.ndarray], classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Samples as they came, and float32 one-hot labels."""
    samples, labels = (np.asarray(array) for array in data)
    if len(samples) != len(labels) or len(samples) == 0:
        raise ValueError(
            f"Expected {name} to have as many labels as samples, at least one. "
            f"Received: {len(samples)} samples and {len(labels)} labels"
        )
    if labels.ndim == 1:
        if labels.min() < 0 or labels.max() >= classes:
            raise ValueError(
                f"Expected labels of {name} in [0, {classes - 1}], as the model has {classes} "
                f"outputs. Received: labels from {labels.min()} to {labels.max()}"
            )
        labels = keras.utils.to_categorical(labels, classes)
    if labels.shape[1:] != (classes,):
        raise ValueError(
            f"Expected labels of {name} of shape (N,) or (N, {classes}). "
            f"Received: shape={labels.shape}"
        )
    return samples, labels.astype(np.float32)


def _number_of_classes(model: keras.Model, sample_shape: tuple[int, ...]) -> int:
    output = model(np.zeros(sample_shape, np.float32))
    shape = tuple(getattr(output, "shape", ()))
    if len(shape) != 2 or shape[1] < 2:
        raise ValueError(
            "Expected a model with one output of shape (N, C), a probability for each of C >= 2 "
            f"classes. Received: output shape={shape} for one sample"
        )
    return int(shape[1])


def _check_sizes(train_steps: int, batch_size: int, samples: int, epsilon: float) -> None:
    if train_steps < 1:
        raise ValueError(f"Expected train_steps of at least 1. Received: train_steps={train_steps}")
    if not 1 <= batch_size <= samples:
        raise ValueError(
            f"Expected batch_size from 1 to the number of training samples ({samples}). "
            f"Received: batch_size={batch_size}"
        )
    if not 0.0 < epsilon < 1.0:
        raise ValueError(f"Expected epsilon between 0 and 1. Received: epsilon={epsilon}")
