"""What need not be trained twice: losses that train a network alike.

Two losses whose gradients with respect to the logits agree for every label and prediction give
every network the same training, however different their trees look: a constant or a function of x
alone adds nothing, and log(y) and log(2*y) differ by a constant.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from glo_tf.evaluation import evaluate
from glo_tf.expression import Expression

_CLASSES, _SAMPLES = 10, 16
_TOLERANCE = 1e-9  # relative to the largest slope of the sample; float64 leaves about 1e-13


@functools.lru_cache(maxsize=256)  # a finalist is held against many
def logit_gradients(loss: Expression) -> np.ndarray:
    """Gradients of a loss with respect to the logits of a fixed set of softmax outputs.

    Args:
        loss: Term of one class; terms are summed over the classes.

    Returns:
        float64 `(samples, classes)`, read-only; not finite where the loss has no slope.
    """
    with np.errstate(all="ignore"):
        x, y = _Dual(_X, np.zeros_like(_X)), _Dual(_Y, np.ones_like(_Y))
        slope = evaluate(loss, x, y, ops=_DualOps).slope
        weighted = slope * _Y
        gradients = np.asarray(weighted - _Y * weighted.sum(axis=-1, keepdims=True))
    gradients.flags.writeable = False
    return gradients


def trains_alike(one: Expression, other: Expression) -> bool:
    """Whether two losses have the same gradients on the fixed set, up to rounding."""
    left, right = logit_gradients(one), logit_gradients(other)
    if not np.array_equal(np.isfinite(left), np.isfinite(right)):
        return False
    left, right = (np.nan_to_num(array, nan=0.0, posinf=0.0, neginf=0.0) for array in (left, right))
    scale = np.abs(left).max(axis=-1, keepdims=True)
    return bool((np.abs(left - right) <= _TOLERANCE * scale).all())


def _probe() -> tuple[np.ndarray, np.ndarray]:
    """One-hot labels and predictions, from undecided to sure, right and wrong."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(_SAMPLES, _CLASSES)) * np.linspace(0.2, 3.0, _SAMPLES)[:, None]
    exponentials = np.exp(logits)
    labels = np.eye(_CLASSES)[np.arange(_SAMPLES) % _CLASSES]
    return labels, exponentials / exponentials.sum(axis=-1, keepdims=True)


_X, _Y = _probe()


@dataclasses.dataclass(frozen=True)
class _Dual:
    """A value and its derivative with respect to y."""

    value: np.ndarray
    slope: np.ndarray

    def __add__(self, other: _Dual) -> _Dual:
        return _Dual(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other: _Dual) -> _Dual:
        return _Dual(self.value - other.value, self.slope - other.slope)

    def __mul__(self, other: _Dual | float) -> _Dual:
        if isinstance(other, float):
            return _Dual(self.value * other, self.slope * other)
        slope = self.slope * other.value + self.value * other.slope
        return _Dual(self.value * other.value, slope)

    def __truediv__(self, other: _Dual) -> _Dual:
        quotient = self.value / other.value
        return _Dual(quotient, (self.slope - quotient * other.slope) / other.value)


class _DualOps:
    """The functions of the grammar on `_Dual`, as `evaluate` asks for them."""

    @staticmethod
    def full_like(like: _Dual, value: Any) -> _Dual:
        return _Dual(np.full_like(like.value, value), np.zeros_like(like.value))

    @staticmethod
    def log(a: _Dual) -> _Dual:
        return _Dual(np.log(a.value), a.slope / a.value)

    @staticmethod
    def square(a: _Dual) -> _Dual:
        return a * a

    @staticmethod
    def sqrt(a: _Dual) -> _Dual:
        root = np.sqrt(a.value)
        return _Dual(root, a.slope / (2.0 * root))

    @staticmethod
    def exp(a: _Dual) -> _Dual:
        value = np.exp(a.value)
        return _Dual(value, value * a.slope)

    @staticmethod
    def sin(a: _Dual) -> _Dual:
        return _Dual(np.sin(a.value), np.cos(a.value) * a.slope)

    @staticmethod
    def cos(a: _Dual) -> _Dual:
        return _Dual(np.cos(a.value), -np.sin(a.value) * a.slope)
