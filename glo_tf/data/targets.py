"""The targets of a data set, as columns of labels beside the outputs of a model."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence

import numpy as np

from glo_tf.data import arrays
from glo_tf.data.arrays import Structure
from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.errors import InvalidArgumentError, first_of

ROUNDING = 1e-3
"""Of a sum of probabilities."""

NAMED = 8
"""Outputs in a message."""


def label_columns(name: str, targets: Structure, outputs: Outputs) -> np.ndarray:
    """Labels x, float32 `(N, W)`.

    Raises:
        ValueError: If targets do not fit the outputs.
    """
    given = in_order(targets, outputs.names, len(outputs.each), name)
    parts = [_columns(name, part, out) for part, out in zip(given, outputs.each, strict=True)]
    return np.concatenate(parts, axis=-1)


def as_rows(targets: Structure, outputs: Outputs) -> list[np.ndarray]:
    """The targets of each output as metrics take them.

    They are as they were given, but `(N, ..., 1)` instead of `(N, ...)` where there is one unit.
    """
    given = in_order(targets, outputs.names, len(outputs.each), "validation_data")
    rows = [
        part[..., None]
        if part.ndim == len(output.shape) and output.units == 1
        else indices_or_rows(part, output.shape)
        for part, output in zip(given, outputs.each, strict=True)
    ]
    # Predictions are float32, and TensorFlow does not mix.
    return [part.astype(np.float32) if part.dtype == np.float64 else part for part in rows]


def in_order(
    targets: Structure, names: tuple[str, ...] | None, count: int, where: str
) -> list[np.ndarray]:
    """The targets of each output.

    Raises:
        ValueError: If their structure is not that of the outputs.
    """
    if names is not None and (not isinstance(targets, dict) or set(targets) != set(names)):
        keys = reprlib.repr(list(targets)) if isinstance(targets, dict) else _what(targets)
        raise InvalidArgumentError(
            f"Expected targets of {where} as a dict with {first_of(names, NAMED)}, as the "
            f"model's outputs. Received: {keys}"
        )
    if names is None and count > 1 and isinstance(targets, dict):  # flat, in the order of its keys
        raise InvalidArgumentError(
            f"Expected targets of {where} as a list of {count}, in the order of the model's "
            f"outputs. Received: a dict with {reprlib.repr(list(targets))}"
        )
    given = arrays.flat(targets)
    if len(given) != count:
        raise InvalidArgumentError(
            f"Expected targets of {where} for {count} output(s) of the model. "
            f"Received: {len(given)}"
        )
    return given


def _what(targets: Structure) -> str:
    return f"{type(targets).__name__} of {len(arrays.flat(targets))}"


def indices_or_rows(targets: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Class indices as `(N, ...)`, and all else as it is; Keras's data sets have `(N, 1)`.

    Args:
        targets: Of one output.
        shape: Of the output for one sample: positions and units.
    """
    *positions, units = shape
    return targets[..., 0] if targets.shape[1:] == (*positions, 1) and units > 1 else targets


def shown_shape(shape: Sequence[int]) -> str:
    """The shape of samples of this shape: "(N, 3)"."""
    return f"(N, {', '.join(map(str, shape))})" if len(shape) else "(N,)"


def _columns(name: str, targets: np.ndarray, output: Output) -> np.ndarray:
    targets = indices_or_rows(targets, output.shape)
    flat = targets.ndim == len(output.shape)
    if flat and output.units > 1:
        if output.activation == Activation.SOFTMAX:
            targets = _one_hot(name, targets, output.units)
    elif flat:
        targets = targets[..., None]
    if targets.shape[1:] != output.shape:
        raise InvalidArgumentError(
            f"Expected targets of {name} of shape {shown_shape(output.positions)} or "
            f"{shown_shape(output.shape)}. Received: shape={targets.shape}"
        )
    if output.standardization is not None:
        targets = output.standardization.apply(targets)
    rows = targets.astype(np.float32, copy=False)
    if not np.isfinite(rows).all():
        raise InvalidArgumentError(f"Expected finite targets in {name}. Received: NaN or infinity")
    if output.probabilities and (rows.min() < 0.0 or rows.max() > 1.0):
        raise InvalidArgumentError(
            f"Expected targets of {name} in [0, 1], as in train_data. "
            f"Received: from {rows.min():g} to {rows.max():g}"
        )
    sums = rows.sum(axis=-1) if output.activation == Activation.SOFTMAX else np.ones(1)
    if not np.allclose(sums, 1.0, atol=ROUNDING):
        raise InvalidArgumentError(
            f"Expected targets of {name} whose rows sum to 1, as in train_data. "
            f"Received: sums from {sums.min():g} to {sums.max():g}"
        )
    rows = np.concatenate([1.0 - rows, rows], axis=-1) if output.binary else rows
    return rows.reshape(len(rows), output.columns)


def _one_hot(name: str, labels: np.ndarray, classes: int) -> np.ndarray:
    if (labels != np.floor(labels)).any() or labels.min() < 0 or labels.max() >= classes:
        raise InvalidArgumentError(
            f"Expected labels of {name} in [0, {classes - 1}], as the model has {classes} "
            f"outputs. Received: labels from {labels.min()} to {labels.max()}"
        )
    rows = np.zeros((labels.size, classes), np.float32)
    rows[np.arange(labels.size), labels.ravel().astype(np.int64)] = 1.0
    return rows.reshape(*labels.shape, classes)
