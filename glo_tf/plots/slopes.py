"""What a loss does to a network: how hard it pulls at an output, by how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import usual_loss
from glo_tf.screening.probes import exact_gradients
from glo_tf.utils.style import LIGHT, Picture, literal, style

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss

CLASSES = 10
"""Of the network that a loss is shown on, where nothing else is known."""

_LOWEST, _HIGHEST = 0.01, 0.99  # predictions shown; many losses are unbounded beyond
_FURTHEST = 4.0  # predictions of a regression whose target is 0
_POINTS = 197
_TALLEST = 4.0  # times the usual loss's strongest pull, to which a panel is cut


def predictions(loss: ExpressionLoss) -> np.ndarray:
    """Predictions at which a loss is worth looking at, float64 `(n,)`."""
    if loss.probabilities:
        return np.linspace(_LOWEST, _HIGHEST, _POINTS)
    return np.linspace(-_FURTHEST, _FURTHEST, _POINTS)


def pull_of_right(loss: ExpressionLoss, y: np.ndarray, classes: int = CLASSES) -> np.ndarray:
    """How hard a loss pulls the output of the true class, or of a target of 0, upwards.

    It is the negative slope of a sample's loss with respect to the logit of a softmax, of which
    the true class has the prediction `y` and all others share the rest, or with respect to `y`
    itself in a regression. What pushes down is negative.

    Args:
        loss: The loss; its smoothing is left out.
        y: Predictions, `(n,)`.
        classes: Of the network, at least 2.

    Returns:
        Float64 `(n,)`, not finite where the loss is not.
    """
    return _pull(loss.tree, _outputs(loss, classes), y, 0) / _share(loss, classes)


def pull_of_wrong(loss: ExpressionLoss, y: np.ndarray, classes: int = CLASSES) -> np.ndarray:
    """The same for a class that is not the true one, of which that has an equal share of the rest.

    Args:
        loss: A loss of classes.
        y: Predictions for the wrong class, `(n,)`.
        classes: Of the network, at least 2.

    Raises:
        ValueError: If it is a loss for regression.
    """
    if not loss.probabilities:
        raise InvalidArgumentError(f"Expected a loss of classes. Received: loss={loss.name}")
    return _pull(loss.tree, _outputs(loss, classes), y, 1) / _share(loss, classes)


def usual_pulls(
    loss: ExpressionLoss, y: np.ndarray, classes: int = CLASSES
) -> tuple[str, np.ndarray, np.ndarray | None]:
    """Name and pulls of what such a network is usually trained with; None for no wrong class."""
    outputs = _outputs(loss, classes)
    name, tree = usual_loss(outputs)
    wrong = _pull(tree, outputs, y, 1) if loss.probabilities else None
    return name, _pull(tree, outputs, y, 0), wrong


def plot_slopes(loss: ExpressionLoss, classes: int = CLASSES) -> Figure:
    """Draws how hard a loss pulls at the right and at a wrong class, beside cross-entropy.

    Args:
        loss: The loss; one for regression has one panel, beside squared error.
        classes: Of the network, at least 2.

    Returns:
        A figure that belongs to no window. Above 0 a prediction is raised, below it is lowered.
    """
    y = predictions(loss)
    name, right, wrong = usual_pulls(loss, y, classes)
    title = "The label's own class" if loss.probabilities else "Target x = 0"
    panels = [(title, right, pull_of_right(loss, y, classes))]
    if wrong is not None:
        panels.append(("A wrong class", wrong, pull_of_wrong(loss, y, classes)))
    with style():
        figure = Picture(figsize=(4.5 * len(panels), 3.6), layout="constrained")
        for axes, (title, usual, own) in zip(
            np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True
        ):
            axes.axhline(0.0, color=LIGHT["muted"], lw=0.8)
            axes.plot(y, usual, color=LIGHT["grey"], lw=3.0, alpha=0.6, label=name)
            axes.plot(y, own, color=LIGHT["blue"], lw=1.6, label=literal(loss.name))
            axes.set(title=title, xlabel="prediction", ylabel="pull", ylim=limits(usual, own))
            axes.legend()
    return figure


def limits(usual: np.ndarray, own: np.ndarray) -> tuple[float, float]:
    """Ends of an axis that shows both, as far as a loss without bounds lets it."""
    finite = own[np.isfinite(own)]
    # A loss of another scale fills the panel, too: what half of its values exceed is shown.
    typical = float(np.median(np.abs(finite))) if finite.size else 0.0
    most = _TALLEST * max(float(np.abs(usual).max()), typical)
    low = max(float(min(usual.min(), finite.min(initial=0.0))), -most)
    high = min(float(max(usual.max(), finite.max(initial=0.0))), most)
    margin = 0.06 * (high - low)
    return low - margin, high + margin


def _outputs(loss: ExpressionLoss, classes: int) -> Outputs:
    if loss.probabilities:
        outputs = Outputs.of_classes(classes)
        if not loss.tree.needs("frequencies"):
            return outputs
        given = loss.frequencies or ()
        return outputs.with_frequencies(given if len(given) == classes else [1.0] * classes)
    return Outputs((Output(Activation.LINEAR, 1),))


def _share(loss: ExpressionLoss, classes: int) -> float:
    """What a loss that averages over classes divides by."""
    return float(classes) if loss.probabilities and loss.class_reduction == "mean" else 1.0


def _pull(tree: Expression, outputs: Outputs, y: np.ndarray, place: int) -> np.ndarray:
    """At column `place`, which has the prediction `y`; the label is the first column's."""
    width = outputs.width
    if width == 1:
        labels, columns = np.zeros((len(y), 1)), y[:, None]
    else:
        labels = np.zeros((len(y), width))
        labels[:, 0] = 1.0
        columns = np.repeat((1.0 - y[:, None]) / (width - 1), width, axis=1)
        columns[:, place] = y
    gradients, _ = exact_gradients(tree, outputs, labels, columns, weighted=False)
    # What changes in the course of trainings is shown beyond their middle.
    times = len(gradients) // len(y)
    return np.asarray(-gradients.reshape(times, len(y), width)[times // 2, :, place])
