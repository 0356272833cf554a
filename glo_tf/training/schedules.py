"""Learning rates of trainings: a number or a schedule, its decay, and a candidate's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
from keras.optimizers import schedules
from keras.optimizers.schedules import LearningRateSchedule

from glo_tf.identity.stable_id import stable_id
from glo_tf.training.config import Decay
from glo_tf.training.optimizers import Configured, Given, understand


def at_rate(optimizer: Given, rate: float, train_steps: int) -> Given:
    """An optimizer with another learning rate, of a schedule its peak.

    Args:
        optimizer: What a user gave; it is left as it is.
        rate: Positive.
        train_steps: Over which a schedule has its peak.

    Raises:
        ValueError: If it is no optimizer that can be had anew.
    """
    understood = understand(optimizer, train_steps)
    made = AtRate(understood.make, rate, understood.learning_rate)
    return made() if isinstance(understood.make, Configured) else made


@stable_id("AtRate")
@dataclasses.dataclass(frozen=True)
class AtRate:
    """Makes optimizers at another learning rate.

    Attributes:
        make: Makes them at their own.
        rate: The other one.
        peak: Their own, of a schedule the largest.
    """

    make: Callable[[], keras.Optimizer]
    rate: float
    peak: float

    def __call__(self) -> keras.Optimizer:
        """A new optimizer."""
        made = self.make()
        own = _learning_rate_of(made)
        made.learning_rate = (
            self.rate if isinstance(own, keras.Variable) else Multiplied(own, self.rate / self.peak)
        )
        return made


def as_trained(
    make: Callable[[], keras.Optimizer], rate: float, peak: float, decay: Decay, train_steps: int
) -> keras.Optimizer:
    """A new optimizer with the learning rates that a training has, step by step.

    Args:
        make: Makes one at its own rate.
        rate: Of the training; where a schedule has its peak, and a decay begins.
        peak: The optimizer's own, of a schedule the largest.
        decay: Of all trainings.
        train_steps: Of the training; the decay ends there.
    """
    made = make() if rate == peak else AtRate(make, rate, peak)()
    own = _learning_rate_of(made)
    is_number = isinstance(own, keras.Variable)
    falling = _falling(decay, train_steps, rate if is_number else 1.0)
    if falling is not None:
        made.learning_rate = falling if is_number else Multiplied(own, falling)
    return made


@stable_id("Multiplied")
@keras.saving.register_keras_serializable(package="glo_tf")
class Multiplied(LearningRateSchedule):
    """A schedule times a number, or times another.

    Args:
        schedule: From steps to rates.
        factor: Of all of them, or of each step.
    """

    def __init__(self, schedule: LearningRateSchedule, factor: float | LearningRateSchedule):
        self.schedule = schedule
        self.factor = factor

    def __call__(self, step: Any) -> Any:
        """The rate of a step."""
        factor = self.factor
        return (factor(step) if callable(factor) else factor) * self.schedule(step)

    def get_config(self) -> dict[str, Any]:
        """As Keras asks for it."""
        factor = self.factor
        return {
            "schedule": schedules.serialize(self.schedule),
            "factor": schedules.serialize(factor) if callable(factor) else factor,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Multiplied:
        """As Keras asks for it."""
        factor = config["factor"]
        return cls(
            schedules.deserialize(config["schedule"]),
            schedules.deserialize(factor) if isinstance(factor, dict) else factor,
        )


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
        own = _learning_rate_of(optimizer)
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
        self.variable.assign(self.value(rate))

    @property
    def variable(self) -> keras.Variable:
        """What `set` sets: the optimizer's own, or one beside its variables."""
        if self._scaled is not None:
            return self._scaled.factor
        variable: keras.Variable = _learning_rate_of(self._optimizer)
        return variable

    def value(self, rate: float | None) -> float:
        """What `set` gives the variable."""
        if self._scaled is not None:
            return 1.0 if rate is None else rate / self._peak
        return self._peak if rate is None else rate


def _learning_rate_of(optimizer: keras.Optimizer) -> Any:
    """A variable or a schedule; `learning_rate` of a schedule is its value."""
    return getattr(optimizer, "inner_optimizer", optimizer)._learning_rate


def _falling(decay: Decay, train_steps: int, start: float = 1.0) -> LearningRateSchedule | None:
    """From `start` at step 0 to 0 at `train_steps`; None for no decay."""
    match decay:
        case Decay.NONE:
            return None
        case Decay.LINEAR:
            return schedules.PolynomialDecay(start, train_steps, end_learning_rate=0.0)
        case Decay.COSINE:
            return schedules.CosineDecay(start, train_steps)


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
