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
        self._measure = objective.measure(data.targets)

    def fitness(self, columns: np.ndarray) -> float | None:
        """The fitness of predictions `(N, W)`; None if a metric is not finite."""
        found = self._measure(self._outputs.split(columns))
        return None if found is None else self._objective.fitness(found)

    def values(self, columns: np.ndarray) -> dict[str, float | None]:
        """By name the metric, and where all outputs are classes `"nll"` and `"ece"`.

        Of several outputs it is their mean. None is a value that is not finite.

        Args:
            columns: Predictions `(N, W)`.
        """
        objective, outputs = self._objective, self._outputs
        found = self._measure(outputs.split(columns))
        values = {objective.name: None if found is None else objective.value(found)}
        if outputs.num_classes:
            values |= {NLL: None, ECE: None}
            if np.isfinite(columns).all():
                parts = [(self._labels[:, at], columns[:, at]) for at in outputs.slices]
                values[NLL] = statistics.fmean(
                    negative_log_likelihood(*part, epsilon=outputs.epsilon) for part in parts
                )
                values[ECE] = statistics.fmean(expected_calibration_error(*p) for p in parts)
        return {
            name: value if value is not None and math.isfinite(value) else None
            for name, value in values.items()
        }
