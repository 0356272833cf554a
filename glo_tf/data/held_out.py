"""Data that networks are measured on."""

from __future__ import annotations

import dataclasses

import numpy as np

from glo_tf.data.arrays import Structure


@dataclasses.dataclass(frozen=True, eq=False)
class HeldOut:
    """Data that networks are not trained on.

    Attributes:
        samples: An array `(N, ...)` or a structure of such.
        labels: Of all outputs as columns, float32 `(N, W)`.
        targets: Of each output, as metrics take them.
        weights: Of the samples, float32 `(N,)` for each output, or of their positions, `(N, ...)`;
            None if all count alike.
    """

    samples: Structure
    labels: np.ndarray
    targets: list[np.ndarray]
    weights: list[np.ndarray] | None = None
