"""Labels and predictions as a loss needs them: one x and one y per class."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any, TypeAlias

from keras import ops

from glo_tf.errors import InvalidArgumentError, shown

Numbers: TypeAlias = float | Sequence[float]
"""One for all units of an output, or one for each."""

_EXACT_INTEGERS = {"float16": 2**11, "bfloat16": 2**8}  # beyond, class indices lose digits


def full_precision(dtype: str) -> str:
    """The dtype to compute in: float32 for half precision, else `dtype` itself."""
    return "float32" if dtype in _EXACT_INTEGERS else dtype


def labels(
    y_true: Any, y_pred: Any, sparse: bool, smoothing: float, independent: bool = False
) -> Any:
    """Labels of every class.

    Args:
        y_true: One-hot labels or probabilities `(..., C)`, or class indices `(...)` or `(..., 1)`.
        y_pred: Predictions `(..., C)`; C of 1 stands for two classes.
        sparse: Whether `y_true` holds class indices; one that is no class makes its row NaN.
        smoothing: Label smoothing in [0, 1].
        independent: Whether they are labels of their own, of which each is there or not.

    Returns:
        Tensor `(..., max(C, 2))` of the dtype of `y_pred`.
    """
    classes = max(y_pred.shape[-1], 2)
    if sparse:
        indices = y_true if len(y_true.shape) < len(y_pred.shape) else y_true[..., 0]
        whole = ops.cast(indices, "int32")
        known = ops.logical_and(indices >= 0, indices < classes)
        known = ops.logical_and(known, ops.equal(ops.cast(whole, indices.dtype), indices))
        nothing = ops.cast(ops.where(known, 0.0, float("nan")), y_pred.dtype)
        one_hot = ops.one_hot(whole, classes, dtype=y_pred.dtype)
        x = one_hot + ops.expand_dims(nothing, -1)
    else:
        x = _both_classes(ops.cast(y_true, y_pred.dtype))
    return x + smoothing * (1.0 / (2 if independent else classes) - x) if smoothing else x


def probabilities(
    y_pred: Any, from_logits: bool, epsilon: float, independent: bool = False
) -> tuple[Any, Any]:
    """Probabilities y of every class, clipped to `[epsilon, 1]`, and log(y) if from logits.

    The logarithm is not clipped: it is the log-softmax itself, or the log-sigmoid of independent
    labels, which has a slope everywhere.
    """
    if not from_logits:
        return ops.clip(_both_classes(y_pred), epsilon, 1.0), None
    if y_pred.shape[-1] > 1:
        log_y = ops.log_sigmoid(y_pred) if independent else ops.log_softmax(y_pred, axis=-1)
    else:
        log_y = ops.concatenate([ops.log_sigmoid(-y_pred), ops.log_sigmoid(y_pred)], axis=-1)
    return ops.exp(ops.maximum(log_y, ops.log(ops.cast(epsilon, log_y.dtype)))), log_y


def _both_classes(second: Any) -> Any:
    return second if second.shape[-1] > 1 else ops.concatenate([1.0 - second, second], axis=-1)


def standardized(values: Any, mean: Numbers | None, deviation: Numbers | None) -> Any:
    """Numbers `(..., units)` in the units in which a loss sees them.

    Raises:
        ValueError: If there are other units than means.
    """
    if mean is None or deviation is None:
        return values
    if isinstance(mean, Sequence) and values.shape[-1] != len(mean):
        raise InvalidArgumentError(
            f"Expected {len(mean)} numbers a sample, as target_mean has. "
            f"Received: shape={tuple(values.shape)}"
        )
    mean, deviation = (ops.convert_to_tensor(part, values.dtype) for part in (mean, deviation))
    return (values - mean) / deviation


def checked_units(
    mean: Any, deviation: Any, *, of_numbers: bool
) -> tuple[Numbers | None, Numbers | None]:
    """Mean and deviation as numbers of Python.

    Raises:
        ValueError: If numbers cannot be standardised by them.
    """
    if mean is None and deviation is None:
        return None, None
    several = [isinstance(part, list | tuple) for part in (mean, deviation)]
    parts = [list(part) if isinstance(part, list | tuple) else [part] for part in (mean, deviation)]
    each = [number for part in parts for number in part]
    fits = (
        of_numbers
        and several[0] == several[1]
        and len(parts[0]) == len(parts[1]) > 0
        and all(isinstance(number, numbers.Real) and math.isfinite(number) for number in each)
        and min(parts[1]) > 0
    )
    if not fits:
        raise InvalidArgumentError(
            "Expected target_mean and target_deviation, above 0, together, as numbers or as lists "
            "of one length, for a loss of numbers (epsilon=None). "
            f"Received: target_mean={shown(mean)}, target_deviation={shown(deviation)}"
        )
    means, deviations = ([float(number) for number in part] for part in parts)
    return (means, deviations) if several[0] else (means[0], deviations[0])


def at_each_position(weights: Any, y_pred: Any) -> Any:
    """Weights of samples as weights of their positions.

    Keras would take them for weights along the last axis of positions, as NumPy broadcasts.

    Args:
        weights: `(N,)`, or of some axes of positions, too.
        y_pred: Predictions `(N, ..., C)`.

    Returns:
        Weights with one axis for each but the last one of `y_pred`, or more.
    """
    weights = ops.convert_to_tensor(weights)
    if not len(weights.shape):
        return weights
    missing = len(y_pred.shape) - 1 - len(weights.shape)
    return ops.reshape(weights, (*ops.shape(weights), *[1] * missing)) if missing > 0 else weights


def check_indices_are_exact(dtype: str, classes: int) -> None:
    """Raises `ValueError` if class indices lose digits in `dtype`, to which Keras casts them."""
    if classes > _EXACT_INTEGERS.get(dtype, classes):
        raise InvalidArgumentError(
            f"Expected a dtype that holds class indices up to {classes}. Received: dtype={dtype}"
        )


def with_shape(y_true: Any, y_pred: Any, sparse: bool) -> Any:
    """Labels of a shape that fits that of the predictions.

    Data of a `tf.py_function` and some generators have their shapes only when they come: these are
    held to that of the predictions then, as an element-wise loss would broadcast them.

    Args:
        y_true: As for `labels`; of one output, which is a number then, also `(...)`.
        y_pred: Predictions `(..., C)`.
        sparse: Whether `y_true` holds class indices.

    Raises:
        ValueError: If they do not fit.
    """
    known = getattr(y_true.shape, "rank", 0) is not None
    if known:
        if y_pred.shape[-1:] == (1,) and len(y_true.shape) == len(y_pred.shape) - 1:
            y_true = ops.expand_dims(y_true, -1)  # as Keras does for one output
        _check_shapes(tuple(y_true.shape), tuple(y_pred.shape), sparse)
    if known and None not in tuple(y_true.shape)[1:]:
        return y_true
    shape = ops.shape(y_pred)
    return ops.reshape(y_true, shape[:-1] if sparse else shape)


def _check_shapes(
    labels: tuple[int | None, ...], predictions: tuple[int | None, ...], sparse: bool
) -> None:
    """An element-wise loss would broadcast (N, 1) against (N, C) without a word."""
    known = bool(predictions) and predictions[-1] is not None
    if sparse:
        what = "y_true (class indices) of shape (...) or (..., 1) and y_pred of shape (..., C)"
        fits = known and any(
            _agree(labels, shape) for shape in (predictions[:-1], (*predictions[:-1], 1))
        )
    else:
        what = "y_true (one-hot labels or probabilities) and y_pred of one shape (..., C)"
        fits = known and _agree(labels, predictions)
    if not fits:
        hint = "" if sparse else "; sparse=True takes class indices"
        raise InvalidArgumentError(
            f"Expected {what}{hint}. Received: y_true.shape={labels}, y_pred.shape={predictions}"
        )


def _agree(left: tuple[int | None, ...], right: tuple[int | None, ...]) -> bool:
    return len(left) == len(right) and all(
        a == b or None in (a, b) for a, b in zip(left, right, strict=True)
    )
