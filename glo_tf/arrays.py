"""Samples and targets as arrays: from arrays, structures of arrays, or a `tf.data.Dataset`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

Structure = Any
"""An array, or a list, tuple or dict of arrays, as Keras models take and return them."""


def load(name: str, data: Any) -> tuple[Structure, Structure]:
    """Samples and targets in memory.

    Args:
        name: For messages.
        data: `(samples, targets)`, each an array or a structure of arrays with one first
            dimension; or a batched `tf.data.Dataset` of such pairs, as `keras.Model.fit` takes it.

    Raises:
        ValueError: If it is neither, is endless, or has no or unequally many samples.
    """
    pair = _concatenated(name, data) if isinstance(data, tf.data.Dataset) else data
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise ValueError(
            f"Expected {name} to be a pair (samples, targets) or a tf.data.Dataset of such pairs, "
            f"without weights. Received: {_what(pair)}"
        )
    samples, targets = (_as_arrays(part) for part in pair)
    counts = [len(part) if part.ndim else 0 for part in (*flat(samples), *flat(targets))]
    if len(set(counts)) != 1 or counts[0] == 0:
        raise ValueError(
            f"Expected {name} to have as many targets as samples, at least one. "
            f"Received: {' and '.join(str(count) for count in counts)}"
        )
    return samples, targets


def flat(structure: Structure) -> list[Any]:
    """Its arrays, in Keras's order (keys of a dict sorted)."""
    leaves: list[Any] = keras.tree.flatten(structure)
    return leaves


def head(structure: Structure, count: int) -> Structure:
    """The first samples."""
    return keras.tree.map_structure(lambda array: array[:count], structure)


def count(structure: Structure) -> int:
    """Number of samples."""
    return len(flat(structure)[0])


def specs(structure: Structure) -> Structure:
    """`tf.TensorSpec`s of one sample in a batch."""
    return keras.tree.map_structure(
        lambda array: tf.TensorSpec((1, *array.shape[1:]), tf.as_dtype(array.dtype)), structure
    )


def _concatenated(name: str, dataset: tf.data.Dataset) -> Structure:
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            f"Expected {name} to end, as it is held in memory. Received: an endless tf.data.Dataset"
        )
    batches = list(dataset.as_numpy_iterator())
    if not batches:
        raise ValueError(f"Expected {name} with at least one batch. Received: an empty dataset")
    if any(np.ndim(leaf) == 0 for leaf in flat(batches[0])):
        raise ValueError(
            f"Expected {name} to have batches, as of .batch(100). Received: single samples"
        )
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *batches)


def _as_arrays(part: Any) -> Structure:
    """Lists of numbers become an array, lists of arrays stay a structure."""
    if isinstance(part, dict):
        return {key: np.asarray(value) for key, value in part.items()}
    if isinstance(part, list | tuple) and all(hasattr(item, "shape") for item in part):
        return type(part)(np.asarray(item) for item in part)
    return np.asarray(part)


def _what(thing: Any) -> str:
    length = f" of {len(thing)}" if isinstance(thing, list | tuple) else ""
    return f"{type(thing).__name__}{length}"
