"""Whether a training still guesses.

Accuracy shows a slow start late: a network may prefer one class for a hundred steps while it learns
to tell them all apart. The area under the ROC curve sees that, and classes of unequal size do not
disturb it. Of 6,000 random trees on digits, those that ended within 0.02 of cross-entropy after 300
steps had an area of 0.87 or more after 75, but some of them an accuracy of 0.10; half of those that
never learned stayed below 0.53.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from glo_tf.data.output_weights import weight_columns
from glo_tf.data.outputs import SAMPLES_AT_ONCE, Outputs

if TYPE_CHECKING:
    from glo_tf.data.held_out import HeldOut

CHECK_AT = 0.25
"""Share of its steps after which a training may be ended."""

GUESSES_UP_TO = 0.55
"""Area under the ROC curve of a training that guesses: 0.5, and what chance adds to it."""

FEWEST_STEPS = 100
"""Of a training that may be ended; shorter ones have hardly begun when they would be judged."""


def looks_at(stop_at_chance: bool, steps: int, train_steps: int) -> int | None:
    """The step after which a training is looked at; None if it is not, or ends before.

    Args:
        stop_at_chance: Whether it was asked to be.
        steps: Its own.
        train_steps: Of a full training, as whose beginning it is judged.
    """
    step = int(CHECK_AT * train_steps)
    return step if stop_at_chance and train_steps >= FEWEST_STEPS and step < steps else None


def looked_at(samples: int, most: int = SAMPLES_AT_ONCE) -> slice:
    """Which of so many validation samples tell whether a training guesses; at most so many."""
    every = max(1, samples // most)
    return slice(0, every * most, every)


def known_of_some(data: HeldOut, outputs: Outputs) -> tuple[np.ndarray, np.ndarray | None]:
    """Columns of labels `(n, W)` and, if any, of weights, of the samples that are looked at."""
    part = looked_at(len(data.labels), outputs.samples_at_once)
    weights = None
    if data.weights is not None:
        weights = weight_columns([of_output[part] for of_output in data.weights], outputs)
    return data.labels[part], weights


def guesses(
    outputs: Outputs, columns: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> bool:
    """Whether predictions are no better than chance.

    Args:
        outputs: Of the model.
        columns: Predictions, float `(N, W)`.
        labels: Columns `(N, W)`.
        weights: Of the samples, at least 0, `(N, W)` or `(N, 1)`; None if all count alike.

    Returns:
        False if no output has probabilities, as then nothing can be guessed.
    """
    places = outputs.probabilities
    if not places.any():
        return False
    if outputs.dense:
        return float(np.mean(list(_areas(outputs, columns, labels, weights)))) <= GUESSES_UP_TO
    if weights is not None:
        weights = np.broadcast_to(weights, labels.shape)[:, places]
    return area_under_roc(columns[:, places], labels[:, places], weights) <= GUESSES_UP_TO


def _areas(
    outputs: Outputs, columns: np.ndarray, labels: np.ndarray, weights: np.ndarray | None
) -> Iterator[float]:
    """The area of each output that has probabilities, over its positions."""
    shares = np.ones_like(labels) if weights is None else np.broadcast_to(weights, labels.shape)
    for output, place in zip(outputs.each, outputs.slices, strict=True):
        if output.probabilities:
            parts = (part[:, place].reshape(-1, output.width) for part in (columns, labels, shares))
            yield area_under_roc(*parts)


def area_under_roc(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Mean area under the ROC curve of each class against the rest.

    Args:
        scores: float `(N, C)`.
        labels: One-hot `(N, C)`.
        weights: Of the samples, at least 0, `(N, C)`; None if all count alike.

    Returns:
        The mean over the classes that have samples and are not alone. 1 if there is none, as then
        there is nothing to tell apart. NaN if a score is NaN.
    """
    if np.isnan(scores).any():
        return float("nan")
    shares = np.ones(scores.shape) if weights is None else weights.astype(float)
    areas = []
    for column, label, share in zip(scores.T, labels.T, shares.T, strict=True):
        order = column.argsort()
        ordered, sums = column[order], np.append(0.0, share[order].cumsum())
        positive = label * share
        own = positive.sum(dtype=float)
        pairs = own * (sums[-1] - own)
        if pairs > 0.0:
            below = sums[ordered.searchsorted(column, side="left")]
            not_above = sums[ordered.searchsorted(column, side="right")]
            ranks = (below + not_above) / 2.0  # ties count half, as does a score itself
            areas.append((ranks @ positive - own * own / 2.0) / pairs)
    return float(np.mean(areas)) if areas else 1.0
