"""The suite's metrics as Keras knows them, for the fitness of searches."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


class Collected(keras.metrics.Metric):
    """A metric of all samples at once.

    Args:
        measure: Name of a metric of the suite.
        name: As in `keras.metrics.Metric`.
        dtype: As in `keras.metrics.Metric`.
    """

    def __init__(self, measure: str, name: str | None = None, dtype: Any = None):
        super().__init__(name=name or measure, dtype=dtype)
        self.measure = measure
        self._targets: list[np.ndarray] = []
        self._scores: list[np.ndarray] = []

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Keeps targets and predictions."""
        self._targets.append(keras.ops.convert_to_numpy(y_true))
        self._scores.append(keras.ops.convert_to_numpy(y_pred))

    def result(self) -> float:
        """The metric of all that was kept."""
        from benchmarks.suite.tasks import MEASURES

        targets, scores = np.concatenate(self._targets), np.concatenate(self._scores)
        if scores.shape[1] > 1:  # probabilities
            targets, scores = targets.ravel(), np.log(np.maximum(scores, 1e-7))
        else:
            targets = targets[:, 0]
        return MEASURES[self.measure].of(scores, targets)

    def reset_state(self) -> None:
        """Forgets all."""
        self._targets, self._scores = [], []

    def get_config(self) -> dict[str, Any]:
        """As Keras asks for it."""
        return {**super().get_config(), "measure": self.measure}
