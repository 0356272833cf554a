"""Digits of which some classes are rare in the training data; the seed draws tail and split."""

from __future__ import annotations

from typing import Any

import numpy as np


def long_tail_digits(
    seed: int, ratio: float, *, units: int, held_out: int, tested: int = 0, tail: int = 0
) -> dict[str, Any]:
    """Arguments of `glo_tf.LossSearch`: an MLP, and data of one draw.

    Args:
        seed: Of tail and split.
        ratio: Of the samples of the most frequent class to the rarest's.
        units: Of the hidden layer.
        held_out: Images of each class for the fitness.
        tested: Further ones, as `"test_data"`; without them there is none.
        tail: Of the seed's: which classes are rare, and which images are trained on and held out.
            All of a seed have the same test data.
    """
    import keras
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = (images / 16.0).astype(np.float32)
    rng = np.random.default_rng([seed, 1])
    parts: dict[str, list[np.ndarray]] = {"validation_data": [], "test_data": [], "train_data": []}
    cuts = held_out, held_out + tested
    most = int(np.bincount(labels).min()) - cuts[1]
    of_tail = np.random.default_rng([seed, 1, tail])
    order = of_tail.permutation(10)
    for rank, digit in enumerate(rng.permutation(10)):
        of_class = rng.permutation(np.flatnonzero(labels == digit))
        held, test, rest = np.split(of_class, cuts)
        if tail:
            rank = order[rank]
            pool = of_tail.permutation(np.concatenate([held, rest]))
            held, rest = np.split(pool, [held_out])
        count = max(1, round(most * ratio ** (-rank / 9)))
        for part, chosen in zip(parts.values(), (held, test, rest[:count]), strict=True):
            part.append(chosen)
    data = {name: np.concatenate(part) for name, part in parts.items()}
    if not tested:
        del data["test_data"]

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
        "optimizer": keras.optimizers.SGD(0.1),
        "batch_size": 100,
        **{name: (images[which], labels[which]) for name, which in data.items()},
    }
