"""Targets that are numbers, standardised: without units, as losses and initial weights are."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Standardization:
    """From numbers in a user's units to numbers of mean 0 and deviation 1, and back.

    Attributes:
        means: Of the training targets of each unit of an output.
        deviations: Their standard deviations; 1 where all are one number in single precision.
    """

    means: tuple[float, ...]
    deviations: tuple[float, ...]

    @classmethod
    def of(cls, targets: np.ndarray, weights: np.ndarray | None = None) -> Standardization:
        """That of some targets.

        Args:
            targets: `(N, ..., units)`.
            weights: Of the samples, `(N,)`, or of their positions, `(N, ...)`, at least 0; None if
                all count alike.
        """
        rows = targets.astype(np.float64)
        if weights is None:
            rows, shares = rows.reshape(-1, rows.shape[-1]), None
        else:
            counted = weights > 0.0  # what is left out may be any number
            rows, shares = rows[counted], weights[counted].astype(np.float64)
            shares = np.repeat(shares, rows.size // rows.shape[-1] // len(rows))
            rows = rows.reshape(-1, rows.shape[-1])
        means = np.average(rows, axis=0, weights=shares)
        deviations = np.sqrt(np.average(np.square(rows - means), axis=0, weights=shares))
        varied = (np.ptp(rows, axis=0) > 0.0) & (deviations > np.finfo(np.float32).tiny)
        deviations = np.where(varied, deviations, 1.0)
        return cls(tuple(means.tolist()), tuple(deviations.tolist()))

    def apply(self, targets: np.ndarray) -> np.ndarray:
        """Numbers in the user's units `(N, ..., units)`, standardised, float64."""
        means, deviations = np.array(self.means), np.array(self.deviations)
        return np.asarray((targets.astype(np.float64) - means) / deviations)

    def undo(self, predictions: np.ndarray) -> np.ndarray:
        """Standardised numbers `(N, ..., units)` in the user's units, float32."""
        numbers = predictions * np.array(self.deviations) + np.array(self.means)
        return np.asarray(numbers, np.float32)

    @property
    def of_loss(self) -> dict[str, Any]:
        """What a `glo_tf.ExpressionLoss` that is given numbers in the user's units has to know."""
        one = len(self.means) == 1
        return {
            "target_mean": self.means[0] if one else list(self.means),
            "target_deviation": self.deviations[0] if one else list(self.deviations),
        }

    @property
    def in_words(self) -> str:
        """What it does, for readers: "standardised (mean 152.1, deviation 77.1)"."""
        if len(self.means) > 1:
            return "standardised one by one"
        return f"standardised (mean {self.means[0]:.4g}, deviation {self.deviations[0]:.4g})"
