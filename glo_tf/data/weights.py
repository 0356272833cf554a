"""Weights of samples, as they are given: numbers of at least 0."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from glo_tf.errors import InvalidArgumentError


def checked_weights(argument: str, weights: Any, count: int) -> Any:
    """Weights as float32 arrays, in the structure in which they are given.

    Args:
        argument: For messages, such as `train_data`.
        weights: An array, finite, or a structure of such, with None for an output without weights,
            of which all are 1.
        count: Of the samples.

    Raises:
        ValueError: If there are not as many weights as samples, some are negative, or all are 0.
    """
    return keras.tree.map_structure(
        lambda leaf: (
            np.ones(count, np.float32) if leaf is None else _checked(argument, leaf, count)
        ),
        weights,
    )


def check_some_count(where: str, weights: np.ndarray) -> None:
    """Raises `ValueError` if all weights are 0."""
    if not weights.any():
        raise InvalidArgumentError(
            f"Expected weights of {where} of which some are above 0. Received: zeros only"
        )


def _checked(argument: str, weights: np.ndarray, count: int) -> np.ndarray:
    if len(weights) != count:
        raise InvalidArgumentError(
            f"Expected {argument} to have as many weights as samples ({count}). "
            f"Received: {len(weights)} weights"
        )
    negative = np.argwhere(weights < 0)
    if len(negative):
        place = tuple(negative[0].tolist())
        raise InvalidArgumentError(
            f"Expected weights of at least 0 in {argument}. Received: {len(negative)} negative, "
            f"the first {weights[place]:g} in sample {place[0]}"
        )
    check_some_count(argument, weights)
    return weights.astype(np.float32)
