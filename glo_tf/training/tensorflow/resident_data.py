"""A data set in the memory of the device that trains on it."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from glo_tf.data.array_forms import Leaf
from glo_tf.data.arrays import Structure
from glo_tf.data.ragged import Ragged


@dataclasses.dataclass(frozen=True, eq=False)  # the trace of what predicts for it is its own
class ResidentData:
    """Samples as they came and labels as float32 columns, as tensors.

    Attributes:
        samples: A tensor `(N, ...)`, also a `tf.RaggedTensor`, or a structure of such.
        labels: Shape `(N, W)`.
        weights: What the terms of a loss are multiplied by, `(N, W)` or `(N, 1)`; None for none.
        valid: Positions of each output that are not masked, `(N, outputs)`; None if no mask is.
    """

    samples: Structure
    labels: tf.Tensor
    weights: tf.Tensor | None = None
    valid: tf.Tensor | None = None

    @classmethod
    def place(
        cls,
        samples: Structure,
        labels: np.ndarray,
        weights: np.ndarray | None = None,
        valid: np.ndarray | None = None,
    ) -> ResidentData:
        """Places arrays on the current device."""
        return cls(
            keras.tree.map_structure(_placed, samples),
            tf.constant(labels),
            None if weights is None else tf.constant(weights),
            None if valid is None else tf.constant(valid),
        )

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    def rows(self, indices: tf.Tensor) -> tuple[Structure, tf.Tensor]:
        """Samples and labels at `indices`, shape `(batch,)`."""
        samples = keras.tree.map_structure(lambda part: tf.gather(part, indices), self.samples)
        return samples, tf.gather(self.labels, indices)


def _placed(leaf: Leaf) -> tf.Tensor | tf.RaggedTensor:
    if isinstance(leaf, tf.RaggedTensor):  # of `arrays.head`
        return leaf
    return leaf.tensor if isinstance(leaf, Ragged) else tf.constant(leaf)
