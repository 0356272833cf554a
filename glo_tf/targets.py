"""Which outputs a model has, and the targets of a data set as columns of labels beside them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from glo_tf import arrays
from glo_tf.arrays import Structure
from glo_tf.outputs import LINEAR, SIGMOID, SOFTMAX, Output, Outputs

_QUANTILES = 33
_ROUNDING = 1e-3  # of a sum of probabilities, also in half precision


def find_outputs(predictions: Any, targets: Structure, epsilon: float) -> Outputs:
    """What a model's outputs are, as its predictions and the targets of the training data tell.

    Class indices, and rows that sum to 1 beside predictions that do, are classes (softmax);
    targets of 0 and 1 beside predictions in [0, 1] are probabilities (sigmoid); all else is linear.

    Args:
        predictions: The untrained model's, for a few samples.
        targets: All of the training data.
        epsilon: See `Outputs`.

    Raises:
        ValueError: If an output is not of shape `(N, units)`, or targets do not fit it.
    """
    names = tuple(sorted(predictions)) if isinstance(predictions, dict) else None
    found = [np.asarray(part) for part in arrays.flat(predictions)]
    given = _in_order(targets, names, len(found), "train_data")
    each = [
        _output(names[place] if names else f"output {place}", part, target)
        for place, (part, target) in enumerate(zip(found, given, strict=True))
    ]
    return Outputs(tuple(each), names, epsilon)


def label_columns(name: str, targets: Structure, outputs: Outputs) -> np.ndarray:
    """Labels x, float32 `(N, W)`.

    Raises:
        ValueError: If targets do not fit the outputs.
    """
    given = _in_order(targets, outputs.names, len(outputs.each), name)
    parts = [_columns(name, part, out) for part, out in zip(given, outputs.each, strict=True)]
    return np.concatenate(parts, axis=-1)


def as_rows(targets: Structure, outputs: Outputs) -> list[np.ndarray]:
    """The targets of each output as metrics take them.

    They are as they were given, but `(N, 1)` instead of `(N,)` where there is one unit.
    """
    given = _in_order(targets, outputs.names, len(outputs.each), "validation_data")
    rows = [
        part[:, None]
        if part.ndim == 1 and output.units == 1
        else _indices_or_rows(part, output.units)
        for part, output in zip(given, outputs.each, strict=True)
    ]
    # Predictions are float32, and TensorFlow does not mix.
    return [part.astype(np.float32) if part.dtype == np.float64 else part for part in rows]


def _in_order(
    targets: Structure, names: tuple[str, ...] | None, count: int, where: str
) -> list[np.ndarray]:
    if names is not None and (not isinstance(targets, dict) or set(targets) != set(names)):
        keys = sorted(targets) if isinstance(targets, dict) else type(targets).__name__
        raise ValueError(
            f"Expected targets of {where} as a dict with {', '.join(names)}, as the model's "
            f"outputs. Received: {keys}"
        )
    given = arrays.flat(targets)
    if len(given) != count:
        raise ValueError(
            f"Expected targets of {where} for {count} output(s) of the model. "
            f"Received: {len(given)}"
        )
    return given


def _indices_or_rows(targets: np.ndarray, units: int) -> np.ndarray:
    """Class indices as `(N,)`, and all else as it is; Keras's data sets have `(N, 1)`."""
    return targets[:, 0] if targets.shape[1:] == (1,) and units > 1 else targets


def _output(name: str, predictions: np.ndarray, targets: np.ndarray) -> Output:
    if predictions.ndim != 2 or predictions.shape[1] == 0:
        raise ValueError(
            "Expected a model whose outputs have shape (N, units). "
            f"Received: {name} of shape={predictions.shape} for {len(predictions)} sample(s)"
        )
    if not np.issubdtype(targets.dtype, np.number) and targets.dtype != bool:
        raise ValueError(f"Expected numbers as targets of {name}. Received: dtype={targets.dtype}")
    units = int(predictions.shape[1])
    targets = _indices_or_rows(targets, units)
    are_probabilities = bool(((predictions >= 0.0) & (predictions <= 1.0)).all())
    are_classes = are_probabilities and np.allclose(predictions.sum(axis=1), 1.0, atol=_ROUNDING)
    if targets.ndim == 1 and units > 1:
        if not are_classes:
            raise ValueError(
                "Expected class probabilities, as of a softmax, where labels are class indices. "
                f"Received: {name} with {units} units, of which the rows do not sum to 1"
            )
        return Output(SOFTMAX, units)
    rows = targets[:, None] if targets.ndim == 1 else targets
    if rows.shape[1:] == (units,) and are_probabilities and predictions.any():
        if are_classes and units > 1 and np.allclose(rows.sum(axis=1), 1.0, atol=_ROUNDING):
            return Output(SOFTMAX, units)
        if np.isin(rows, (0, 1)).all():
            return Output(SIGMOID, units)
    quantiles = np.quantile(rows.astype(float), np.linspace(0.0, 1.0, _QUANTILES))
    return Output(LINEAR, units, tuple(quantiles.tolist()))


def _columns(name: str, targets: np.ndarray, output: Output) -> np.ndarray:
    targets = _indices_or_rows(targets, output.units)
    if targets.ndim == 1 and output.units > 1:
        if output.activation == SOFTMAX:
            targets = _one_hot(name, targets, output.units)
    elif targets.ndim == 1:
        targets = targets[:, None]
    if targets.shape[1:] != (output.units,):
        raise ValueError(
            f"Expected targets of {name} of shape (N,) or (N, {output.units}). "
            f"Received: shape={targets.shape}"
        )
    rows = targets.astype(np.float32)
    if not np.isfinite(rows).all():
        raise ValueError(f"Expected finite targets in {name}. Received: NaN or infinity")
    if output.activation != LINEAR and (rows.min() < 0.0 or rows.max() > 1.0):
        raise ValueError(
            f"Expected targets of {name} in [0, 1], as in train_data. "
            f"Received: from {rows.min():g} to {rows.max():g}"
        )
    return np.concatenate([1.0 - rows, rows], axis=-1) if output.binary else rows


def _one_hot(name: str, labels: np.ndarray, classes: int) -> np.ndarray:
    if (labels != np.floor(labels)).any() or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"Expected labels of {name} in [0, {classes - 1}], as the model has {classes} "
            f"outputs. Received: labels from {labels.min()} to {labels.max()}"
        )
    rows: np.ndarray = keras.utils.to_categorical(labels, classes)
    return rows
