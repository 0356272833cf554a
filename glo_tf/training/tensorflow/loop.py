"""The compiled part of a training: many steps in one `tf.function`, with or without XLA."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from glo_tf.data.output_weights import column_shares
from glo_tf.data.outputs import Outputs
from glo_tf.expressions.leaves import Surroundings
from glo_tf.expressions.seen_by_loss import seen_by_loss
from glo_tf.training import early_stopping
from glo_tf.training.tensorflow.resident_data import ResidentData
from glo_tf.utils.seeding import seeded

TermsAndSlopes = Callable[..., tuple[tf.Tensor, tf.Tensor]]
"""`f(y_true, y_pred, *arguments, log_y=None)`: the loss's terms and their derivatives d/dy.

Where it sees them it takes `surroundings`, too. Both results are `(batch, W)`. With a
`LogPrediction` for models that give logits, derivatives are as it says.
"""

Steps = Callable[..., tuple[tf.Tensor, tf.Tensor]]
"""`steps(batches, start, end, *arguments)`: the step reached; whether all losses were finite."""


class TrainingLoop:
    """Trains the variables of one model, and measures it, in compiled functions.

    Args:
        model: Built model.
        outputs: What its outputs are.
        optimizer: Built for the model's variables.
        train_data: Where batches are gathered from.
        validation_data: What the fitness is measured on; its labels are not needed.
        train_steps: Of a whole training, of which shorter ones are the beginning.
        jit_compile: Whether XLA compiles the training.
    """

    def __init__(
        self,
        model: keras.Model,
        outputs: Outputs,
        optimizer: keras.Optimizer,
        train_data: ResidentData,
        validation_data: ResidentData,
        *,
        train_steps: int,
        jit_compile: bool,
    ):
        self._train_steps = train_steps
        self._model = model
        self._outputs = outputs
        self._optimizer = _without_replicas(optimizer)
        self._train_data = train_data
        self._validation_data = validation_data
        self._batch = outputs.samples_at_once
        self._jit_compile = jit_compile
        self._predict: dict[ResidentData, Callable[[], Any]] = {}

    @property
    def variables(self) -> list[keras.Variable]:
        """All state of a training: weights, statistics, dropout seeds, optimizer slots."""
        return [*self._model.variables, *self._optimizer.variables]

    def restore(self, values: list[tf.Tensor]) -> None:
        """Gives all `variables` these values."""
        self._restore(values)

    def compile(
        self,
        loss: TermsAndSlopes,
        batches: tf.TensorSpec,
        *arguments: tf.TensorSpec,
        sees: bool = False,
    ) -> Steps:
        """The training with one kind of loss, traced for the given signature.

        Args:
            loss: Terms and slopes of the loss.
            batches: Of the sample indices, int32 `(train_steps, batch_size)`.
            *arguments: Of what else the loss takes.
            sees: Whether the loss sees its surroundings.
        """

        def steps(
            batches: tf.Tensor, start: tf.Tensor, end: tf.Tensor, *arguments: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor]:
            def unfinished(step: tf.Tensor, finite: tf.Tensor) -> tf.Tensor:
                return finite & (step < end)

            def train_step(step: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                # By tf.gather: XLA would compile a slice anew for each start.
                batch = tf.gather(batches, step)
                around = self._surroundings(batch, step) if sees else None
                value = self._step(loss, batch, arguments, around)
                return step + 1, tf.math.is_finite(value)

            reached, finite = tf.while_loop(unfinished, train_step, (start, tf.constant(True)))
            return reached, finite

        function = tf.function(steps, autograph=False, jit_compile=self._jit_compile or None)
        scalar = tf.TensorSpec([], tf.int32)
        with seeded(0):  # for what draws from TensorFlow's generator
            compiled: Steps = function.get_concrete_function(batches, scalar, scalar, *arguments)
        return compiled

    def _surroundings(self, batch: tf.Tensor, step: tf.Tensor) -> Surroundings:
        """What a loss may see beside labels and predictions."""
        weights, frequencies = self._train_data.weights, self._outputs.frequencies
        return Surroundings(
            frequencies=None if frequencies is None else tf.constant(frequencies, tf.float32),
            progress=tf.cast(step, tf.float32) / self._train_steps,
            weights=tf.constant(1.0) if weights is None else tf.gather(weights, batch),
            classes=tf.constant(self._outputs.classes, tf.float32),
        )

    def _step(
        self,
        loss: TermsAndSlopes,
        batch: tf.Tensor,
        arguments: tuple[tf.Tensor, ...],
        around: Surroundings | None,
    ) -> tf.Tensor:
        samples, labels = self._train_data.rows(batch)
        with tf.GradientTape() as tape:
            scores = self._outputs.scores(self._model(samples, training=True))
            penalties = list(self._model.losses)
        seen = seen_by_loss(self._outputs, keras.ops, scores)
        more = {} if around is None else {"surroundings": around}
        terms, slopes = loss(labels, seen.y, *arguments, log_y=seen.log_y, **more)
        if self._train_data.weights is not None:
            terms, slopes = _weighted(tf.gather(self._train_data.weights, batch), terms, slopes)
        valid = self._train_data.valid
        shares = column_shares(self._outputs, None if valid is None else tf.gather(valid, batch))
        if shares is not None:
            terms, slopes = terms * shares, slopes * shares
        value = tf.reduce_mean(tf.reduce_sum(terms, axis=-1))
        scale = self._optimizer.scale_loss(tf.constant(1.0))
        share = scale / tf.cast(tf.shape(labels)[0], tf.float32)
        variables = self._model.trainable_variables
        gradients = tape.gradient(
            [scores, *penalties],
            variables,
            output_gradients=[
                tf.where(seen.inside, slopes, 0.0) * share,
                *(tf.cast(scale, penalty.dtype) for penalty in penalties),
            ],
        )
        self._optimizer.apply(gradients, variables)
        return tf.add_n([value, *(tf.cast(penalty, tf.float32) for penalty in penalties)])

    def finish(self) -> None:
        """What the optimizer does after the last step, such as setting averaged weights."""
        self._optimizer.finalize_variable_values(self._model.trainable_variables)

    def predict(self, data: ResidentData) -> tuple[tf.Tensor, tf.Tensor]:
        """Predictions for data, `(N, W)`, and whether all weights are finite."""
        if data not in self._predict:
            self._predict[data] = _traced(functools.partial(self._predicted, data))
        found: tuple[tf.Tensor, tf.Tensor] = self._predict[data]()
        return found

    def look(self) -> tf.Tensor:
        """Predictions `(N, W)` for some validation samples, see `early_stopping.looked_at`."""
        return self._look()

    def _predicted(self, data: ResidentData) -> tuple[tf.Tensor, tf.Tensor]:
        samples = len(data)
        batches = -(-samples // self._batch)
        found = tf.TensorArray(
            tf.float32, batches, infer_shape=False, element_shape=[None, self._outputs.width]
        )

        def add_batch(batch: tf.Tensor, found: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            start = batch * self._batch
            end = tf.minimum(start + self._batch, samples)
            part = keras.tree.map_structure(lambda array: array[start:end], data.samples)
            columns = self._outputs.columns(self._model(part, training=False))
            return batch + 1, found.write(batch, columns)

        _, found = tf.while_loop(
            lambda batch, _: batch < batches, add_batch, (tf.constant(0), found)
        )
        looks = [tf.reduce_all(tf.math.is_finite(w)) for w in self._model.trainable_variables]
        return found.concat(), tf.reduce_all(tf.stack(looks))

    @functools.cached_property
    def _look(self) -> Callable[[], tf.Tensor]:
        return _traced(self._looked)

    def _looked(self) -> tf.Tensor:
        data = self._validation_data
        part = early_stopping.looked_at(len(data), self._outputs.samples_at_once)
        samples = keras.tree.map_structure(lambda array: array[part], data.samples)
        return self._outputs.columns(self._model(samples, training=False))

    @functools.cached_property
    def _restore(self) -> Callable[[list[tf.Tensor]], None]:
        held = [tf.TensorSpec(variable.shape, variable.dtype) for variable in self.variables]
        return _traced(self._assign, held)

    def _assign(self, values: list[tf.Tensor]) -> None:
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)


def _traced(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """A compiled function; that each of many loops has its own is nothing to warn of."""
    with seeded(0):  # for what draws from TensorFlow's generator
        compiled: Callable[..., Any] = tf.function(function, autograph=False).get_concrete_function(
            *arguments
        )
    return compiled


def _weighted(weights: tf.Tensor, *parts: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Parts times weights; what has the weight 0 is 0, finite or not."""
    return tuple(tf.where(weights > 0.0, part * weights, 0.0) for part in parts)


def _without_replicas(optimizer: keras.Optimizer) -> keras.Optimizer:
    """The same optimizer, which does not sum its gradients over replicas: there is one.

    Keras does it by a custom gradient, even then, and TensorFlow keeps every custom gradient, with
    the traced training that it is part of, until the process ends.
    """
    for part in (optimizer, getattr(optimizer, "inner_optimizer", None)):
        if part is not None:
            part._all_reduce_sum_gradients = lambda pairs: pairs
    return optimizer
