"""How far predicted probabilities of classes can be believed."""

from __future__ import annotations

import numpy as np

NLL, ECE = "nll", "ece"
"""Names of the two measures, wherever their values are kept."""

_BINS = 15  # as in arXiv 1706.04599


def negative_log_likelihood(
    labels: np.ndarray,
    probabilities: np.ndarray,
    weights: np.ndarray | None = None,
    *,
    epsilon: float,
) -> float:
    """Mean of -log of the probability of the true class, in nats.

    Args:
        labels: One-hot, or probabilities of the classes, `(N, C)`.
        probabilities: Predicted, `(N, C)`.
        weights: Of the samples, `(N,)`; None if all count alike.
        epsilon: Smallest probability that is told from 0.
    """
    logarithms = np.log(np.maximum(probabilities.astype(np.float64), epsilon))
    of_samples = -(labels * logarithms).sum(axis=-1)
    return float(of_samples.mean() if weights is None else np.average(of_samples, weights=weights))


def expected_calibration_error(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Mean distance of accuracy from confidence, over 15 bins of equal width in confidence.

    Confidence is the largest probability of a sample; each bin counts as its samples do (Guo et
    al., On Calibration of Modern Neural Networks, arXiv 1706.04599, equation 3). 0 is calibrated.

    Args:
        labels: One-hot, or probabilities of the classes, `(N, C)`; the largest is the true class.
        probabilities: Predicted, `(N, C)`.
        weights: Of the samples, `(N,)`; None if all count alike.
    """
    confidence = probabilities.max(axis=-1).astype(np.float64)
    right = probabilities.argmax(axis=-1) == labels.argmax(axis=-1)
    # Bin m holds the confidences in ((m - 1)/15, m/15].
    bins = np.clip(np.ceil(confidence * _BINS).astype(int) - 1, 0, _BINS - 1)
    distances, total = right - confidence, float(len(confidence))
    if weights is not None:
        distances, total = distances * weights, float(weights.sum(dtype=np.float64))
    gaps = np.bincount(bins, weights=distances, minlength=_BINS)
    return float(np.abs(gaps).sum() / total)
