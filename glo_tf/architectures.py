"""Built-in architectures: functions of input shape and number of classes.

Keras is imported when a model is built, so that listing the plugins stays quick.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from glo_tf import plugins
from glo_tf.errors import InvalidArgumentError
from glo_tf.plugins.options import OptionValue

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class NamedArchitecture:
    """Builds a registered architecture; as plain data, it can be sent to another process.

    Attributes:
        name: Under which it is registered.
        input_shape: Of one sample, or a dict or list of such; see `glo_tf.Dataset.input_shape`.
        num_classes: Number of classes, None for numbers, or a dict or list of such.
        options: The architecture's own options.
        target_shape: Of one target, or a dict or list of such; see `glo_tf.Dataset.target_shape`.
    """

    name: str
    input_shape: Any = dataclasses.field(hash=False)
    num_classes: Any = dataclasses.field(hash=False)
    options: Mapping[str, OptionValue] = dataclasses.field(default_factory=dict, hash=False)
    target_shape: Any = dataclasses.field(default=(), hash=False)

    def __call__(self) -> keras.Model:
        """A new model.

        Raises:
            ValueError: If the architecture is for one input and one output of classes alone, and
                the data is not.
        """
        group, given = "glo_tf.architectures", [self.input_shape, self.num_classes]
        if "target_shape" in inspect.signature(plugins.load(group, self.name)).parameters:
            given.append(self.target_shape)
        elif not isinstance(self.input_shape, tuple) or not isinstance(self.num_classes, int):
            raise InvalidArgumentError(
                "Expected an architecture that takes target_shape, as its third argument, for data "
                "of several inputs or outputs, or of numbers. "
                f"Received: architecture={self.name} and num_classes={self.num_classes}"
            )
        model: keras.Model = plugins.make(group, self.name, *given, **self.options)
        return model


def mlp(input_shape: Any, num_classes: Any, target_shape: Any = ()) -> keras.Model:
    """One hidden layer of 64 ReLU units; for small inputs such as digits, one or several."""
    import keras

    if not isinstance(input_shape, tuple) or not isinstance(num_classes, int):
        return _mlp_of_any(input_shape, num_classes, target_shape)
    if target_shape:
        raise InvalidArgumentError(
            "Expected an architecture with an output at each position, as the labels are dense. "
            f"Received: architecture=mlp and target_shape={target_shape}"
        )
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(num_classes, activation="softmax"),
        ]
    )


def _mlp_of_any(input_shape: Any, num_classes: Any, target_shape: Any) -> keras.Model:
    """The same, for inputs side by side, and an output for each target."""
    import keras

    def inputs_of(shape: Any, name: str | None = None) -> Any:
        if isinstance(shape, tuple):
            return keras.Input(shape, name=name)
        if isinstance(shape, dict):
            return {key: inputs_of(part, str(key)) for key, part in shape.items()}
        return [inputs_of(part) for part in shape]

    def outputs_of(classes: Any, shape: Any) -> Any:
        if isinstance(shape, dict):
            by_key = classes if isinstance(classes, dict) else dict.fromkeys(shape, classes)
            return {key: outputs_of(by_key[key], shape[key]) for key in shape}
        if isinstance(shape, list):
            each = classes if isinstance(classes, list | tuple) else [classes] * len(shape)
            return [outputs_of(*pair) for pair in zip(each, shape, strict=True)]
        if len(shape) > (classes is None):
            raise InvalidArgumentError(
                "Expected an architecture with an output at each position, as the targets are "
                f"dense. Received: architecture=mlp and target_shape={shape}"
            )
        if classes is None:
            return keras.layers.Dense(*shape or (1,))(hidden)
        return keras.layers.Dense(classes, activation="softmax")(hidden)

    inputs = inputs_of(input_shape)
    flat = [keras.layers.Flatten()(part) for part in keras.tree.flatten(inputs)]
    joined = keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    hidden = keras.layers.Dense(64, activation="relu")(joined)
    return keras.Model(inputs, outputs_of(num_classes, target_shape))


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
