"""A fixed set of predictions, of undecided and of sure networks, and a loss's gradients on it.

All that a network sees of a loss are its gradients with respect to what the last layer computes
before its activation: the logits, or the predictions themselves where the output is linear. A loss
that changes in the course of trainings, or with the weight of a sample, is examined at several
points of these; frequencies of classes are those of the training data.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools

import numpy as np

from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.expressions.leaves import LEAVES, Surroundings
from glo_tf.expressions.over_outputs import over_outputs
from glo_tf.expressions.program import Program
from glo_tf.expressions.seen_by_loss import SeenByLoss, seen_by_loss
from glo_tf.expressions.tree import Expression

UNDECIDED, SURE = 16, 6  # predictions of either kind, in this order
_DEVIATIONS = np.append(np.linspace(0.2, 3.0, UNDECIDED), np.full(SURE, 3.0))


PROGRESS = (0.0, 0.3, 0.7, 0.97)
"""Where losses that see the progress of trainings are examined; trainings begin at the first."""

_WEIGHTS = (1.0, 0.4, 2.5)


@dataclasses.dataclass(frozen=True)
class Examined:
    """Predictions, once for each of the surroundings in which a loss is examined, as rows.

    Attributes:
        times: How many surroundings there are; in the first trainings begin.
        labels: Columns x, `(times*n, W)`.
        predictions: Columns y, `(times*n, W)`.
        surroundings: Of the rows.
    """

    times: int
    labels: np.ndarray
    predictions: np.ndarray
    surroundings: Surroundings | None

    @classmethod
    def of(
        cls,
        loss: Expression,
        outputs: Outputs,
        labels: np.ndarray,
        predictions: np.ndarray,
        *,
        weighted: bool = True,
    ) -> Examined:
        """What a loss is examined on.

        Args:
            loss: The whole loss, per class.
            outputs: Of the model.
            labels: Columns x, `(n, W)`.
            predictions: Columns y, `(n, W)`.
            weighted: Whether samples may have other weights than 1.
        """
        needs = {part for name in loss.surroundings for part in LEAVES[name].needs}
        if not needs:
            return cls(1, labels, predictions, None)
        progress = PROGRESS if "progress" in needs else PROGRESS[:1]
        weights = _WEIGHTS if "weights" in needs and weighted else _WEIGHTS[:1]
        pairs = np.repeat(list(itertools.product(progress, weights)), len(labels), axis=0)
        times = len(pairs) // len(labels)
        return cls(
            times,
            np.tile(labels, (times, 1)),
            np.tile(predictions, (times, 1)),
            Surroundings(outputs.frequencies, pairs[:, :1], pairs[:, 1:], outputs.classes),
        )

    def run(
        self, program: Program, outputs: Outputs, seen: SeenByLoss
    ) -> tuple[np.ndarray, np.ndarray]:
        """Terms and slopes of a program, `(times*n, W)`.

        Args:
            program: Of the loss.
            outputs: Of the model.
            seen: The predictions as the loss takes them.
        """
        given = self.labels, seen.y, seen.log_y, self.surroundings
        if program.layout.across:
            return over_outputs(outputs, np, program.run, *given)
        return program.run(*given)


@functools.cache
def fixed_set(outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions, float64 `(UNDECIDED + SURE, W)`."""
    sets = [_fixed_set(output) for output in outputs.each]
    labels, predictions = (np.concatenate(parts, axis=-1) for parts in zip(*sets, strict=True))
    return labels, predictions


def exact_gradients(
    loss: Expression,
    outputs: Outputs,
    labels: np.ndarray,
    predictions: np.ndarray,
    *,
    weighted: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of a loss in float64, and the largest of the terms of each.

    Args:
        loss: The whole loss, per class.
        outputs: Of the model.
        labels: Columns x, `(n, W)`.
        predictions: Columns y, `(n, W)`; of logits, the probabilities.
        weighted: See `Examined.of`.

    Returns:
        As `logit_gradients`, for all rows of what is `Examined`.
    """
    examined = Examined.of(loss, outputs, labels, predictions, weighted=weighted)
    with np.errstate(all="ignore"):
        seen = seen_by_loss(outputs, np, outputs.scores_of(examined.predictions))
        program = Program.of(loss, dtype=np.float64, log_y=seen.log_y is not None)
        _, slopes = examined.run(program, outputs, seen)
        return logit_gradients(outputs, slopes, examined.predictions)


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
