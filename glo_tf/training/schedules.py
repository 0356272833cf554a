"""Learning rates of trainings: a number or a schedule, its decay, and a candidate's own."""

from __future__ import annotations

from typing import Any

import keras
from keras.optimizers import schedules
from keras.optimizers.schedules import LearningRateSchedule

from glo_tf.training.config import Decay


class LearningRate:
    """The learning rate of one optimizer, which every training sets anew.

    A number is set as it is. A schedule is multiplied, so that its peak is what is asked for; so is
    the decay, which begins there.

    Args:
        optimizer: New, with a number or with a schedule of its own; its variables change.
        peak: The number, or the largest rate of the schedule.
        decay: Of all trainings.
        train_steps: Of a full training; a shorter one is its beginning.
    """

    def __init__(self, optimizer: keras.Optimizer, peak: float, decay: Decay, train_steps: int):
        self._optimizer = optimizer
        self._peak = peak
        self._scaled: _Scaled | None = None
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        own = inner._learning_rate  # `learning_rate` of a schedule is its value
        falling = _falling(decay, train_steps)
        if falling is not None or not isinstance(own, keras.Variable):
            base = peak if isinstance(own, keras.Variable) else own
            self._scaled = _Scaled(base, falling)
            optimizer.learning_rate = self._scaled

    def set(self, rate: float | None) -> None:
        """Sets the rate of a training that begins or goes on.

        Args:
            rate: Positive; None for the optimizer's own.
        """
        if self._scaled is not None:
            self._scaled.factor.assign(1.0 if rate is None else rate / self._peak)
        elif rate is not None:
            self._optimizer.learning_rate = rate


def _falling(decay: Decay, train_steps: int) -> LearningRateSchedule | None:
    """From 1 at step 0 to 0 at `train_steps`; None for no decay."""
    match decay:
        case Decay.NONE:
            return None
        case Decay.LINEAR:
            return schedules.PolynomialDecay(1.0, train_steps, end_learning_rate=0.0)
        case Decay.COSINE:
            return schedules.CosineDecay(1.0, train_steps)


class _Scaled(LearningRateSchedule):
    """A rate times a decay times a factor, which compiled trainings heed as it is set."""

    def __init__(self, base: Any, decay: Any):
        self._base = base
        self._decay = decay
        self.factor = keras.Variable(1.0, trainable=False, dtype="float32")

    def __call__(self, step: Any) -> Any:
        rate = self._base
        if isinstance(rate, LearningRateSchedule):
            rate = rate(step)
        elif callable(rate):
            rate = rate()
        if self._decay is not None:
            rate = rate * self._decay(step)
        return rate * self.factor
