"""Between which values metrics lie, by their names: intervals of their means stay there."""

from __future__ import annotations

import math

from glo_tf.metrics.calibration import ECE, NLL

EVERYWHERE = (-math.inf, math.inf)
"""What is known of a metric of which nothing is known, such as a user's function."""

_SHARE, _NOT_NEGATIVE = (0.0, 1.0), (0.0, math.inf)

_RANGES = {
    **dict.fromkeys(
        (
            ECE,
            "accuracy",
            "auc",
            "binary_accuracy",
            "binary_io_u",
            "categorical_accuracy",
            "f1_score",
            "fbeta_score",
            "io_u",
            "mean_io_u",
            "one_hot_io_u",
            "one_hot_mean_io_u",
            "precision",
            "precision_at_recall",
            "recall",
            "recall_at_precision",
            "sensitivity_at_specificity",
            "sparse_categorical_accuracy",
            "sparse_top_k_categorical_accuracy",
            "specificity_at_sensitivity",
            "top_k_categorical_accuracy",
        ),
        _SHARE,
    ),
    **dict.fromkeys(
        (
            NLL,
            "asymmetric_cost",
            "binary_crossentropy",
            "categorical_crossentropy",
            "categorical_hinge",
            "hinge",
            "kl_divergence",
            "log_cosh",
            "logcosh",
            "mean_absolute_error",
            "mean_absolute_percentage_error",
            "mean_squared_error",
            "mean_squared_logarithmic_error",
            "quantile_loss",
            "root_mean_squared_error",
            "sparse_categorical_crossentropy",
            "squared_hinge",
        ),
        _NOT_NEGATIVE,
    ),
}


def range_of(metric: str) -> tuple[float, float]:
    """The lowest and the highest value that a metric can have; infinite where there is none.

    Args:
        metric: Keras's name of it, or that of a calibration measure.
    """
    return _RANGES.get(metric, EVERYWHERE)
