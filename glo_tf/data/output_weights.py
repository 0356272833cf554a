"""What each sample counts in each output of a model: its own weight, times that of its class.

As in `keras.Model.fit`, a weight multiplies the loss of its sample, and the sum is divided by the
number of samples, not by the sum of their weights. Beside weights of samples, Keras takes none of
classes, and none of classes where a model has several outputs; here both are products.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from glo_tf.data import arrays
from glo_tf.data.arrays import Pair, Structure
from glo_tf.data.class_weight import ClassWeight, of_each_output, of_rows
from glo_tf.data.outputs import Outputs
from glo_tf.data.targets import in_order, shown_shape
from glo_tf.data.weights import check_some_count
from glo_tf.errors import InvalidArgumentError


def output_weights(
    argument: str, data: Pair, predictions: Any, class_weight: ClassWeight | None = None
) -> list[np.ndarray] | None:
    """The weights of the samples in each output.

    Args:
        argument: For messages, such as `train_data`.
        data: In memory; its weights are for all outputs, or of the structure of the targets.
        predictions: Of the model, for some samples.
        class_weight: Weights of classes, for training data. The class of a row is its largest
            entry, that of a number the nearest whole one; a class that is left out has weight 1.

    Returns:
        For each output float32 `(N,)`, of a dense one `(N, *positions)`; None if nothing has
        weights.

    Raises:
        ValueError: If weights do not fit the outputs, or all of an output are 0.
    """
    if data.weights is None and not class_weight:
        return None
    names = tuple(sorted(predictions)) if isinstance(predictions, dict) else None
    parts = arrays.flat(predictions)
    targets = in_order(data.targets, names, len(parts), argument)
    shapes = [tuple(map(int, part.shape[1:])) for part in parts]
    found = _of_samples(argument, data, shapes)
    of_outputs = of_each_output(class_weight, names, len(parts))
    for place, (of_classes, rows) in enumerate(zip(of_outputs, targets, strict=True)):
        if of_classes:
            found[place] = found[place] * of_rows(of_classes, rows, shapes[place])
            output = names[place] if names else f"output {place}"
            check_some_count(f"{argument} for {output}, with class_weight,", found[place])
    return found


def weight_columns(weights: Sequence[np.ndarray], outputs: Outputs) -> np.ndarray:
    """What the terms of a loss, `(N, W)`, are multiplied by.

    Args:
        weights: Of each output, `(N,)` or `(N, *positions)`.
        outputs: Of the model.

    Returns:
        float32 `(N, W)`; `(N, 1)` where there is one output that is not dense.
    """
    if len(weights) == 1 and not outputs.dense:
        return weights[0][:, None]
    pairs = zip(weights, outputs.each, strict=True)
    parts = [np.repeat(own.reshape(len(own), -1), out.width, axis=-1) for own, out in pairs]
    return np.concatenate(parts, axis=-1)


def column_shares(outputs: Outputs, valid: Any = None) -> Any:
    """What the terms of each column count in the mean over a batch, beside their weights.

    Positions share the weight of their sample. Where some are masked, those of the batch that are
    not share that of all, as in Keras.

    Args:
        outputs: Of the model.
        valid: Positions of each output that are not masked, of the samples of a batch, a float32
            tensor `(batch, outputs)`; None if none is masked.

    Returns:
        Float32 `(W,)`, or a scalar for one output; None if all count 1.
    """
    if valid is None:
        return outputs.shares
    from keras import ops

    counted = ops.sum(valid, axis=0)
    batch = ops.cast(ops.shape(valid)[0], "float32")
    shares = ops.where(counted > 0.0, batch / ops.maximum(counted, 1.0), 0.0)
    if len(outputs.each) == 1:
        return shares[0]
    columns = [output.columns for output in outputs.each]
    return ops.take(shares, np.repeat(np.arange(len(columns)), columns), axis=0)


def mean_weights(
    weights: Sequence[np.ndarray], labels: np.ndarray, outputs: Outputs
) -> tuple[float, ...]:
    """How much each output counts: the mean weight of its samples, of classes that of the means.

    Args:
        weights: Of each output, `(N,)` or `(N, *positions)`.
        labels: As columns, `(N, W)`.
        outputs: Of the model.
    """
    found = []
    for own, place, output in zip(weights, outputs.slices, outputs.each, strict=True):
        own = own.ravel()
        if output.exclusive:
            classes = labels[:, place].reshape(-1, output.width).argmax(axis=-1)
            sums, counts = np.bincount(classes, own), np.bincount(classes)
            own = sums[counts > 0] / counts[counts > 0]
        found.append(float(own.mean(dtype=np.float64)))
    return tuple(found)


def _of_samples(argument: str, data: Pair, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    count = len(shapes)
    if data.weights is None:
        samples = arrays.count(data.samples)
        return [np.ones((samples, *shape[:-1]), np.float32) for shape in shapes]
    given = arrays.flat(data.weights)
    if isinstance(data.weights, np.ndarray):
        given = given * count
    elif _keys(data.weights) != _keys(data.targets) or len(given) != count:
        raise InvalidArgumentError(
            f"Expected weights of {argument} as one array, or in the structure of the targets "
            f"({reprlib.repr(_keys(data.targets))}). "
            f"Received: {reprlib.repr(_keys(data.weights))}"
        )
    return [
        _of_positions(argument, weights, shape[:-1])
        for weights, shape in zip(given, shapes, strict=True)
    ]


def _keys(structure: Structure) -> Any:
    if isinstance(structure, dict):
        return sorted(structure, key=str)
    return "an array" if isinstance(structure, np.ndarray) else f"a list of {len(structure)}"


def _of_positions(argument: str, weights: np.ndarray, positions: tuple[int, ...]) -> np.ndarray:
    """Float32 `(N, *positions)`."""
    samples = len(weights)
    if weights.ndim == 1 or weights.shape[1:] == (1,):
        shape = samples, *positions
        return np.broadcast_to(weights.reshape(samples, *[1] * len(positions)), shape)
    if weights.shape[1:] in (positions, (*positions, 1)):
        return weights.reshape(samples, *positions)
    of_positions = f", or {shown_shape(positions)}, one a position" if positions else ""
    raise InvalidArgumentError(
        f"Expected weights of {argument} of shape (N,), one a sample{of_positions}. "
        f"Received: shape={weights.shape}"
    )
