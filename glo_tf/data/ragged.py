"""Samples whose lengths differ."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True, eq=False)
class Ragged:
    """A `tf.RaggedTensor` as NumPy arrays.

    Where a tensor is unpickled, TensorFlow starts, and a process cannot be prepared any more.

    Attributes:
        values: All that the rows hold, one after the other.
        splits: Where rows begin and end, for each ragged dimension; int `(rows + 1,)`.
    """

    values: np.ndarray
    splits: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, tensor: tf.RaggedTensor) -> Ragged:
        """The arrays of a tensor; its text is `bytes`."""
        splits = tuple(np.asarray(part) for part in tensor.nested_row_splits)
        return cls(np.asarray(tensor.flat_values), splits)

    @property
    def tensor(self) -> tf.RaggedTensor:
        """The tensor."""
        import tensorflow as tf

        return tf.RaggedTensor.from_nested_row_splits(self.values, self.splits, validate=False)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """As that of an array, with None for lengths that differ."""
        ragged = [None] * len(self.splits)
        return len(self.splits[0]) - 1, *ragged, *self.values.shape[1:]

    @property
    def dtype(self) -> np.dtype:
        """Of the values."""
        return self.values.dtype

    @property
    def spec(self) -> tf.RaggedTensorSpec:
        """Of one sample in a batch."""
        import tensorflow as tf

        return tf.RaggedTensorSpec(
            [1, *self.shape[1:]],
            tf.as_dtype(self.dtype),
            len(self.splits),
            tf.as_dtype(self.splits[0].dtype),
        )

    def rows(self) -> np.ndarray:
        """Which sample each of the values is of, int `(values,)`."""
        rows = np.arange(self.shape[0] or 0)
        for splits in self.splits:
            rows = np.repeat(rows, np.diff(splits))
        return rows

    def take(self, places: np.ndarray) -> Ragged:
        """The samples at `places`, int `(n,)`."""
        import tensorflow as tf

        return self.of(tf.gather(self.tensor, places))

    def join(self, others: list[Ragged]) -> Ragged:
        """Its samples and then those of the others."""
        import tensorflow as tf

        return self.of(tf.concat([part.tensor for part in (self, *others)], axis=0))
