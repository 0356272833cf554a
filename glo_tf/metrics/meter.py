"""What a network is worth: fitness, metric and calibration of its predictions."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

import numpy as np

from glo_tf.metrics.calibration import ECE, NLL, expected_calibration_error, negative_log_likelihood

if TYPE_CHECKING:
    from glo_tf.data.held_out import HeldOut
    from glo_tf.data.outputs import Outputs
    from glo_tf.metrics.objective import Objective


class Meter:
    """Measures predictions for held-out data.

    Args:
        objective: What fitness is.
        outputs: Of the model.
        data: What is predicted.
    """

    def __init__(self, objective: Objective, outputs: Outputs, data: HeldOut):
        self._objective, self._outputs = objective, outputs
        self._labels = data.labels
        self._weights = [None] * len(outputs.each) if data.weights is None else data.weights
        self._measure = objective.measure(data.targets, data.weights)

    def judge(self, columns: np.ndarray) -> tuple[float | None, dict[str, float | None]]:
        """The fitness of predictions `(N, W)`, and by name the values that it is made of.

        The fitness is None if one of these is not finite, and so is that one.
        """
        found = self._measure(self._outputs.split(columns))
        return self._objective.fitness(found), self._objective.values(found)

    def values(self, columns: np.ndarray) -> dict[str, float | None]:
        """By name the metrics, and where all outputs are classes `"nll"` and `"ece"`.

        Of several outputs these are the means. None is a value that is not finite.

        Args:
            columns: Predictions `(N, W)`.
        """
        outputs = self._outputs
        _, values = self.judge(columns)
        if outputs.num_classes:
            values |= {NLL: None, ECE: None}
            if np.isfinite(columns).all():
                parts = [
                    (
                        self._labels[:, at].reshape(-1, out.width),
                        columns[:, at].reshape(-1, out.width),
                        None if weights is None else weights.ravel(),
                    )
                    for out, at, weights in zip(
                        outputs.each, outputs.slices, self._weights, strict=True
                    )
                ]
                values[NLL] = statistics.fmean(
                    negative_log_likelihood(*part, epsilon=outputs.epsilon) for part in parts
                )
                values[ECE] = statistics.fmean(expected_calibration_error(*p) for p in parts)
        return {
            name: value if value is not None and math.isfinite(value) else None
            for name, value in values.items()
        }
