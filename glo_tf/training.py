"""The candidate trainer: a whole shortened training inside one compiled `tf.function`."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from glo_tf.expression import Expression
from glo_tf.fitness import NON_FINITE, OK, Evaluation
from glo_tf.resident_data import ResidentData
from glo_tf.translate import Translation

_WEIGHT_CHECK_INTERVAL = 100  # steps between looks at the weights; the loss is looked at each step
_VALIDATION_BATCH = 500  # samples; bounds the memory of a validation pass


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
    ):
        _check_sizes(train_steps, batch_size, len(train_data[0]), epsilon)
        self._build_model = model
        self._optimizer_config = keras.optimizers.serialize(keras.optimizers.get(optimizer))
        self.train_steps = train_steps
        self.batch_size = batch_size
        self.epsilon = epsilon
        self._sample_shape = (1, *train_data[0].shape[1:])
        self._model, self._optimizer = self._build(seed=0)
        classes = _number_of_classes(self._model, self._sample_shape)
        self._train_data = ResidentData.place("train_data", train_data, classes)
        self._validation_data = ResidentData.place("validation_data", validation_data, classes)
        self._initial: dict[int, list[np.ndarray]] = {}
        self._compiled: tuple[Expression, Callable[..., Any]] | None = None
        self._interrupted = tf.Variable(False, trainable=False)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="training")

    @property
    def learning_rate(self) -> float | None:
        """The optimizer's learning rate; None where a schedule sets it."""
        rate = self._optimizer_config["config"].get("learning_rate")
        # Keras stores it as float32: 0.01 comes back as 0.009999999776482582.
        return float(str(np.float32(rate))) if isinstance(rate, int | float) else None

    def evaluate(
        self, loss: Expression, *, seed: int, learning_rate: float | None = None
    ) -> Evaluation:
        """Trains a network with `loss` and returns its validation accuracy.

        Args:
            loss: Whole loss per class, summed over classes and averaged over the batch.
            seed: Non-negative seed of everything random in the training.
            learning_rate: Replaces the optimizer's own.

        Returns:
            The evaluation; a pure function of the arguments (up to `seconds`).
        """
        started = time.perf_counter()
        self._reset(seed, learning_rate)
        train = self._train_function(loss)
        coefficients = tf.constant(loss.coefficients, tf.float32)
        steps, finite = self._run(train, coefficients, self._batches(seed))
        fitness = float(self._accuracy()) if finite else 0.0
        return Evaluation(
            loss=loss,
            seed=seed,
            fitness=fitness,
            status=OK if finite else NON_FINITE,
            steps=int(steps),
            seconds=time.perf_counter() - started,
        )

    def _run(self, train: Callable[..., Any], *arguments: tf.Tensor) -> Any:
        """Runs the compiled training so that Ctrl-C ends it at its next step.

        Python delivers a signal only between byte codes, and a training is one call. So it runs in
        a thread; everything that Keras keeps per thread (dtype policy, say) was read when tracing.
        """
        self._interrupted.assign(False)
        training = self._thread.submit(train, *arguments)
        try:
            return training.result()
        except BaseException:
            self._interrupted.assign(True)
            wait([training])
            raise

    def _build(self, seed: int) -> tuple[keras.Model, keras.Optimizer]:
        with _seeded(seed):
            model = self._build_model()
            # A subclassed model has no weights before its first call.
            model(np.zeros(self._sample_shape, np.float32))
        optimizer = keras.optimizers.deserialize(self._optimizer_config)
        optimizer.build(model.trainable_variables)
        return model, optimizer

    def _reset(self, seed: int, learning_rate: float | None) -> None:
        if seed not in self._initial:
            fresh = _variables(*self._build(seed))
            self._initial[seed] = [np.copy(variable.numpy()) for variable in fresh]
        for variable, value in zip(
            _variables(self._model, self._optimizer), self._initial[seed], strict=True
        ):
            variable.assign(value)
        if learning_rate is not None:
            self._optimizer.learning_rate = learning_rate

    def _batches(self, seed: int) -> tf.Tensor:
        """Sample indices of every step, shape `(train_steps, batch_size)`, epoch by epoch."""
        rng = np.random.default_rng(seed)
        samples = len(self._train_data)
        epochs = -(-self.train_steps * self.batch_size // samples)
        order = np.concatenate([rng.permutation(samples) for _ in range(epochs)])
        used = order[: self.train_steps * self.batch_size].astype(np.int32)
        return tf.constant(used.reshape(self.train_steps, self.batch_size))

    def _train_function(self, loss: Expression) -> Callable[..., Any]:
        """The compiled training for this tree; other coefficients of the same tree share it."""
        if self._compiled is None or self._compiled[0].nodes != loss.nodes:
            translation = Translation(loss)

            def train(coefficients: tf.Tensor, batches: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                return self._train(translation, coefficients, batches)

            compiled = tf.function(train, autograph=False).get_concrete_function(
                tf.TensorSpec([loss.size], tf.float32),
                tf.TensorSpec([self.train_steps, self.batch_size], tf.int32),
            )
            self._compiled = loss, compiled
        return self._compiled[1]

    def _train(
        self, translation: Translation, coefficients: tf.Tensor, batches: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        last = self.train_steps - 1

        def unfinished(step: tf.Tensor, finite: tf.Tensor) -> tf.Tensor:
            return finite & (step <= last) & ~self._interrupted

        def train_step(step: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            finite = tf.math.is_finite(self._step(translation, coefficients, batches[step]))
            look = (step % _WEIGHT_CHECK_INTERVAL == _WEIGHT_CHECK_INTERVAL - 1) | (step == last)
            return step + 1, tf.cond(
                look, lambda: finite & self._weights_are_finite(), lambda: finite
            )

        start = tf.constant(0), tf.constant(True)
        steps, finite = tf.while_loop(unfinished, train_step, start)
        self._optimizer.finalize_variable_values(self._model.trainable_variables)
        return steps, finite

    def _step(
        self, translation: Translation, coefficients: tf.Tensor, batch: tf.Tensor
    ) -> tf.Tensor:
        samples, labels = self._train_data.rows(batch)
        with tf.GradientTape() as tape:
            predictions = tf.cast(self._model(samples, training=True), tf.float32)
            clipped = tf.clip_by_value(predictions, self.epsilon, 1.0)
            terms = translation(labels, clipped, coefficients)
            loss = tf.reduce_mean(tf.reduce_sum(terms, axis=-1))
            total = tf.add_n([loss, *self._model.losses])
            scaled = self._optimizer.scale_loss(total)
        variables = self._model.trainable_variables
        self._optimizer.apply(tape.gradient(scaled, variables), variables)
        return total

    def _weights_are_finite(self) -> tf.Tensor:
        looks = [tf.reduce_all(tf.math.is_finite(w)) for w in self._model.trainable_variables]
        return tf.reduce_all(tf.stack(looks))

    @tf.function(autograph=False)
    def _accuracy(self) -> tf.Tensor:
        samples, labels = self._validation_data.samples, self._validation_data.labels
        count = len(self._validation_data)

        def add_batch(start: tf.Tensor, correct: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            end = start + _VALIDATION_BATCH
            predicted = tf.argmax(self._model(samples[start:end], training=False), axis=-1)
            hits = tf.cast(predicted == tf.argmax(labels[start:end], axis=-1), tf.int32)
            return end, correct + tf.reduce_sum(hits)

        start = tf.constant(0), tf.constant(0)
        _, correct = tf.while_loop(lambda start, _: start < count, add_batch, start)
        return correct / count


def _variables(model: keras.Model, optimizer: keras.Optimizer) -> list[keras.Variable]:
    return [*model.variables, *optimizer.variables]


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
