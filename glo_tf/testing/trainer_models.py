"""Small data and models of many kinds, which trainers of all backends train."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from glo_tf.testing.small_task import small_data

X, LABELS = small_data((4, 4, 1), 3, 120, seed=1)
X_HELD_OUT, LABELS_HELD_OUT = small_data((4, 4, 1), 3, 90, seed=2)
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
WEIGHTS = np.linspace(0.0, 2.0, len(X)).astype(np.float32)

layers, schedules = keras.layers, keras.optimizers.schedules


def dense() -> keras.Model:
    """A softmax of the samples."""
    out = layers.Dense(3, activation="softmax")
    return keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), out])


def normalized(*more: keras.layers.Layer) -> keras.Model:
    """With statistics, which change beside the weights."""
    hidden = [layers.Dense(8, activation="relu"), layers.BatchNormalization()]
    out = layers.Dense(3, activation="softmax")
    return keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), *hidden, *more, out])


def with_dropout() -> keras.Model:
    """With all that changes beside the weights: statistics, and seeds of random numbers."""
    return normalized(layers.Dropout(0.3))


def convolutional() -> keras.Model:
    """Convolution, and pooling."""
    hidden = [layers.Conv2D(4, 3, activation="relu", padding="same"), layers.MaxPooling2D()]
    out = layers.Dense(3, activation="softmax")
    return keras.Sequential([keras.Input((4, 4, 1)), *hidden, layers.Flatten(), out])


class Penalized(keras.Model):
    """A subclass, whose loss has terms of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(8, activity_regularizer=keras.regularizers.L2(0.1))
        self.out = layers.Dense(3, activation="softmax", kernel_regularizer="l2")

    def call(self, samples: Any) -> Any:
        """Predictions."""
        return self.out(self.hidden(self.flatten(samples)))


def logits() -> keras.Model:
    """Of three classes."""
    return keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(3)])


def number() -> keras.Model:
    """Any number."""
    return keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(1)])


def several() -> keras.Model:
    """Classes, a flag, and a number."""
    inputs = keras.Input((4, 4, 1))
    flat = layers.Flatten()(inputs)
    kinds = {"classes": (3, "softmax"), "flag": (1, "sigmoid"), "number": (1, None)}
    return keras.Model(inputs, {name: layers.Dense(*kind)(flat) for name, kind in kinds.items()})


def several_targets(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Of `several`."""
    return {"classes": labels, "flag": labels % 2, "number": labels + 0.5}


def falling(rate: float) -> Any:
    """A schedule of the user's."""
    return schedules.ExponentialDecay(rate, 4, 0.5)
