"""Plugin of glo_tf: a compact residual network with batch normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def resnet(
    input_shape: tuple[int, ...], num_classes: int, *, depth: int = 8, width: int = 16
) -> keras.Model:
    """Residual network for 32x32 images with batch normalisation (arXiv 1512.03385, 4.2).

    Args:
        input_shape: Of one image, `(height, width, channels)`.
        num_classes: Number of classes.
        depth: Layers with weights on the longest path, 6n + 2: n blocks in each of three stages.
        width: Channels of the first stage; doubled in each of the others.

    Returns:
        A model with class probabilities `(N, num_classes)` as its output.

    Raises:
        ValueError: If the samples are no images, `depth` is not 8, 14, 20, ... or `width` is not
            positive.
    """
    if len(input_shape) != 3:
        raise ValueError(
            f"Expected images of shape (height, width, channels). Received: shape={input_shape}"
        )
    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"Expected depth of 8, 14, 20, ... Received: depth={depth}")
    if width < 1:
        raise ValueError(f"Expected width of at least 1. Received: width={width}")

    import keras
    from keras import layers

    def convolution(
        tensor: keras.KerasTensor, filters: int, size: int, strides: int
    ) -> keras.KerasTensor:
        tensor = layers.Conv2D(
            filters,
            size,
            strides=strides,
            padding="same",
            use_bias=False,  # the normalisation has one
            kernel_initializer="he_normal",
        )(tensor)
        return layers.BatchNormalization(momentum=0.9)(tensor)

    def block(tensor: keras.KerasTensor, filters: int, strides: int) -> keras.KerasTensor:
        shortcut = tensor
        if strides != 1 or tensor.shape[-1] != filters:
            shortcut = convolution(tensor, filters, 1, strides)
        tensor = layers.ReLU()(convolution(tensor, filters, 3, strides))
        tensor = convolution(tensor, filters, 3, 1)
        return layers.ReLU()(layers.Add()([tensor, shortcut]))

    inputs = keras.Input(input_shape)
    tensor = layers.ReLU()(convolution(inputs, width, 3, 1))
    for stage in range(3):
        for number in range(depth // 6):
            strides = 2 if stage > 0 and number == 0 else 1
            tensor = block(tensor, width * 2**stage, strides)
    tensor = layers.GlobalAveragePooling2D()(tensor)
    outputs = layers.Dense(num_classes, activation="softmax")(tensor)
    return keras.Model(inputs, outputs)
