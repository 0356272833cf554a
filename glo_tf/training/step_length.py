"""How an optimizer's steps grow with the gradient, measured on the optimizer itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
from keras.optimizers import schedules

_SHAPE = (8, 8)
_STEPS = 6
_RANGE = 100.0
"""Factor of gradients up to which, and down to whose inverse, steps have to stay the same."""

_SAME = 0.01  # of the way; less than seeds make


@dataclasses.dataclass(frozen=True)
class StepLength:
    """What becomes of a step when all gradients are multiplied.

    Attributes:
        exponent: A gradient c times as long makes a step c ** exponent times as long: 1 for plain
            gradient descent, 0 where steps are normalised, as Adam's are; between them in any case.
        exact: Whether a training with gradients c times as long, at the learning rate divided by
            c ** exponent, is the same training. Clipped gradients and weight decay stand against
            it.
    """

    exponent: float
    exact: bool


def measure_step_length(make: Callable[[], keras.Optimizer]) -> StepLength:
    """Lets new optimizers take a few steps with gradients of several lengths.

    Args:
        make: Makes one. Its learning rate is set to a number here, whatever it was.
    """
    with keras.device("cpu:0"):
        return _measured(make)


def _measured(make: Callable[[], keras.Optimizer]) -> StepLength:
    plain = _way(make, 1.0, 1.0)
    longer = _way(make, 10.0, 1.0)
    lengths = [float(np.linalg.norm(way)) for way in (longer, plain)]
    if not (np.isfinite(lengths).all() and min(lengths) > 0.0):
        return StepLength(1.0, exact=False)
    exponent = round(min(max(float(np.log10(lengths[0] / lengths[1])), 0.0), 1.0), 3)
    exact = all(
        np.linalg.norm(_way(make, factor, factor**-exponent) - plain) <= _SAME * lengths[1]
        for factor in (_RANGE, 1.0 / _RANGE)
    )
    return StepLength(exponent, exact)


def _way(make: Callable[[], keras.Optimizer], factor: float, rate: float) -> np.ndarray:
    """The weights after each step less those at the start, `(steps, *shape)`."""
    rng = np.random.default_rng(0)
    start = rng.standard_normal(_SHAPE).astype(np.float32)
    weights = keras.Variable(start)
    optimizer = make()
    optimizer.build([weights])
    rate *= _RATE
    optimizer.learning_rate = schedules.PiecewiseConstantDecay([1], [rate, rate])
    taken = []
    for _ in range(_STEPS * (optimizer.gradient_accumulation_steps or 1)):
        gradient = factor * rng.standard_normal(_SHAPE) / np.sqrt(np.prod(_SHAPE))
        gradient = optimizer.scale_loss(keras.ops.convert_to_tensor(gradient, "float32"))
        optimizer.apply([gradient], [weights])
        taken.append(np.asarray(weights) - start)
    return np.stack(taken)


_RATE = 0.01
