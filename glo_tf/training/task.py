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

from glo_tf._version import __version__
from glo_tf.data import arrays
from glo_tf.data.arrays import Structure
from glo_tf.data.found_outputs import OutputKinds, find_outputs
from glo_tf.data.held_out import HeldOut
from glo_tf.data.last_activation import last_activations
from glo_tf.data.outputs import Outputs
from glo_tf.data.targets import as_rows, label_columns
from glo_tf.identity import fingerprint
from glo_tf.metrics.objective import Objective
from glo_tf.training import fresh_models, optimizers
from glo_tf.training.tensorflow import xla
from glo_tf.utils import onednn

if TYPE_CHECKING:
    from glo_tf.training.tensorflow.trainer import CandidateTrainer


logger = logging.getLogger("glo_tf")

_LOOKED_AT = 32  # samples whose predictions may confirm what the model's outputs are


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingTask:
    """A training's setting, checked; made by `define`.

    Attributes:
        model: Function without arguments that returns a new `keras.Model`.
        optimizer: Function without arguments that returns a new `keras.Optimizer`.
        learning_rate: The optimizer's; None where a schedule sets it.
        train_data: Samples, an array `(N, ...)` or a structure of such, and the labels of all
            outputs as columns, float32 `(N, W)`.
        validation_data: What networks are measured on, for the fitness.
        test_data: What they are measured on at checkpoints beside it; None for nothing.
        outputs: Of the model.
        objective: What fitness is.
        train_steps: Training steps per candidate.
        batch_size: Samples per step.
        jit_compile: Whether XLA compiles the training.
        threads: TensorFlow's intra-op threads. On a CPU they decide how sums are split, and with
            that the last bits of a training.
        description: What determines a result, by name.
    """

    model: Callable[[], keras.Model]
    optimizer: Callable[[], keras.Optimizer]
    learning_rate: float | None
    train_data: tuple[Structure, np.ndarray]
    validation_data: HeldOut
    test_data: HeldOut | None
    outputs: Outputs
    objective: Objective
    train_steps: int
    batch_size: int
    jit_compile: bool
    threads: int
    description: dict[str, Any]

    @classmethod
    def define(
        cls,
        model: Callable[[], keras.Model],
        optimizer: optimizers.Given,
        train_data: Any,
        validation_data: Any,
        *,
        test_data: Any = None,
        train_steps: int,
        batch_size: int,
        epsilon: float = 1e-7,
        outputs: OutputKinds | None = None,
        from_logits: bool = False,
        metric: Any = None,
        metric_mode: str = "auto",
        jit_compile: bool | None = None,
    ) -> TrainingTask:
        """Checks a setting, by building the model twice.

        Args:
            model: Function without arguments that returns a new `keras.Model`; its outputs have
                shape `(N, units)`. A compiled model's loss and optimizer are not used. See
                `glo_tf.training.fresh_models`.
            optimizer: See `glo_tf.training.optimizers`.
            train_data: Samples and targets; see `glo_tf.data.arrays.load`, `glo_tf.data.targets`.
            validation_data: The same.
            test_data: The same; None for none.
            train_steps: Training steps per candidate.
            batch_size: Samples per step.
            epsilon: Clipping of predictions that are probabilities.
            outputs: What the user says of the model's outputs; see `find_outputs`.
            from_logits: The same.
            metric: What fitness measures on the validation data; see `Objective.define`.
            metric_mode: Its direction.
            jit_compile: Whether XLA compiles the training; None does where it pays and can.

        Raises:
            ValueError: If sizes, shapes or the metric do not fit, or if no training can begin from
                the model or with the optimizer.
        """
        samples, targets = arrays.load("train_data", train_data)
        loaded = {"validation_data": arrays.load("validation_data", validation_data)}
        if test_data is not None:
            loaded["test_data"] = arrays.load("test_data", test_data)
        _check_sizes(train_steps, batch_size, arrays.count(samples), epsilon)
        set_memory_growth()
        onednn.warn_if_left_off()
        checked = optimizers.understand(optimizer, train_steps)
        with tf.device("CPU:0"):
            built, graph = fresh_models.examine(model, samples)
            for name, (others, _) in loaded.items():
                fresh_models.call(built, others, name)
            understood = find_outputs(
                built(arrays.head(samples, _LOOKED_AT)),
                last_activations(built, samples),
                targets,
                epsilon,
                outputs=outputs,
                from_logits=from_logits,
            )
            predictions = {
                name: understood.columns(built(arrays.head(others, _LOOKED_AT))).numpy()
                for name, (others, _) in loaded.items()
            }
        columns = label_columns("train_data", targets, understood)
        held_out = {
            name: HeldOut(
                others, label_columns(name, of_others, understood), as_rows(of_others, understood)
            )
            for name, (others, of_others) in loaded.items()
        }
        objective = Objective.define(metric, metric_mode, understood)
        for name, data in held_out.items():
            _check_metric(objective, predictions[name], data.targets, understood)
        described = fresh_models.describe(built, graph)
        with tf.device("CPU:0"):
            jit_compile = xla.decide(
                jit_compile,
                graph,
                built,
                checked.make,
                arrays.head(samples, batch_size),
                key=f"{described} {checked.config}",
            )
        threads = intra_op_threads()
        codes = {"optimizer_code": checked.code, "metric_code": objective.code}
        return cls(
            model=model,
            optimizer=checked.make,
            learning_rate=checked.learning_rate,
            train_data=(samples, columns),
            validation_data=held_out["validation_data"],
            test_data=held_out.get("test_data"),
            outputs=understood,
            objective=objective,
            train_steps=train_steps,
            batch_size=batch_size,
            jit_compile=jit_compile,
            threads=threads,
            description={
                "train_data": _described(samples, columns),
                **{name: _described(d.samples, d.labels) for name, d in held_out.items()},
                "model": described,
                "outputs": understood.in_words,
                "optimizer": checked.config,
                "metric": str(objective),
                "train_steps": train_steps,
                "batch_size": batch_size,
                "epsilon": epsilon,
                "jit_compile": jit_compile,
                "intra_op_threads": threads,
                **{name: code for name, code in codes.items() if code is not None},
                **computing(),
            },
        )

    @property
    def summary(self) -> str:
        """What was understood, such as "3 classes, softmax; fitness: accuracy"."""
        return f"{self.outputs.in_words}; fitness: {self.objective.goal}"

    def prepare_process(self) -> None:
        """Makes a process that has only just started one in which trainings end as they did here.

        Raises:
            RuntimeError: If it has other versions, other kernels or another model.
        """
        if intra_op_threads() != self.threads:  # refused once the user's modules made a tensor
            tf.config.threading.set_intra_op_parallelism_threads(self.threads)
        set_memory_growth()
        samples = self.train_data[0]
        with tf.device("CPU:0"):  # the same everywhere
            built = fresh_models.build(self.model, samples, seed=0)
            graph = fresh_models.forward_graph(built, samples)
        for name, value in {**computing(), "model": fresh_models.describe(built, graph)}.items():
            if value != self.description[name]:
                raise RuntimeError(
                    f"Expected {name} {self.description[name]} on {platform.node()}, as where the "
                    f"search runs. Received: {value}"
                )

    def make_trainer(self) -> CandidateTrainer:
        """A trainer on the current device."""
        from glo_tf.training.tensorflow.trainer import CandidateTrainer

        return CandidateTrainer(self)


def true_false_or_auto(jit_compile: bool | str) -> bool | None:
    """A user's `jit_compile` as `TrainingTask.define` takes it.

    Raises:
        ValueError: If it is neither True, False nor `"auto"`.
    """
    if jit_compile not in (True, False, "auto"):
        raise ValueError(
            "Expected jit_compile to be True, False or 'auto'. "
            f"Received: jit_compile={jit_compile!r}"
        )
    return None if jit_compile == "auto" else bool(jit_compile)


def set_memory_growth() -> None:
    """Lets TensorFlow take GPU memory as it needs it, so that others can use the GPU too.

    It has to happen before the first operation; after it, what TensorFlow took is left as it is.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError as error:
            logger.info("Memory growth of %s is left as it is: %s", gpu.name, error)


def computing() -> dict[str, str]:
    """What a training runs on: versions, and TensorFlow's kernels."""
    return {
        "glo_tf": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        # Under the name by which a user changes it: messages show what differs.
        onednn.VARIABLE: "1" if onednn.is_on() else "0",
    }


def intra_op_threads() -> int:
    """Threads of one TensorFlow operation in this process."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(tf.config.threading.get_intra_op_parallelism_threads()) or available or 1


def _described(samples: Structure, labels: np.ndarray) -> str:
    parts = arrays.flat(samples)
    shapes = ", ".join(str(part.shape[1:]) for part in parts)
    return f"{len(labels)} samples of shape {shapes}, sha256 " + fingerprint.of_arrays(
        [*arrays.contents(samples), labels]
    )


def _check_metric(
    objective: Objective, columns: np.ndarray, targets: list[np.ndarray], outputs: Outputs
) -> None:
    """A metric that does not fit shows before any training.

    Raises:
        ValueError: If it cannot be computed.
    """
    try:
        objective.measure([part[: len(columns)] for part in targets])(outputs.split(columns))
    except Exception as error:  # a metric raises what it likes
        shapes = ", ".join(
            f"targets {part.shape} and outputs (N, {output.units})"
            for part, output in zip(targets, outputs.each, strict=True)
        )
        raise ValueError(
            f"Expected a metric that gives a number for {shapes} "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}). "
            f"Received: metric={objective.name}"
        ) from error


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
