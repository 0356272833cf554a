"""Built-in architectures: functions of input shape and number of classes.

Keras is imported when a model is built, so that listing the plugins stays quick.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from glo_tf import plugins
from glo_tf.plugins.options import OptionValue

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class NamedArchitecture:
    """Builds a registered architecture; as plain data, it can be sent to another process.

    Attributes:
        name: Under which it is registered.
        input_shape: Of one sample.
        num_classes: Number of classes.
        options: The architecture's own options.
    """

    name: str
    input_shape: tuple[int, ...]
    num_classes: int
    options: Mapping[str, OptionValue] = dataclasses.field(default_factory=dict, hash=False)

    def __call__(self) -> keras.Model:
        """A new model."""
        shape = self.input_shape, self.num_classes
        model: keras.Model = plugins.make("glo_tf.architectures", self.name, *shape, **self.options)
        return model


def mlp(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    """One hidden layer of 64 ReLU units; for small inputs such as digits."""
    import keras

    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(num_classes, activation="softmax"),
        ]
    )


def glo_mnist_cnn(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    """Two convolutions and a dense layer of 1,024 with dropout: the MNIST network of GLO."""
    import keras

    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Conv2D(32, 5, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(64, 5, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(1024, activation="relu"),
            keras.layers.Dropout(0.4),
            keras.layers.Dense(num_classes, activation="softmax"),
        ]
    )


def glo_cifar_cnn(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    """AlexNet-style network for CIFAR-10; the paper's recipe is not public, this one is ours.

    Five 3x3 convolutions (64, 192, 384, 256, 256) with three 2x2 max-poolings, then two dense
    layers of 1,024 with dropout 0.5.
    """
    import keras

    def convolution(filters: int) -> keras.layers.Layer:
        return keras.layers.Conv2D(filters, 3, padding="same", activation="relu")

    return keras.Sequential(
        [
            keras.Input(input_shape),
            convolution(64),
            keras.layers.MaxPooling2D(2),
            convolution(192),
            keras.layers.MaxPooling2D(2),
            convolution(384),
            convolution(256),
            convolution(256),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(1024, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1024, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(num_classes, activation="softmax"),
        ]
    )
