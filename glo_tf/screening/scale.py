"""How steep a loss is where training begins, beside the usual loss.

A loss times a factor is the same loss at another learning rate, for plain gradient descent
exactly. So a loss and a learning rate belong together, and rates can be compared only after this
factor is taken out of them.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from typing import TYPE_CHECKING, Any

import numpy as np

from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import usual_loss
from glo_tf.losses.given import Loss, as_expressions
from glo_tf.screening.probes import UNDECIDED, exact_gradients, fixed_set, linear_targets
from glo_tf.utils.choice import choice

if TYPE_CHECKING:
    from glo_tf.losses.all_classes import AllClassesLoss

_STANDARD_NORMAL = np.array([statistics.NormalDist().inv_cdf(p / 100) for p in range(1, 100)])
_FURTHEST = 1e4  # what a confident mistake may count beside the beginning
_STEP = 1e-4  # of logits; differences are exact to its square
_ROUNDING = 1e-9  # of a gradient, relative to the terms that it is a sum of


def gradient_scale(
    loss: Loss, units: int = 10, *, activation: str = Activation.SOFTMAX, targets: Any = None
) -> float:
    """How steep a loss is where training begins, relative to the usual loss.

    A loss with scale s at the learning rate r trains at first as the usual loss does at r * s. So
    a loss that takes the place of cross-entropy wants its learning rate divided by s, and a loss
    divided by s wants the learning rate that cross-entropy had. Later the shape of the loss
    decides, so this is where to begin looking for its learning rate, not where to end.

    Args:
        loss: As for `glo_tf.compare`: an expression as text, an `Expression`, an
            `ExpressionLoss`, or the name of a loss, such as `"baikal"`; or a loss that looks at all
            classes at once, such as `glo_tf.NCE()`.
        units: Width of the model's output: the number of classes for `"softmax"`, 1 for two classes
            with `"sigmoid"`.
        activation: `"softmax"`, `"sigmoid"` or `"linear"`; the usual loss is cross-entropy, binary
            cross-entropy or squared error.
        targets: For `"linear"`, numbers as the model is trained on; standard normal ones if None.

    Returns:
        The root mean square of the gradients with respect to the logits (or linear outputs) of an
        undecided network, divided by that of the usual loss; 0 if there is none that is finite.

    Raises:
        ValueError: If `loss` is no loss, `units` is too small, `activation` is not one of these, or
            `targets` are not finite numbers or not for a linear output.

    Example:
        >>> import glo_tf
        >>> glo_tf.gradient_scale("-(x*y)", 10)
        0.1
    """
    from glo_tf.losses.all_classes import AllClassesLoss  # Keras
    from glo_tf.losses.lookup import find_loss

    kind = choice(Activation, "activation", activation)
    outputs = Outputs((_output(units, kind, targets),))
    found = find_loss(loss, outputs, "loss")[1] if isinstance(loss, str) else loss
    if isinstance(found, AllClassesLoss) and kind in found.FITS:
        return _of_all_classes(found, 2 if kind == Activation.SIGMOID else units)
    if getattr(found, "from_logits", False):  # the same to a network that is undecided
        outputs = Outputs((dataclasses.replace(outputs.each[0], from_logits=True),))
    frequencies = getattr(found, "frequencies", None)
    if frequencies is not None:
        outputs = outputs.with_frequencies(frequencies)
    (tree,) = as_expressions([found], "loss", options=outputs.loss_options, outputs=outputs)
    return float(f"{relative_scale(tree, outputs):.6g}")


def _of_all_classes(loss: AllClassesLoss, classes: int) -> float:
    """The same of what is no expression of one class, by differences of the logits."""
    loss.check_classes(classes)
    moved = _STEP * np.eye(classes)
    above, below = (
        logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True)) for logits in (moved, -moved)
    )
    of_loss, of_usual = 0.0, 0.0
    for label in np.eye(classes):
        x = np.broadcast_to(label, moved.shape)
        slopes = loss.formula(np, x, np.exp(above), above) - loss.formula(
            np, x, np.exp(below), below
        )
        usual = ((below - above) * x).sum(axis=-1)
        of_loss += float(np.square(slopes).sum())
        of_usual += float(np.square(usual).sum())
    return float(f"{math.sqrt(of_loss / of_usual):.6g}")


def _output(units: int, activation: Activation, targets: Any) -> Output:
    least = 2 if activation == Activation.SOFTMAX else 1
    if not isinstance(units, int) or units < least:
        raise InvalidArgumentError(
            f"Expected units as a number of at least {least}, for {activation}. "
            f"Received: units={units!r}"
        )
    if activation != Activation.LINEAR:
        if targets is not None:
            raise InvalidArgumentError(
                f"Expected targets for activation='{Activation.LINEAR}' alone. "
                f"Received: targets beside activation='{activation}'"
            )
        return Output(activation, units)
    values = _STANDARD_NORMAL if targets is None else np.asarray(targets, float)
    if values.size == 0 or not np.isfinite(values).all():
        raise InvalidArgumentError(
            "Expected targets as finite numbers, at least one. "
            f"Received: targets of shape={values.shape}"
        )
    return Output.of_numbers(units, values)


def relative_scale(loss: Expression, outputs: Outputs) -> float:
    """The root mean square of a loss's gradients, relative to that of the usual loss's.

    Gradients are with respect to logits, or to linear outputs, of a network that knows nothing: of
    classes y = 1/C, of probabilities of their own y = 1/2, of numbers the mean of the targets. Each
    label counts alike. For C classes that is |t'(1, 1/C) - t'(0, 1/C)| / C, where t(x, y) is the
    term of a class and t' its derivative by y. Where all gradients are 0 there, the undecided
    predictions of `glo_tf.screening.probes.fixed_set` take its place.

    Args:
        loss: The whole loss, per class.
        outputs: Of the model; several are taken together, as one learning rate serves them all, and
            each counts by its weight.

    Returns:
        The factor by which a learning rate of the usual loss is divided to have steps of the same
        length: 1 for the usual loss, 0 for a loss without finite gradients.
    """
    outputs = outputs.at_a_position
    _, usual = usual_loss(outputs)
    for probes in (_undecided(outputs), _spread(outputs)):
        of_loss, of_usual = (_root_mean_square(tree, probes) for tree in (loss, usual))
        if of_loss > 0.0:
            return of_loss / of_usual
    return 0.0


def relative_steepness(loss: Expression, outputs: Outputs) -> float:
    """By what a learning rate is divided to be where a loss trains best, relative to the usual one.

    The beginning of a training decides how small a rate may be, and mistakes how large: networks
    diverge where a loss is steep at a confident mistake. So this is the geometric mean of
    `relative_scale` and of the same halfway between an undecided prediction and a wrong one that is
    certain; of numbers, at twice the error of the mean. On digits, with and without noise in the
    labels, best rates times it scatter by a factor of 2, times `relative_scale` by 2.6.

    Args:
        loss: As for `relative_scale`.
        outputs: As for `relative_scale`.

    Returns:
        1 for the usual loss, 0 for a loss without finite gradients.
    """
    outputs = outputs.at_a_position
    scale = relative_scale(loss, outputs)
    _, usual = usual_loss(outputs)
    probes = _mistaken(outputs)
    of_loss, of_usual = (_root_mean_square(tree, probes) for tree in (loss, usual))
    if of_loss > 0.0 and scale > 0.0:
        bound = min(max(of_loss / of_usual / scale, 1.0 / _FURTHEST), _FURTHEST)
        scale *= math.sqrt(bound)
    return scale


@dataclasses.dataclass(frozen=True, eq=False)
class _Probe:
    """One output alone, with labels and predictions, float64 `(n, width)`."""

    outputs: Outputs
    labels: np.ndarray
    predictions: np.ndarray
    weight: float

    @classmethod
    def of(
        cls, outputs: Outputs, place: int, labels: np.ndarray, predictions: np.ndarray
    ) -> _Probe:
        alone = dataclasses.replace(outputs, each=(outputs.each[place],), names=None, weights=None)
        weight = 1.0 if outputs.weights is None else outputs.weights[place]
        return cls(alone, labels, predictions, weight)


def _undecided(outputs: Outputs) -> list[_Probe]:
    probes = []
    for place, output in enumerate(outputs.each):
        labels, prediction = _labels(output)
        probes.append(_Probe.of(outputs, place, labels, np.full_like(labels, prediction)))
    return probes


def _labels(output: Output) -> tuple[np.ndarray, float]:
    """Each label once, and what a network predicts that cannot tell them apart."""
    if output.activation == Activation.LINEAR:
        targets, _ = linear_targets(output, UNDECIDED)
        return np.tile(targets[:, None], (1, output.width)), float(targets.mean())
    if output.activation == Activation.SIGMOID and not output.binary:
        return np.tile([[0.0], [1.0]], (1, output.width)), 0.5
    return np.eye(output.width), 1.0 / output.width


def _mistaken(outputs: Outputs) -> list[_Probe]:
    """Each label once, with the prediction halfway from an undecided to a wrong one."""
    probes = []
    for place, output in enumerate(outputs.each):
        labels, undecided = _labels(output)
        if output.activation == Activation.LINEAR:
            wrong = 3.0 * undecided - 2.0 * labels  # halfway there: twice the error
        elif output.activation == Activation.SIGMOID:
            wrong = 1.0 - labels
        else:
            wrong = np.roll(labels, 1, axis=-1)
        probes.append(_Probe.of(outputs, place, labels, (undecided + wrong) / 2.0))
    return probes


def _spread(outputs: Outputs) -> list[_Probe]:
    labels, predictions = fixed_set(outputs)
    return [
        _Probe.of(outputs, place, labels[:UNDECIDED, columns], predictions[:UNDECIDED, columns])
        for place, columns in enumerate(outputs.slices)
    ]


def _root_mean_square(loss: Expression, probes: list[_Probe]) -> float:
    """Of the length of the gradient with respect to all columns of all outputs."""
    lengths = []
    for probe in probes:
        gradients, terms = exact_gradients(
            loss, probe.outputs, probe.labels, probe.predictions, weighted=False
        )
        with np.errstate(all="ignore"):
            counts = np.isfinite(gradients) & (np.abs(gradients) > _ROUNDING * terms)
        found = np.where(counts, gradients, 0.0)
        largest = float(np.abs(found).max()) or 1.0  # squares of large gradients overflow
        of_each = np.square(found / largest).sum(axis=-1)
        lengths.append(probe.weight * largest * float(np.sqrt(of_each.mean())))
    return math.hypot(*lengths)
