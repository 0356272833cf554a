"""Digits whose training labels are partly wrong: labels, split and noise are drawn by the seed."""

from __future__ import annotations

from typing import Any

import numpy as np


def noisy_digits(
    seed: int, noise: float, *, units: int, held_out: int = 600, tested: int = 0
) -> dict[str, Any]:
    """Arguments of `glo_tf.LossSearch`: an MLP, and data of one draw.

    Args:
        seed: Of split and noise.
        noise: Share of the training labels that are replaced by random ones.
        units: Of the hidden layer.
        held_out: Images with their true labels, for the fitness.
        tested: Further ones, as `"test_data"`, which `glo_tf.compare` takes; without them there is
            none.
    """
    import keras
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = (images / 16.0).astype(np.float32)
    rng = np.random.default_rng([seed, 0])
    order = rng.permutation(len(images))
    held, test, train = np.split(order, [held_out, held_out + tested])
    given = labels[train].copy()
    wrong = rng.random(len(given)) < noise
    given[wrong] = rng.integers(0, 10, wrong.sum())

    def build_model() -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((64,)),
                keras.layers.Dense(units, activation="relu"),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )

    return {
        "model": build_model,
        "train_data": (images[train], given),
        "validation_data": (images[held], labels[held]),
        "batch_size": 100,
        **({"test_data": (images[test], labels[test])} if tested else {}),
    }
