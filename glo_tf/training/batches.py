"""Which samples each step of a training sees."""

from __future__ import annotations

import numpy as np


def batch_order(samples: int, batch_size: int, train_steps: int, seed: int) -> np.ndarray:
    """Sample indices of every step, epoch by epoch, each in an order of its own.

    Args:
        samples: How many there are.
        batch_size: Per step; a batch may span two epochs.
        train_steps: Of the training.
        seed: Of the order.

    Returns:
        int32 `(train_steps, batch_size)`.
    """
    rng = np.random.default_rng(seed)
    epochs = -(-train_steps * batch_size // samples)
    order = np.concatenate([rng.permutation(samples) for _ in range(epochs)])
    return order[: train_steps * batch_size].astype(np.int32).reshape(train_steps, batch_size)
