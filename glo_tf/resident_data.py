"""A data set in the memory of the device that trains on it."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class ResidentData:
    """Samples as they came and labels as float32 one-hot rows, as tensors.

    Attributes:
        samples: Shape `(N, ...)`.
        labels: Shape `(N, C)`.
    """

    samples: tf.Tensor
    labels: tf.Tensor

    @classmethod
    def place(cls, samples: np.ndarray, labels: np.ndarray) -> ResidentData:
        """Places arrays on the current device."""
        return cls(tf.constant(samples), tf.constant(labels))

    def __len__(self) -> int:
        return int(self.samples.shape[0])

    def rows(self, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Samples and labels at `indices`, shape `(batch,)`."""
        return tf.gather(self.samples, indices), tf.gather(self.labels, indices)
