"""Losses that cannot move free predictions toward their labels.

Before a network learns with a loss, predictions that are free to move must: if gradient descent on
the logits themselves does not lift the labels' logits above the others, no network that produces
such logits will. The idea is that of EvoMAL (arXiv 2403.00865) and CSE-AutoLoss (arXiv 2102.04700).
Where an output is linear, its predictions themselves descend, and have to settle near the targets,
or where the targets are large or small.

A loss is element-wise, and labels of classes are 0 or 1: so two functions of one prediction, the
slopes for x = 0 and for x = 1, hold all there is to know. They are tabulated once per loss, as are
those for some targets of a linear output, and the descent runs for all losses of a generation
together. One that sees more than label and prediction, or all classes at once, descends by itself,
as trainings begin, as they end, in between, and from the first to the last in the course of it; it
has to learn in one of these.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.expressions.leaves import LABEL_AND_PREDICTION, LEAVES, Surroundings
from glo_tf.expressions.program import Program
from glo_tf.expressions.seen_by_loss import seen_by_loss
from glo_tf.screening.probes import linear_targets, sigmoid, softmax, through_log_softmax

_LOG_ODDS = np.linspace(-16.5, 16.5, 331)  # of a prediction; beyond 1e-7 on either side
_DISTANCES = np.linspace(-12.0, 12.0, 385)  # of a linear prediction from the mean target
_RATES = np.linspace(1.0, 0.05, 20)  # the largest change of a logit, or of a place in spreads
_WAYS = (None, 0.0, 0.5, 0.97)  # progress of trainings; None is all of it
_LEARNED = 0.8
"""Share of the predictions that have to end at their labels. Of 1,457 random trees, those that
trained a network to more than 0.2 accuracy on digits all reached 1.0."""

_FOLLOWS = 0.5
"""Correlation with the targets that linear predictions have to reach."""


def learns(programs: Sequence[Program], outputs: Outputs) -> np.ndarray:
    """Whether gradient descent with each loss moves free predictions to their labels.

    Args:
        programs: Losses, terms of one column.
        outputs: Of the model; a loss has to teach one of them.

    Returns:
        bool `(len(programs),)`.
    """
    learned = np.zeros(len(programs), bool)
    alone = [p.layout.across or p.layout.leaves != LABEL_AND_PREDICTION for p in programs]
    for place in np.flatnonzero(alone).tolist():
        each = dict.fromkeys(outputs.each)
        learned[place] = any(_learns_alone(programs[place], out, outputs.epsilon) for out in each)
    if not all(alone):
        learned[~np.array(alone)] = _learn_by_tables(
            [p for p, by_itself in zip(programs, alone, strict=True) if not by_itself],
            outputs.uncounted,
        )
    return learned


def _learn_by_tables(programs: Sequence[Program], outputs: Outputs) -> np.ndarray:
    learned = np.zeros(len(programs), bool)
    tables: dict[bool, np.ndarray] = {}
    for output in dict.fromkeys(outputs.each):
        if output.activation == Activation.LINEAR:
            learned |= _follows_targets(programs, output)
            continue
        logits = output.from_logits
        if logits not in tables:
            tables[logits] = np.stack([_slopes(p, outputs.epsilon, logits) for p in programs])
        if output.activation == Activation.SIGMOID and not output.binary:
            learned |= _learns_labels(tables[logits])
        else:
            learned |= _learns_classes(tables[logits], output.width, logits)
    return learned


def _learns_alone(program: Program, output: Output, epsilon: float) -> bool:
    """As `learns`, of one loss, with the slopes that it has where predictions are."""
    linear, classes = output.activation == Activation.LINEAR, output.width
    independent = output.activation == Activation.SIGMOID and not output.binary
    samples = 32 if linear else min(32, max(4, 320 // classes))
    rng = np.random.default_rng(0)
    which = np.arange(samples)
    targets, spread = linear_targets(output, samples) if linear else (which % classes, 1.0)
    x = np.eye(classes)[targets] if not linear else np.repeat(targets[:, None], classes, axis=1)
    if independent:
        x = ((which[:, None] + np.arange(classes)) % 2).astype(float)
    # One row for each way in which trainings may come about.
    ways = _WAYS if _sees_progress(program) else _WAYS[:1]
    places = np.tile(rng.normal(size=x.shape), (len(ways), 1))
    labels = np.tile(x, (len(ways), 1))
    alone = Outputs((dataclasses.replace(output, positions=()),), epsilon=epsilon)
    reached = np.zeros(len(ways))
    before, settled = np.zeros(places.shape), np.zeros(places.shape, bool)
    for done, rate in enumerate(_RATES):
        progress = [done / len(_RATES) if way is None else way for way in ways]
        around = Surroundings(
            alone.frequencies,
            np.repeat(progress, samples)[:, None],
            classes=float(classes),
        )
        if linear:
            y = targets.mean() + spread * places
        elif independent:
            y = sigmoid(places)
        else:
            y = softmax(places)
        with np.errstate(all="ignore"):
            seen = seen_by_loss(alone, np, alone.scores_of(y))
            _, slopes = program.run(labels, seen.y, seen.log_y, around)
        slopes = np.where(np.isfinite(slopes), slopes, 0.0).astype(float)
        if linear:
            moves = np.sign(slopes)
        else:
            slopes = slopes if output.from_logits else slopes * y
            gradients = slopes * (1.0 - y) if independent else through_log_softmax(slopes, y)
            largest = np.abs(gradients).max(axis=-1, keepdims=True)
            moves = np.divide(gradients, largest, out=np.zeros_like(gradients), where=largest > 0)
        settled |= moves * before < 0.0
        places, before = places - rate * moves, moves
        if linear:
            right = settled
        elif independent:
            right = (places > 0.0) == (labels > 0.5)
        else:
            right = places.argmax(axis=-1) == labels.argmax(axis=-1)
        reached = np.maximum(reached, right.reshape(len(ways), -1).mean(axis=-1))
    fine = reached >= _LEARNED
    if linear and targets.std() > 0.0:
        rows = places.reshape(len(ways), samples, classes)[..., 0]
        fine &= _correlations(rows, targets) >= _FOLLOWS
    return bool(fine.any())


def _sees_progress(program: Program) -> bool:
    return any("progress" in LEAVES[name].needs for name in program.layout.leaves)


def _learns_classes(slopes: np.ndarray, num_classes: int, from_logits: bool) -> np.ndarray:
    samples = min(32, max(4, 320 // num_classes))
    labels = np.arange(samples) % num_classes
    logits = np.random.default_rng(0).normal(size=(samples, num_classes))
    logits = np.tile(logits, (len(slopes), 1, 1))
    is_label = labels[:, None] == np.arange(num_classes)
    reached = np.zeros(len(slopes))
    for rate in _RATES:
        y = softmax(logits)
        found = _looked_up(slopes, y, is_label)
        gradients = through_log_softmax(found if from_logits else found * y, y)
        # Each prediction moves at its own scale, as it is the direction that is asked about.
        largest = np.abs(gradients).max(axis=-1, keepdims=True)
        moves = np.divide(gradients, largest, out=np.zeros_like(gradients), where=largest > 0)
        logits -= rate * moves
        reached = np.maximum(reached, (logits.argmax(axis=-1) == labels).mean(axis=-1))
    return np.asarray(reached >= _LEARNED)


def _learns_labels(slopes: np.ndarray) -> np.ndarray:
    """As `_learns_classes`, of probabilities that do not share a sum."""
    # Half of either label begins on its own side, which is no merit of the loss.
    logits = np.outer([1.0, -1.0, 1.0, -1.0], np.random.default_rng(0).normal(size=8)).ravel()
    is_label = np.repeat([True, True, False, False], 8)
    logits = np.tile(logits, (len(slopes), 1))
    reached = np.zeros(len(slopes))
    for rate in _RATES:
        logits -= rate * np.sign(_looked_up(slopes, sigmoid(logits), is_label))
        reached = np.maximum(reached, ((logits > 0.0) == is_label).mean(axis=-1))
    return np.asarray(reached >= _LEARNED)


def _follows_targets(programs: Sequence[Program], output: Output) -> np.ndarray:
    targets, spread = linear_targets(output, 32)
    grid = targets.mean() + spread * _DISTANCES
    labels = np.repeat(targets[:, None], len(grid), axis=1)
    slopes = np.stack([_directions(program, labels, grid) for program in programs])
    rng = np.random.default_rng(0)
    places = np.tile(rng.normal(size=len(targets)), (len(programs), 1))  # in spreads from the mean
    loss, sample = np.ogrid[: len(programs), : len(targets)]
    before, settled = np.zeros(places.shape), np.zeros(places.shape, bool)
    for rate in _RATES:
        found = np.rint((places - _DISTANCES[0]) / (_DISTANCES[1] - _DISTANCES[0])).astype(int)
        direction = slopes[loss, sample, np.clip(found, 0, len(grid) - 1)]
        settled |= direction * before < 0.0  # -(x*y) has no minimum to settle at
        places, before = places - rate * direction, direction
    follows = settled.mean(axis=-1) >= _LEARNED
    if targets.std() > 0.0:
        follows &= _correlations(places, targets) >= _FOLLOWS
    return np.asarray(follows)


def _directions(program: Program, labels: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Signs of dL/dy for each label at every grid point; 0 where it is not finite."""
    _, slopes = program.run(labels, np.tile(grid, (len(labels), 1)))
    return np.asarray(np.sign(np.where(np.isfinite(slopes), slopes, 0.0)))


def _correlations(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(axis=-1, keepdims=True)
    deviations = rows.std(axis=-1) * values.std()
    covariances = (rows * (values - values.mean())).mean(axis=-1)
    correlations = np.zeros(len(rows))
    np.divide(covariances, deviations, out=correlations, where=deviations > 0.0)
    return correlations


def _slopes(program: Program, epsilon: float, from_logits: bool) -> np.ndarray:
    """dL/dy at every grid point, for x = 0 and x = 1; 0 where it is not finite.

    Of logits it is dL/dlog(y).
    """
    table = Outputs(
        (Output(Activation.SOFTMAX, len(_LOG_ODDS), from_logits=from_logits),), epsilon=epsilon
    )
    seen = seen_by_loss(table, np, table.scores_of(np.tile(sigmoid(_LOG_ODDS), (2, 1))))
    labels = np.repeat([[0.0], [1.0]], len(_LOG_ODDS), axis=1)
    _, slopes = program.run(labels, seen.y, seen.log_y)
    return np.where(np.isfinite(slopes), slopes, 0.0).astype(float)


def _looked_up(slopes: np.ndarray, predictions: np.ndarray, is_label: np.ndarray) -> np.ndarray:
    """The slope of each loss at predictions `(losses, ...)`, from its table."""
    odds = predictions / np.maximum(1.0 - predictions, 1e-12)
    first, step = _LOG_ODDS[0], _LOG_ODDS[1] - _LOG_ODDS[0]
    place = np.rint((np.log(np.maximum(odds, 1e-12)) - first) / step).astype(int)
    place = np.clip(place, 0, len(_LOG_ODDS) - 1)
    loss = np.arange(len(slopes)).reshape(-1, *[1] * is_label.ndim)
    return np.asarray(slopes[loss, is_label.astype(int), place])
