"""Metrics of numbers that Keras does not have: what errors cost that differ by their sign."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from glo_tf.utils.checks import check_between_0_and_1, check_positive


def _cost(y_true: Any, y_pred: Any, under: float, over: float) -> Any:
    """Mean over the last axis of `under*(x - y)` where y is too low, `over*(y - x)` elsewhere."""
    y_pred = ops.convert_to_tensor(y_pred)
    error = ops.cast(y_true, y_pred.dtype) - y_pred
    return ops.mean(ops.maximum(under * error, -over * error), axis=-1)


@keras.saving.register_keras_serializable(package="glo_tf")
class AsymmetricCost(keras.metrics.MeanMetricWrapper):
    """Mean of `under*(x - y)` where predictions y are below targets x, `over*(y - x)` elsewhere.

    Args:
        under: Cost of one unit that is missing, above 0.
        over: Cost of one unit too many, above 0.
        name: As in `keras.metrics.Metric`.
        dtype: As in `keras.metrics.Metric`.

    Raises:
        ValueError: If a cost is not positive.
    """

    def __init__(
        self,
        under: float = 1.0,
        over: float = 1.0,
        name: str = "asymmetric_cost",
        dtype: Any = None,
    ):
        check_positive(under=under, over=over)
        super().__init__(_cost, name, dtype, under=under, over=over)
        self._direction = "down"
        self.under, self.over = under, over

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the metric again."""
        return {"name": self.name, "dtype": self.dtype, "under": self.under, "over": self.over}


@keras.saving.register_keras_serializable(package="glo_tf")
class QuantileLoss(keras.metrics.MeanMetricWrapper):
    """Quantile (pinball) loss, mean of `max(q*(x - y), (q - 1)*(x - y))`; see `glo_tf.Quantile`.

    Args:
        q: Which quantile predictions are to be, in (0, 1): the share of targets below.
        name: As in `keras.metrics.Metric`.
        dtype: As in `keras.metrics.Metric`.

    Raises:
        ValueError: If `q` is out of range.
    """

    def __init__(self, q: float = 0.5, name: str = "quantile_loss", dtype: Any = None):
        check_between_0_and_1(q=q)
        super().__init__(_cost, name, dtype, under=q, over=1.0 - q)
        self._direction = "down"
        self.q = q

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the metric again."""
        return {"name": self.name, "dtype": self.dtype, "q": self.q}


METRICS_OF_NUMBERS = {"asymmetric_cost": AsymmetricCost, "quantile_loss": QuantileLoss}
"""By the names that users may give them."""
