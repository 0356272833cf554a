"""Frequencies of classes, as losses are given them: counts of labels, or shares."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from glo_tf.data.array_forms import is_pandas
from glo_tf.data.outputs import Activation
from glo_tf.errors import InvalidArgumentError, shown


def checked_frequencies(given: Any, activation: Activation) -> tuple[float, ...] | None:
    """Frequencies of classes of which some may be without training data.

    Args:
        given: Counts or shares of classes; shares of labels of their own; None for none.
        activation: Of the loss.

    Raises:
        ValueError: If they are no such numbers.
    """
    if given is None:
        return None
    found = _numbers(given)
    of_labels = activation == Activation.SIGMOID
    fine = found.size >= 1 and found.min() >= 0.0
    if fine and of_labels:
        fine = bool(found.max() <= 1.0)
    if not fine or activation == Activation.LINEAR or not (of_labels or found.sum() > 0.0):
        what = {
            Activation.SOFTMAX: "numbers of at least 0, one for each class",
            Activation.SIGMOID: "shares from 0 to 1, one for each label",
            Activation.LINEAR: "None, as numbers have none",
        }[activation]
        raise InvalidArgumentError(
            f"Expected frequencies as {what}. Received: frequencies={shown(given)}"
        )
    return tuple(found.tolist())


def checked_positive(given: Any) -> tuple[float, ...]:
    """Frequencies of at least two classes, each of which has training data.

    Raises:
        ValueError: If they are no such numbers.
    """
    found = _numbers(given)
    if len(found) < 2 or found.min() <= 0.0:
        raise InvalidArgumentError(
            "Expected frequencies as positive numbers, one for each class. "
            f"Received: frequencies={shown(given)}"
        )
    return tuple(found.tolist())


def _numbers(given: Any) -> np.ndarray:
    """Finite float64 numbers `(C,)`; none if that is not what they are.

    Raises:
        ValueError: If they are a `pandas.Series` in another order than that of the classes.
    """
    if is_pandas(given) and list(getattr(given, "index", [])) != list(range(len(given))):
        raise InvalidArgumentError(
            "Expected frequencies as an array in the order of the classes, or with the index 0, 1, "
            "... of all of them, as value_counts().sort_index() of class indices has it. "
            f"Received: frequencies with the index {shown(list(given.index))}"
        )
    try:
        found = np.asarray(given)
        numeric = found.dtype.kind in "iuf" or (
            found.dtype.kind == "O" and all(_is_number(each) for each in found.flat)
        )
        found = found.astype(float) if numeric else np.empty(0)
    except (TypeError, ValueError, OverflowError):
        return np.empty(0)
    return found if found.ndim == 1 and np.isfinite(found).all() else np.empty(0)


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
