"""Tells losses how far a training with `keras.Model.fit` is."""

from __future__ import annotations

from typing import Any

import keras

from glo_tf.errors import InvalidArgumentError
from glo_tf.losses.expression_loss import ExpressionLoss


class TrainingProgress(keras.callbacks.Callback):
    """Sets the progress t that losses see, at every step, from 0 at the first to 1 at the end.

    For `keras.Model.fit`, on all backends; where several steps are one execution, t is that of the
    first of them. Afterwards t stays 1, for measurements and for trainings without this callback. A
    loop of one's own calls `loss.set_progress(t)` instead, outside of what is compiled.

    Args:
        steps: Of the whole training; `epochs` times the batches of an epoch if None, which has to
            be given where Keras does not know these, as of a generator.

    Raises:
        ValueError: In `fit`, if the number of steps, or of those before an `initial_epoch`, is not
            known, or the model was not compiled with a loss that sees t.

    Example:
        >>> import keras, numpy as np
        >>> import glo_tf
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "softmax")])
        >>> annealed = glo_tf.ExpressionLoss("-(x*log(y) + t*x*y)")
        >>> model.compile("sgd", annealed)
        >>> _ = model.fit(np.ones((8, 2)), np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]], verbose=0,
        ...               callbacks=[glo_tf.TrainingProgress()])
        >>> annealed.progress
        1.0
    """

    def __init__(self, steps: int | None = None):
        super().__init__()
        if steps is not None and (type(steps) is not int or steps < 1):
            raise InvalidArgumentError(
                f"Expected steps as a number of at least 1. Received: steps={steps!r}"
            )
        self.steps = steps
        self._losses: list[ExpressionLoss] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Finds the losses of the model."""
        self._losses = [
            loss
            for loss in keras.tree.flatten(self.model.loss)
            if isinstance(loss, ExpressionLoss) and loss.sees_progress
        ]
        if not self._losses:
            raise InvalidArgumentError(
                "Expected a model that was compiled with a loss that sees t, such as "
                f"glo_tf.ExpressionLoss('-(t*x*log(y))'). Received: loss={self.model.loss}"
            )
        self._of_epoch: int | None = self.params.get("steps")
        if self.steps is None and not self._of_epoch:
            raise InvalidArgumentError(
                "Expected TrainingProgress(steps=...) where the number of batches in an epoch is "
                "not known. Received: steps=None"
            )
        self._total = self.steps or self.params["epochs"] * self._of_epoch
        self._done = self._last = 0
        self._set(0.0)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """A training may begin with a later epoch."""
        if self._of_epoch:
            self._done = epoch * self._of_epoch
        elif epoch and not self._done:
            raise InvalidArgumentError(
                "Expected fit(..., steps_per_epoch=...) where a training begins with a later epoch "
                "and the number of batches in an epoch is not known, as t would begin from 0. "
                f"Received: initial_epoch={epoch}"
            )

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before each step."""
        self._set(min(1.0, (self._done + batch) / self._total))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts what an epoch of unknown length has had."""
        self._last = batch + 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Where epochs have unknown lengths, they add up."""
        if not self._of_epoch:
            self._done += self._last

    def on_train_end(self, logs: Any = None) -> None:
        """What was trained is measured as at the end."""
        self._set(1.0)

    def _set(self, progress: float) -> None:
        for loss in self._losses:
            loss.set_progress(progress)
