"""The candidate trainer: a whole shortened training in compiled functions, reused by the next."""

from __future__ import annotations

import contextlib
import functools
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from glo_tf import chance
from glo_tf.expression import Expression, Node
from glo_tf.fitness import NON_FINITE, OK, STOPPED, Evaluation
from glo_tf.program import Program, interpret
from glo_tf.resident_data import ResidentData
from glo_tf.training_loop import Steps, TrainingLoop, xla_pays
from glo_tf.translate import Translation

_CAPACITY = 64  # nodes of the largest tree that shares the first compilation
_SECONDS_PER_CALL = 0.2
_MOST_PAUSED = 32  # trainings whose state is held in memory


class CandidateTrainer:
    """Trains one network per candidate loss and measures its validation accuracy.

    Model and optimizer are built once. Every evaluation first resets all of their variables
    (weights, normalisation statistics, optimizer slots, dropout seeds) to the values that its seed
    gives, so a result depends on nothing but the arguments of `evaluate`. Layers that draw from
    TensorFlow's global generator instead of a `keras.random.SeedGenerator` escape this.

    Args:
        model: Function without arguments that returns a new `keras.Model` whose output is class
            probabilities of shape `(N, C)`. A compiled model's loss and optimizer are not used.
        optimizer: A Keras optimizer, its name or its configuration.
        train_data: Samples `(N, ...)` and labels, either int of shape `(N,)` or one-hot `(N, C)`.
        validation_data: The same, for the fitness.
        train_steps: Training steps per candidate.
        batch_size: Samples per step.
        epsilon: Predictions are clipped to `[epsilon, 1]` before the loss.
        jit_compile: Whether XLA compiles the training; None decides by `xla_pays`.

    Raises:
        ValueError: If sizes or shapes do not fit.
    """

    def __init__(
        self,
        model: Callable[[], keras.Model],
        optimizer: keras.Optimizer | str | dict[str, Any],
        train_data: tuple[np.ndarray, np.ndarray],
        validation_data: tuple[np.ndarray, np.ndarray],
        *,
        train_steps: int,
        batch_size: int,
        epsilon: float = 1e-7,
        jit_compile: bool | None = None,
    ):
        _check_sizes(train_steps, batch_size, len(train_data[0]), epsilon)
        self._build_model = model
        self._optimizer_config = keras.optimizers.serialize(keras.optimizers.get(optimizer))
        self.train_steps = train_steps
        self.batch_size = batch_size
        self.epsilon = epsilon
        self._sample_shape = (1, *train_data[0].shape[1:])
        self._model, self._optimizer = self._build(seed=0)
        self.num_classes = classes = _number_of_classes(self._model, self._sample_shape)
        self._train_data = ResidentData.place("train_data", train_data, classes)
        self._validation_data = ResidentData.place("validation_data", validation_data, classes)
        self.jit_compile = (
            xla_pays(self._model, self._sample_shape) if jit_compile is None else jit_compile
        )
        self._loop = TrainingLoop(
            self._model,
            self._optimizer,
            self._train_data,
            self._validation_data,
            epsilon=epsilon,
            jit_compile=self.jit_compile,
        )
        self._batches_spec = tf.TensorSpec([train_steps, batch_size], tf.int32)
        self._pace = 1  # steps per call
        self._paused: dict[tuple[Expression, int, float | None], tuple[int, list[tf.Tensor]]] = {}
        # Bounded: a comparison may take many seeds, and a long search many trees.
        self._initial = functools.lru_cache(maxsize=8)(self._initial_values)
        self._batches = functools.lru_cache(maxsize=8)(self._batch_indices)
        self._interpreter = functools.lru_cache(maxsize=2)(self._compile_interpreter)
        self._translator = functools.lru_cache(maxsize=2)(self._compile_translator)

    @property
    def learning_rate(self) -> float | None:
        """The optimizer's learning rate; None where a schedule sets it."""
        rate = self._optimizer_config["config"].get("learning_rate")
        # Keras stores it as float32: 0.01 comes back as 0.009999999776482582.
        return float(str(np.float32(rate))) if isinstance(rate, int | float) else None

    def evaluate(
        self,
        loss: Expression,
        *,
        seed: int,
        learning_rate: float | None = None,
        train_steps: int | None = None,
        stop_at_chance: bool = False,
    ) -> Evaluation:
        """Trains a network with `loss` and returns its validation accuracy.

        Args:
            loss: Whole loss per class, summed over classes and averaged over the batch. If no node
                but the root has a coefficient, it is interpreted, else translated.
            seed: Non-negative seed of everything random in the training.
            learning_rate: Replaces the optimizer's own.
            train_steps: Fewer steps than the trainer's own.
            stop_at_chance: Whether to end a training that still guesses after `chance.CHECK_AT` of
                its steps, if it has `chance.FEWEST_STEPS`.

        Returns:
            The evaluation; a pure function of the arguments (up to `seconds`).
        """
        started = time.perf_counter()
        total = self.train_steps if train_steps is None else min(train_steps, self.train_steps)
        key = loss, seed, learning_rate
        done, state = (0, None) if stop_at_chance else self._paused.pop(key, (0, None))
        if state is None or done > total:
            done, state = 0, self._initial(seed)
        self._loop.restore(state)
        if learning_rate is not None:
            self._optimizer.learning_rate = learning_rate
        steps, arguments = self._compiled(loss)
        arguments = (self._batches(seed), *arguments)
        status, fitness, finite = OK, 0.0, True
        if stop_at_chance and total >= chance.FEWEST_STEPS:
            look = int(chance.CHECK_AT * total)
            done, finite = self._advance(steps, arguments, done, look)
            if finite and self._loop.measure_area() <= chance.GUESSES_UP_TO:
                status = STOPPED
        if finite and status == OK:
            done, finite = self._advance(steps, arguments, done, total)
            if finite:
                if total < self.train_steps:
                    self._pause(key, done)
                self._loop.finish()
                accuracy, finite = self._loop.measure()
                fitness = float(accuracy)
        if not finite:
            status, fitness = NON_FINITE, 0.0
        return Evaluation(
            loss=loss,
            seed=seed,
            fitness=fitness,
            status=status,
            steps=done,
            seconds=time.perf_counter() - started,
        )

    def _advance(
        self, steps: Steps, arguments: tuple[tf.Tensor, ...], start: int, end: int
    ) -> tuple[int, tf.Tensor | bool]:
        """Trains up to `end`, in calls short enough for Ctrl-C, which Python sees between them."""
        batches, *others = arguments
        while start < end:
            goal = min(end, start + self._pace)
            began = time.perf_counter()
            reached, finite = steps(batches, tf.constant(start), tf.constant(goal), *others)
            done = int(reached) - start
            self._pace = max(1, int(_SECONDS_PER_CALL * done / (time.perf_counter() - began)))
            start += done
            if not finite:
                return start, False
        return start, True

    def _build(self, seed: int) -> tuple[keras.Model, keras.Optimizer]:
        with _seeded(seed):
            model = self._build_model()
            # A subclassed model has no weights before its first call.
            model(np.zeros(self._sample_shape, np.float32))
        optimizer = keras.optimizers.deserialize(self._optimizer_config)
        optimizer.build(model.trainable_variables)
        return model, optimizer

    def _pause(self, key: tuple[Expression, int, float | None], done: int) -> None:
        """Keeps the state of a shorter training, for a longer one to go on from."""
        self._paused[key] = done, [tf.identity(v.value) for v in self._loop.variables]
        if len(self._paused) > _MOST_PAUSED:
            self._paused.pop(next(iter(self._paused)))

    def _initial_values(self, seed: int) -> list[tf.Tensor]:
        model, optimizer = self._build(seed)
        return [tf.identity(v.value) for v in (*model.variables, *optimizer.variables)]

    def _batch_indices(self, seed: int) -> tf.Tensor:
        """Sample indices of every step, shape `(train_steps, batch_size)`, epoch by epoch."""
        rng = np.random.default_rng(seed)
        samples = len(self._train_data)
        epochs = -(-self.train_steps * self.batch_size // samples)
        order = np.concatenate([rng.permutation(samples) for _ in range(epochs)])
        used = order[: self.train_steps * self.batch_size].astype(np.int32)
        return tf.constant(used.reshape(self.train_steps, self.batch_size))

    def _compiled(self, loss: Expression) -> tuple[Steps, tuple[tf.Tensor, ...]]:
        """The compiled training that serves this loss, and what it takes beside the batches."""
        if any(factor != 1.0 for factor in loss.coefficients[1:]):
            coefficients = tf.constant(loss.coefficients, tf.float32)
            return self._translator(loss.nodes), (coefficients,)
        capacity = max(_CAPACITY, 1 << (loss.size - 1).bit_length())
        return self._interpreter(capacity), Program.of(loss, capacity=capacity).tensors()

    def _compile_interpreter(self, capacity: int) -> Steps:
        """Any tree of at most `capacity` nodes."""
        return self._loop.compile(
            interpret,
            self._batches_spec,
            tf.TensorSpec([capacity, 6], tf.int32),
            tf.TensorSpec([capacity, 3], tf.float32),
            tf.TensorSpec([], tf.int32),
        )

    def _compile_translator(self, nodes: tuple[Node, ...]) -> Steps:
        """One tree, with any coefficients."""
        translation = Translation(Expression(nodes))
        return self._loop.compile(
            translation.value_and_slope,
            self._batches_spec,
            tf.TensorSpec([len(nodes)], tf.float32),
        )


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


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seeds Python, NumPy and Keras, and gives Python and NumPy their states back."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
