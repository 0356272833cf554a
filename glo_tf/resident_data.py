"""A data set in the memory of the device that trains on it."""

from __future__ import annotations

import dataclasses

import keras
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
    def place(cls, name: str, data: tuple[np.ndarray, np.ndarray], classes: int) -> ResidentData:
        """Checks arrays and places them on the current device.

        Args:
            name: What to call the data in an error.
            data: Samples `(N, ...)` and labels, int `(N,)` or one-hot `(N, classes)`.
            classes: Number of the model's outputs.

        Raises:
            ValueError: If samples and labels do not match each other or the classes.
        """
        samples, labels = (np.asarray(array) for array in data)
        if len(samples) != len(labels) or len(samples) == 0:
            raise ValueError(
                f"Expected {name} to have as many labels as samples, at least one. "
                f"Received: {len(samples)} samples and {len(labels)} labels"
            )
        if labels.ndim == 1:
            if labels.min() < 0 or labels.max() >= classes:
                raise ValueError(
                    f"Expected labels of {name} in [0, {classes - 1}], as the model has {classes} "
                    f"outputs. Received: labels from {labels.min()} to {labels.max()}"
                )
            labels = keras.utils.to_categorical(labels, classes)
        if labels.shape[1:] != (classes,):
            raise ValueError(
                f"Expected labels of {name} of shape (N,) or (N, {classes}). "
                f"Received: shape={labels.shape}"
            )
        return cls(tf.constant(samples), tf.constant(labels, tf.float32))

    def __len__(self) -> int:
        return int(self.samples.shape[0])

    def rows(self, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Samples and labels at `indices`, shape `(batch,)`."""
        return tf.gather(self.samples, indices), tf.gather(self.labels, indices)
