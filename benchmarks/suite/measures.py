"""What is measured of scores: logits `(N, C)`, or predicted numbers `(N, 1)`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from scipy import special, stats

Measured = Callable[[np.ndarray, np.ndarray], float]
"""From scores and targets."""


@dataclasses.dataclass(frozen=True)
class Measure:
    """A metric.

    Attributes:
        name: How it is shown.
        of: From scores and targets to its value.
        largest: Whether it is to be large rather than small.
        points: Whether readers have it in points of a hundred.
    """

    name: str
    of: Measured
    largest: bool = True
    points: bool = True

    def better(self, scores: np.ndarray, targets: np.ndarray) -> float:
        """The larger the better."""
        value = self.of(scores, targets)
        return value if self.largest else -value


def _confusion(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    classes = scores.shape[1]
    both = targets * classes + scores.argmax(axis=1)
    return np.bincount(both, minlength=classes * classes).reshape(classes, classes)


def accuracy(scores: np.ndarray, targets: np.ndarray) -> float:
    """Share of the samples that are right."""
    return float((scores.argmax(axis=1) == targets).mean())


def balanced_accuracy(scores: np.ndarray, targets: np.ndarray) -> float:
    """Mean recall of the classes that there are."""
    table = _confusion(scores, targets)
    there = table.sum(axis=1) > 0
    return float((table.diagonal()[there] / table.sum(axis=1)[there]).mean())


def macro_f1(scores: np.ndarray, targets: np.ndarray) -> float:
    """Mean F1 of the classes."""
    table = _confusion(scores, targets)
    both = table.sum(axis=0) + table.sum(axis=1)
    return float((2 * table.diagonal() / np.maximum(both, 1)).mean())


def f_beta(beta: float) -> Measured:
    """F-beta of class 1."""

    def measured(scores: np.ndarray, targets: np.ndarray) -> float:
        (_, wrong), (missed, right) = _confusion(scores, targets)
        total = (1 + beta**2) * right + beta**2 * missed + wrong
        return float((1 + beta**2) * right / total) if right else 0.0

    return measured


def auc(scores: np.ndarray, targets: np.ndarray) -> float:
    """Chance that a sample of class 1 has a larger score than one of class 0."""
    ranks = stats.rankdata(scores[:, 1] - scores[:, 0])
    ones = int(targets.sum())
    above = ranks[targets == 1].sum() - ones * (ones + 1) / 2
    return float(above / (ones * (len(targets) - ones)))


def cost(missed: float, false_alarm: float) -> Measured:
    """Mean cost of a decision on whether a sample is of class 1."""

    def measured(scores: np.ndarray, targets: np.ndarray) -> float:
        table = _confusion(scores, targets)
        return float((missed * table[1, 0] + false_alarm * table[0, 1]) / len(targets))

    return measured


def nll(scores: np.ndarray, targets: np.ndarray) -> float:
    """Negative log-likelihood of the labels."""
    logarithms = special.log_softmax(scores.astype(np.float64), axis=1)
    return float(-logarithms[np.arange(len(targets)), targets].mean())


def pinball(q: float) -> Measured:
    """Quantile loss."""

    def measured(scores: np.ndarray, targets: np.ndarray) -> float:
        error = targets - scores[:, 0]
        return float(np.maximum(q * error, (q - 1.0) * error).mean())

    return measured


def asymmetric_cost(under: float) -> Measured:
    """Mean of the errors' size to 1.5, times `under` where the prediction is too low."""

    def measured(scores: np.ndarray, targets: np.ndarray) -> float:
        error = (targets - scores[:, 0]).astype(np.float64)  # 1e30 to 1.5 is too much for float32
        return float((np.where(error > 0.0, under, 1.0) * np.abs(error) ** 1.5).mean())

    return measured


Decision = Callable[[np.ndarray], np.ndarray]
"""From scores to those that are decided by."""


def as_they_are(*_: object) -> Decision:
    """The scores themselves."""
    return lambda scores: scores


def adjusted(
    scores: np.ndarray, targets: np.ndarray, measure: Measure, shares: np.ndarray
) -> Decision:
    """Post-hoc logit adjustment (arXiv 2007.07314), with the best of 17 strengths.

    Args:
        scores: Of validation data.
        targets: Of the same.
        measure: What the best is by.
        shares: Of the classes among training labels.
    """
    shifts = [tau * np.log(shares) for tau in np.linspace(0.0, 2.0, 17)]
    best = _best([scores - shift for shift in shifts], targets, measure)
    return lambda others: others - shifts[best]


def thresholded(
    scores: np.ndarray, targets: np.ndarray, measure: Measure, shares: np.ndarray
) -> Decision:
    """The best of 64 thresholds of the difference of two logits."""
    margins = scores[:, 1] - scores[:, 0]
    cuts = np.append(np.quantile(margins, np.linspace(0.0, 1.0, 63)), 0.0)
    shifts = [np.array([cut, 0.0]) for cut in cuts]
    best = _best([scores + shift for shift in shifts], targets, measure)
    return lambda others: others + shifts[best]


def tempered(
    scores: np.ndarray, targets: np.ndarray, measure: Measure, shares: np.ndarray
) -> Decision:
    """The scores times the best of 61 inverse temperatures, from 0.05 to 20."""
    factors = np.geomspace(0.05, 20.0, 61)
    best = _best([scores * factor for factor in factors], targets, measure)
    return lambda others: others * factors[best]


def _best(tried: Sequence[np.ndarray], targets: np.ndarray, measure: Measure) -> int:
    return int(np.argmax([measure.better(scores, targets) for scores in tried]))
