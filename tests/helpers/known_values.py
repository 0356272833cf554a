"""Values and slopes of all known losses, in whichever backend Keras has."""

from __future__ import annotations

import inspect

import keras
import numpy as np

from glo_tf.losses.named import NAMED_LOSSES


def values_of_known_losses() -> dict[str, float]:
    """Values for three classes or labels, from logits where there are any, and their slopes."""
    labels = np.eye(3, dtype="float32")[[0, 2, 1, 1]]
    predictions = np.array(
        [[1.0, -0.5, 0.2], [0.3, 2.0, -1.0], [-60.0, 60.0, 0.0], [0.1, 0.2, -0.4]], "float32"
    )
    values = {}
    for name, kind in NAMED_LOSSES.items():
        signature = inspect.signature(kind).parameters
        arguments = {"from_logits": True} if "from_logits" in signature else {}
        if "frequencies" in signature:
            arguments["frequencies"] = [90.0, 9.0, 1.0]
        loss = kind(**arguments)
        values[name] = float(keras.ops.convert_to_numpy(loss(labels, predictions)))
        slopes = _slopes(loss, labels, predictions)
        assert np.isfinite(slopes).all(), name
        # Weights, as slopes by logits have the sum 0.
        values[f"slope of {name}"] = float((slopes * np.arange(1, 13).reshape(4, 3)).sum())
    return values


def _slopes(loss: keras.losses.Loss, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(lambda y: loss(labels, y))(predictions))
    if keras.backend.backend() == "torch":
        import torch

        y = torch.tensor(predictions, requires_grad=True)
        loss(labels, y).backward()
        return y.grad.numpy()
    import tensorflow as tf

    y = tf.constant(predictions)
    with tf.GradientTape() as tape:
        tape.watch(y)
        value = loss(labels, y)
    return tape.gradient(value, y).numpy()
