"""What every candidate is trained on: model, optimizer, data, and how long.

A task is data and one function that builds the model, so it can be handed to another process, which
makes its own trainer of it.
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable
from typing import Any, Self, Unpack

import keras
import numpy as np

from glo_tf.data import arrays
from glo_tf.data.arrays import Structure
from glo_tf.data.held_out import HeldOut
from glo_tf.data.output_weights import weight_columns
from glo_tf.data.outputs import Outputs
from glo_tf.errors import InvalidArgumentError, TrainingError
from glo_tf.metrics.objective import Objective
from glo_tf.training import fresh_models, named_outputs, optimizers, schedules
from glo_tf.training.backends import backend
from glo_tf.training.config import AUTO, Decay, TaskArguments, TrainingKeywords
from glo_tf.training.task_data import TaskData
from glo_tf.training.trial import Trainer


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingTask:
    """A training's setting, checked; made by `of` or `define`.

    Attributes:
        model: Function without arguments that returns a new `keras.Model`.
        optimizer: Function without arguments that returns a new `keras.Optimizer`.
        learning_rate: The optimizer's; of a schedule its largest.
        learning_rate_decay: How it falls in the course of each training.
        train_data: Samples, an array `(N, ...)` or a structure of such, and the labels of all
            outputs as columns, float32 `(N, W)`.
        train_weights: What the terms of a loss are multiplied by, float32 `(N, W)`, or `(N, 1)` of
            one output; None if all samples count alike.
        train_valid: Positions of each output that are not masked, float32 `(N, outputs)`; None if
            none is masked.
        validation_data: What networks are measured on, for the fitness.
        test_data: What they are measured on at checkpoints beside it; None for nothing.
        outputs: Of the model.
        objective: What fitness is.
        train_steps: Training steps per candidate.
        batch_size: Samples per step.
        jit_compile: Whether XLA compiles the training.
        lanes: How many candidates a trainer trains side by side. Where their number was found, not
            given, the description says so, and a study which it was.
        threads: CPU threads of one operation. On a CPU they decide how sums are split, and with
            that the last bits of a training.
        compiles_trees: Whether a loss with coefficients is compiled, for others of the same tree to
            follow; see `interpreting`.
        description: What determines a result, by name.
    """

    model: Callable[[], keras.Model]
    optimizer: Callable[[], keras.Optimizer]
    learning_rate: float
    learning_rate_decay: Decay
    train_data: tuple[Structure, np.ndarray]
    train_weights: np.ndarray | None
    train_valid: np.ndarray | None
    validation_data: HeldOut
    test_data: HeldOut | None
    outputs: Outputs
    objective: Objective
    train_steps: int
    batch_size: int
    jit_compile: bool
    lanes: int
    threads: int
    compiles_trees: bool
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
        **settings: Unpack[TrainingKeywords],
    ) -> TrainingTask:
        """As `of`, with the fields of `TrainingConfig` as arguments."""
        arguments = TaskArguments(
            model, train_data, validation_data, optimizer=optimizer, **settings
        )
        return cls.of(arguments, test_data=test_data)

    @classmethod
    def of(
        cls,
        arguments: TaskArguments,
        *,
        test_data: Any = None,
    ) -> TrainingTask:
        """Checks a setting, by building the model twice.

        Args:
            arguments: For what becomes of them see `glo_tf.training.fresh_models`,
                `glo_tf.training.optimizers`, `glo_tf.data.arrays.load`, `TaskData.of`,
                `Objective.define` and `glo_tf.training.backends.Backend.decide_jit_compile`.
            test_data: Samples and targets as the others; None for none.

        Raises:
            ValueError: If sizes, shapes or the metric do not fit, or if no training can begin from
                the model or with the optimizer.
        """
        given = arguments.loaded()
        held_out = {"validation_data": given.validation_data}
        if test_data is not None:
            held_out["test_data"] = arrays.load("test_data", test_data)
        samples, _ = given.train_data
        train_steps, batch_size = given.train_steps, given.batch_size
        if batch_size > arrays.count(samples):
            raise InvalidArgumentError(
                "Expected batch_size from 1 to the number of training samples "
                f"({arrays.count(samples)}). Received: batch_size={batch_size}"
            )
        trains = backend()
        if isinstance(given.lanes, int):
            trains.check_lanes(given.lanes)
        trains.begin()
        for name, (others, _) in {"train_data": given.train_data, **held_out}.items():
            trains.check_samples(name, others)
        checked = optimizers.understand(given.optimizer, train_steps)
        with trains.device("CPU:0"):
            built, forward = fresh_models.examine(given.model, samples, trains.forward_pass)
            for name, (others, _) in held_out.items():
                fresh_models.call(built, others, name)
            given, held_out = named_outputs.in_order(given, held_out, built)
            data = TaskData.of(given, held_out, built, trains)
        outputs, weights = data.outputs, data.counted.weights
        objective = data.objective(given)
        described = fresh_models.describe(built, forward)
        with trains.device("CPU:0"):
            jit_compile = trains.decide_jit_compile(
                given.jit_compile,
                forward,
                built,
                checked.make,
                arrays.head(samples, batch_size),
                key=f"{described} {checked.config}",
            )
        threads = trains.threads()
        lanes = (
            given.lanes
            if isinstance(given.lanes, int)
            else trains.find_lanes(built, checked.make(), outputs, samples, batch_size)
        )
        codes = {"optimizer_code": checked.code, "metric_code": objective.code}
        return cls(
            model=given.model,
            optimizer=checked.make,
            learning_rate=checked.learning_rate,
            learning_rate_decay=Decay(given.learning_rate_decay),
            train_data=(samples, data.labels),
            train_weights=None if weights is None else weight_columns(weights, outputs),
            train_valid=data.counted.valid,
            validation_data=data.held_out["validation_data"],
            test_data=data.held_out.get("test_data"),
            outputs=outputs,
            objective=objective,
            train_steps=train_steps,
            batch_size=batch_size,
            jit_compile=jit_compile,
            lanes=lanes or 1,
            threads=threads,
            compiles_trees=True,
            description={
                **data.description,
                "model": described,
                "outputs": outputs.in_words,
                "optimizer": checked.config,
                "metric": objective.description,
                "train_steps": train_steps,
                "batch_size": batch_size,
                "learning_rate_decay": given.learning_rate_decay,
                "epsilon": given.epsilon,
                "jit_compile": jit_compile,
                "intra_op_threads": threads,
                **({} if lanes is None or given.lanes == 1 else {"lanes": given.lanes}),
                **{name: code for name, code in codes.items() if code is not None},
                **trains.computing(),
            },
        )

    @property
    def summary(self) -> str:
        """What was understood, such as "3 classes, softmax; fitness: accuracy"."""
        side_by_side = f"; {self.lanes} candidates side by side" if self.finds_lanes else ""
        return f"{self.outputs.in_words}; fitness: {self.objective.goal}{side_by_side}"

    def optimizer_at(self, rate: float) -> keras.Optimizer:
        """A new optimizer as a training with this rate has it, with schedule and decay."""
        return schedules.as_trained(
            self.optimizer, rate, self.learning_rate, self.learning_rate_decay, self.train_steps
        )

    @property
    def finds_lanes(self) -> bool:
        """Whether the number of lanes was found, and not given."""
        return self.description.get("lanes") == AUTO

    def in_lanes(self, lanes: int) -> Self:
        """The same task with so many candidates side by side."""
        return dataclasses.replace(self, lanes=lanes)

    def for_trainings(self, most: int) -> TrainingTask:
        """The same task, in no more lanes than are of use to so many trainings at once.

        Args:
            most: At least 1. Where the number of lanes was given, it stays.
        """
        useful = 1 << (most - 1).bit_length()
        return self.in_lanes(min(self.lanes, useful)) if self.finds_lanes else self

    def interpreting(self) -> TrainingTask:
        """The same task for losses each of which has a tree and coefficients of its own.

        To compile each of them would take longer than to train with it, and memory mappings of
        which a process has a limited number.
        """
        description = {**self.description, "compiles_trees": False}
        return dataclasses.replace(self, compiles_trees=False, description=description)

    @property
    def has_penalties(self) -> bool:
        """Whether the model adds terms to every loss, such as those of regularizers."""
        with keras.device("cpu:0"):
            built = fresh_models.build(self.model, self.train_data[0], seed=0)
            fresh_models.call(built, arrays.head(self.train_data[0], 1))
        return bool(built.losses)

    def prepare_process(self) -> None:
        """Makes a process that has only just started one in which trainings end as they did here.

        Raises:
            TrainingError: If it has other versions, other kernels or another model.
        """
        trains = backend()
        self._check_same(trains.computing())
        if trains.threads() != self.threads:
            trains.set_threads(self.threads)
        trains.begin()
        samples = self.train_data[0]
        with trains.device("CPU:0"):  # the same everywhere
            built = fresh_models.build(self.model, samples, seed=0)
            forward = trains.forward_pass(built, samples)
        self._check_same({"model": fresh_models.describe(built, forward)})

    def make_trainer(self) -> Trainer:
        """A trainer on the current device."""
        return backend().make_trainer(self)

    def _check_same(self, found: dict[str, str]) -> None:
        for name, value in found.items():
            expected = self.description.get(name, "absent")
            if value != expected:
                raise TrainingError(
                    f"Expected {name} {expected} on {platform.node()}, as where the search runs. "
                    f"Received: {value}"
                )
