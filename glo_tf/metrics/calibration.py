"""How far predicted probabilities of classes can be believed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

NLL, ECE = "nll", "ece"
"""Names of the two measures, wherever their values are kept."""

_AT_ONCE = 1 << 20  # rows; bounds the memory that it takes
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
    of_samples = np.empty(len(labels))
    for part in _parts(labels):
        logarithms = np.log(np.maximum(probabilities[part].astype(np.float64), epsilon))
        of_samples[part] = -(labels[part] * logarithms).sum(axis=-1)
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
    gaps = np.zeros(_BINS)
    for part in _parts(labels):
        confidence = probabilities[part].max(axis=-1).astype(np.float64)
        right = probabilities[part].argmax(axis=-1) == labels[part].argmax(axis=-1)
        # Bin m holds the confidences in ((m - 1)/15, m/15].
        bins = np.clip(np.ceil(confidence * _BINS).astype(int) - 1, 0, _BINS - 1)
        distances = right - confidence
        if weights is not None:
            distances *= weights[part]
        gaps += np.bincount(bins, weights=distances, minlength=_BINS)
    total = len(labels) if weights is None else float(weights.sum(dtype=np.float64))
    return float(np.abs(gaps).sum() / total)


def _parts(rows: np.ndarray) -> Iterator[slice]:
    """Slices of rows that are looked at together."""
    return (slice(start, start + _AT_ONCE) for start in range(0, len(rows), _AT_ONCE))
