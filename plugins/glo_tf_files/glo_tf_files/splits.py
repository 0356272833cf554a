"""Splits of samples that come without any."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glo_tf_files.shown import shown


def stratified_splits(
    labels: np.ndarray, classes: Sequence[str], *, validation: float, test: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws the training, validation and test samples, each with its share of every class.

    Args:
        labels: Int `(N,)`, in `[0, len(classes))`.
        classes: Their names, for messages.
        validation: Share of each class, rounded, but at least one sample.
        test: The same.
        seed: Of the draw.

    Returns:
        Indices of the samples of each split, int `(n,)`, in random order.

    Raises:
        ValueError: If a share is not between 0 and 1, the seed is negative, there are fewer than
            two classes, or nothing is left to train on in one of them.
    """
    for name, share in (("validation", validation), ("test", test)):
        if not 0.0 < share < 1.0:
            raise ValueError(f"Expected {name} between 0 and 1. Received: {name}={share}")
    if seed < 0:
        raise ValueError(f"Expected a seed of at least 0. Received: seed={seed}")
    if len(classes) < 2:
        raise ValueError(
            f"Expected at least two classes. Received: {', '.join(map(shown, classes)) or 'none'}"
        )
    rng = np.random.default_rng(seed)
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for label, name in enumerate(classes):
        members = rng.permutation(np.flatnonzero(labels == label))
        held_out = max(1, round(validation * len(members)))
        ends = held_out, held_out + max(1, round(test * len(members)))
        if ends[1] >= len(members):
            raise ValueError(
                "Expected samples of each class to train on, beside those of validation and test. "
                f"Received: {len(members)} of {shown(name)}, validation={validation}, test={test}"
            )
        for part, indices in zip(parts, np.split(members, ends), strict=True):
            part.append(indices)
    held, tested, trained = (rng.permutation(np.concatenate(part)) for part in parts)
    return trained, held, tested
