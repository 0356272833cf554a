"""A fixed set of predictions, of undecided and of sure networks, and a loss's gradients on it.

All that a network sees of a loss are its gradients with respect to what the last layer computes
before its activation: the logits, or the predictions themselves where the output is linear.
"""

from __future__ import annotations

import functools

import numpy as np

from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.expressions.program import Program
from glo_tf.expressions.seen_by_loss import seen_by_loss
from glo_tf.expressions.tree import Expression

UNDECIDED, SURE = 16, 6  # predictions of either kind, in this order
_DEVIATIONS = np.append(np.linspace(0.2, 3.0, UNDECIDED), np.full(SURE, 3.0))


@functools.cache
def fixed_set(outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions, float64 `(UNDECIDED + SURE, W)`."""
    sets = [_fixed_set(output) for output in outputs.each]
    labels, predictions = (np.concatenate(parts, axis=-1) for parts in zip(*sets, strict=True))
    return labels, predictions


def exact_gradients(
    loss: Expression, outputs: Outputs, labels: np.ndarray, predictions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of a loss in float64, and the largest of the terms of each.

    Args:
        loss: The whole loss, per class.
        outputs: Of the model.
        labels: Columns x, `(n, W)`.
        predictions: Columns y, `(n, W)`; of logits, the probabilities.

    Returns:
        As `logit_gradients`.
    """
    with np.errstate(all="ignore"):
        seen = seen_by_loss(outputs, np, outputs.scores_of(predictions))
        program = Program.of(loss, dtype=np.float64, log_y=seen.log_y is not None)
        _, slopes = program.run(labels, seen.y, seen.log_y)
        return logit_gradients(outputs, slopes, predictions)


def logit_gradients(
    outputs: Outputs, slopes: np.ndarray, predictions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients through the activations, and the largest of the terms that each is a sum of.

    Args:
        outputs: Whose columns these are.
        slopes: dL/dy, `(n, W)`; of logits dL/dlog(y).
        predictions: y, `(n, W)`.

    Returns:
        Two arrays `(n, W)`.
    """
    gradients, terms = np.empty_like(slopes), np.empty_like(slopes)
    for output, place in zip(outputs.each, outputs.slices, strict=True):
        slope, y = slopes[:, place], predictions[:, place]
        if output.activation == Activation.LINEAR:
            gradients[:, place], terms[:, place] = slope, np.abs(slope)
            continue
        to_log = slope if output.from_logits else slope * y
        if output.activation == Activation.SIGMOID and not output.binary:
            gradients[:, place] = to_log * (1.0 - y)
            terms[:, place] = np.abs(gradients[:, place])
        else:  # a binary output is a softmax of a logit and 0
            gradients[:, place] = through_log_softmax(to_log, y)
            terms[:, place] = np.abs(to_log).max(axis=-1, keepdims=True)
    return gradients, terms


def through_log_softmax(slopes: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Gradients with respect to the logits of a softmax, `(..., C)`.

    Args:
        slopes: With respect to the logarithms of the predictions, `(..., C)`.
        predictions: `(..., C)`.
    """
    return np.asarray(slopes - predictions * slopes.sum(axis=-1, keepdims=True))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities `(..., C)`."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities, element by element."""
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def linear_targets(output: Output, count: int) -> tuple[np.ndarray, float]:
    """Values such as the training targets of a linear output, and their standard deviation.

    Returns:
        Float64 `(count,)` in rising order; the deviation, or 1 if they are all equal.
    """
    quantiles = np.array(output.quantiles)
    places = np.linspace(0.0, 1.0, count)
    values = np.interp(places, np.linspace(0.0, 1.0, len(quantiles)), quantiles)
    return values, float(values.std()) or 1.0


def _fixed_set(output: Output) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    count = UNDECIDED + SURE
    logits = rng.normal(size=(count, output.width)) * _DEVIATIONS[:, None]
    # The logit of the label: from a probability of nearly 1 to one that is clipped.
    sure = np.linspace(25.0, -25.0, SURE)
    if output.activation == Activation.LINEAR:
        values, spread = linear_targets(output, count)
        order = rng.permutation(count)  # undecided predictions meet large and small targets
        targets = np.tile(values[order, None], (1, output.width))
        errors = logits
        errors[UNDECIDED:] = sure[:, None]
        return targets, targets + spread * errors
    if output.activation == Activation.SIGMOID and not output.binary:
        labels = np.arange(count)[:, None] + np.arange(output.width)
        labels = (labels % 2).astype(float)
        logits[UNDECIDED:] = np.where(labels[UNDECIDED:] == 1.0, sure[:, None], -sure[:, None])
        return labels, sigmoid(logits)
    label = np.arange(count) % output.width
    logits[np.arange(UNDECIDED, count), label[UNDECIDED:]] = sure
    return np.eye(output.width)[label], softmax(logits)
