"""Statistics of a comparison: intervals, Welch's t-test, effect size, several comparisons."""

from __future__ import annotations

import dataclasses
import math
import statistics
import sys
from collections.abc import Iterable, Sequence

import numpy as np

CONFIDENCE = 0.95
"""Of all intervals; a p-value below 1 less this is significant."""

Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Difference:
    """One sample against another; None is what cannot be said of them.

    Attributes:
        difference: Of the means.
        interval: 95% confidence interval of it, by Welch's t-distribution.
        p_value: Of Welch's two-tailed t-test.
        effect_size: Hedges' g: the difference in pooled standard deviations, corrected for small
            samples.
    """

    difference: float
    interval: Interval | None
    p_value: float | None
    effect_size: float | None


def mean_of(values: Iterable[float]) -> float:
    """Their mean, also where their sum is larger than a float can be.

    Raises:
        statistics.StatisticsError: If there are none.
    """
    given = list(values)
    try:
        return statistics.fmean(given)
    except OverflowError:
        return statistics.mean(given)


def interval_of_mean(values: Sequence[float], within: Interval | None = None) -> Interval | None:
    """95% confidence interval of the mean, by Student's t; None for a single value.

    Args:
        values: The sample.
        within: The lowest and the highest value that there can be, None or infinite where there is
            none. The interval is taken on a scale on which they lie at infinity (the logit of a
            share, the logarithm of what is not negative; by the delta method) and stays inside.
            Values that lie outside tell that it is no such scale, and count as without one.
    """
    if len(values) < 2:
        return None
    from scipy import special, stats  # takes long: only where it is asked for

    mean, error = float(np.mean(values)), float(stats.sem(values))
    half = error * float(stats.t.ppf((1.0 + CONFIDENCE) / 2.0, len(values) - 1))
    low, high = within or (-math.inf, math.inf)
    if half == 0.0 or not (low <= min(values) and max(values) <= high):
        return mean - half, mean + half
    if math.isfinite(low) and math.isfinite(high):
        share = (mean - low) / (high - low)
        middle, width = special.logit(share), half / (high - low) / (share * (1.0 - share))
        below, above = special.expit([middle - width, middle + width]).tolist()
        return low + (high - low) * below, low + (high - low) * above
    if math.isfinite(low):
        ratio = half / (mean - low)
        return low + (mean - low) * math.exp(-ratio), low + (mean - low) * _exp(ratio)
    return mean - half, mean + half


def _exp(value: float) -> float:
    """As `math.exp`, the largest number where there is no larger one."""
    return math.exp(min(value, math.log(sys.float_info.max) - 1.0))


def half_width_between(values: Sequence[float], seeds: int = 1) -> float | None:
    """Half of the 95% confidence interval of the difference between two means of like trainings.

    Args:
        values: Of trainings that differ by their seeds alone.
        seeds: Trainings of each of the two.

    Returns:
        None where nothing is known of the spread, as from a single value.
    """
    if len(values) < 2:
        return None
    deviation = float(np.std(values, ddof=1)) * math.sqrt(2.0 / seeds)
    from scipy import stats  # takes long: only where it is asked for

    return deviation * float(stats.t.ppf((1.0 + CONFIDENCE) / 2.0, len(values) - 1))


def compare_means(
    one: Sequence[float], other: Sequence[float], within: Interval | None = None
) -> Difference:
    """`one` against `other`.

    Where all values lie `within` limits, so does the interval of their difference.

    There is no test, no interval and no effect size where a sample has a single value, or where
    neither varies at all: then nothing is known of the spread.
    """
    difference = float(np.mean(one) - np.mean(other))
    if min(len(one), len(other)) < 2 or (_constant(one) and _constant(other)):
        return Difference(difference, None, None, None)
    # From mean and deviation: `ttest_ind` itself warns where one sample does not vary.
    described = [(np.mean(s), np.std(s, ddof=1), len(s)) for s in (one, other)]
    from scipy import stats  # takes long: only where it is asked for

    p_value = stats.ttest_ind_from_stats(*described[0], *described[1], equal_var=False).pvalue
    errors = [deviation**2 / count for _, deviation, count in described]
    freedom = sum(errors) ** 2 / sum(
        error**2 / (count - 1) for error, (_, _, count) in zip(errors, described, strict=True)
    )
    half = math.sqrt(sum(errors)) * float(stats.t.ppf((1.0 + CONFIDENCE) / 2.0, freedom))
    low, high = within or (-math.inf, math.inf)
    inside = low <= min(*one, *other) and max(*one, *other) <= high
    widest = high - low if inside else math.inf
    return Difference(
        difference,
        (max(difference - half, -widest), min(difference + half, widest)),
        float(p_value),
        _hedges_g(one, other, difference),
    )


def compare_pairs(
    one: Sequence[float], other: Sequence[float], within: Interval | None = None
) -> Difference:
    """`one` against `other`, value by value, by Student's paired t-test.

    There is no test, and no interval, of a single pair, or where all differences are equal.

    Args:
        one: Values.
        other: As many, of the same seeds.
        within: The lowest and the highest value that there can be.
    """
    differences = np.subtract(one, other)
    mean = float(differences.mean())
    if len(differences) < 2 or _constant(differences.tolist()):
        return Difference(mean, None, None, None)
    from scipy import stats  # takes long: only where it is asked for

    error = float(stats.sem(differences))
    freedom = len(differences) - 1
    p_value = 2.0 * float(stats.t.sf(abs(mean) / error, freedom))
    half = error * float(stats.t.ppf((1.0 + CONFIDENCE) / 2.0, freedom))
    low, high = within or (-math.inf, math.inf)
    return Difference(
        mean,
        (max(mean - half, low - high), min(mean + half, high - low)),
        p_value,
        _hedges_g(one, other, mean),
    )


def correct_by_holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for there being several, by Holm's step-down method.

    None stays None, and does not count.
    """
    corrected: list[float | None] = [None] * len(p_values)
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[place] = largest
    return corrected


def _hedges_g(one: Sequence[float], other: Sequence[float], difference: float) -> float:
    freedom = len(one) + len(other) - 2
    squares = (len(one) - 1) * np.var(one, ddof=1) + (len(other) - 1) * np.var(other, ddof=1)
    # Hedges and Olkin, Statistical Methods for Meta-Analysis, 1985, chapter 5.
    correction = 1.0 - 3.0 / (4.0 * freedom - 1.0)
    return correction * difference / math.sqrt(squares / freedom)


def _constant(values: Sequence[float]) -> bool:
    return all(value == values[0] for value in values)


def shown_value(value: float | None) -> str:
    """A measured value for readers, with four decimals; None is one that is not known."""
    return "unknown" if value is None else f"{value:.4f}"
