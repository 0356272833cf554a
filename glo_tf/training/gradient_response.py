"""How an optimizer's steps answer to gradients that are all larger, or all smaller."""

from __future__ import annotations

import enum
from collections.abc import Callable

import keras
import numpy as np

_FACTOR = 8.0  # a power of two, which rounds nothing
_GRADIENTS = np.array([[0.02, 1.0, -30.0], [-0.05, 0.5, 10.0], [0.02, -2.0, 0.1]])
_WEIGHTS = np.array([100.0, -10.0, 1.0])  # large beside their steps, so that weight decay shows
_TOLERANCE = 1e-2


class GradientResponse(enum.StrEnum):
    """What becomes of an optimizer's steps when all gradients are multiplied by a number.

    Attributes:
        PROPORTIONAL: They are multiplied, too, as those of SGD are: a loss times a number at the
            rate divided by it trains as the loss does.
        INDEPENDENT: They stay what they are, as those of Adam do: a loss times a number trains at
            the same rate as the loss does.
        OTHER: Neither, as with weight decay beside SGD, clipping, or a large epsilon.
    """

    PROPORTIONAL = "proportional"
    INDEPENDENT = "independent"
    OTHER = "other"


def gradient_response(make: Callable[[float], keras.Optimizer], rate: float) -> GradientResponse:
    """Tries an optimizer on three weights, with gradients of several magnitudes.

    Args:
        make: Makes a new one with a learning rate.
        rate: Where it is tried.
    """
    known = _moved(make(rate), _GRADIENTS)
    if _alike(known, _moved(make(rate), _GRADIENTS / _FACTOR)):
        return GradientResponse.INDEPENDENT
    if _alike(known, _moved(make(rate * _FACTOR), _GRADIENTS / _FACTOR)):
        return GradientResponse.PROPORTIONAL
    return GradientResponse.OTHER


def _moved(optimizer: keras.Optimizer, gradients: np.ndarray) -> np.ndarray:
    """How far each weight is from where it was, after each step."""
    with keras.device("cpu:0"):
        weights = [keras.Variable([start], dtype="float64") for start in _WEIGHTS]
        moved: list[list[float]] = []
        for of_step in gradients:
            found = [keras.ops.convert_to_tensor([each], dtype="float64") for each in of_step]
            optimizer.apply(found, weights)
            moved.append([float(np.asarray(weight)[0]) for weight in weights])
    away: np.ndarray = np.array(moved) - _WEIGHTS
    return away


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Weight by weight, as each has gradients of its own magnitude."""
    apart, size = np.abs(one - other).max(axis=0), np.abs(one).max(axis=0)
    return bool(np.isfinite(one).all() and ((apart <= _TOLERANCE * size) & (size > 0.0)).all())
