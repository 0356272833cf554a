"""Why a loss trains as it does: what it does to sure and to wrong predictions, in words."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from glo_tf.plots.slopes import predictions, pull_of_right, pull_of_wrong, usual_pulls

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss

_WRONG, _RIGHT, _SURE = 0.02, 0.9, 0.99  # predictions for the label's class
_EQUAL = 1.25  # factors below this are called alike
_FAR_OFF = (0.25, 1.0, 4.0)  # errors of a regression


@dataclasses.dataclass(frozen=True)
class PullRow:
    """The pulls at one prediction.

    Attributes:
        prediction: For the label's class, or of a regression the error.
        meaning: What such a prediction is.
        usual: Pull of the usual loss.
        own: Pull of the loss.
    """

    prediction: float
    meaning: str
    usual: float
    own: float

    def where(self, loss: ExpressionLoss) -> str:
        """The prediction in words."""
        if not loss.probabilities:
            return f"at an error of {self.prediction:g}"
        return f"where the label's class has {self.prediction:g} ({self.meaning})"

    @property
    def ratio(self) -> float | None:
        """How many times the usual loss's pull; None where that is no number."""
        ratio = self.own / self.usual if self.usual else np.nan
        return float(ratio) if np.isfinite(ratio) else None


@dataclasses.dataclass(frozen=True)
class Why:
    """What a loss does to the predictions of networks with as many classes.

    Attributes:
        loss: The loss.
        classes: Of the network, where its outputs are classes.
        tasks: Names of the tasks that have as many, where there are several.
    """

    loss: ExpressionLoss
    classes: int
    tasks: str = ""

    @property
    def name(self) -> str:
        """Of its figure."""
        return f"slopes_{self.classes}" if self.tasks else "slopes"

    @property
    def sentences(self) -> list[str]:
        """In words."""
        return sentences(self.loss, self.classes)

    @property
    def pulls(self) -> list[PullRow]:
        """In numbers."""
        return rows(self.loss, self.classes)

    @property
    def usual(self) -> str:
        """Name of what such a network is usually trained with."""
        return usual_pulls(self.loss, predictions(self.loss), self.classes)[0]


def rows(loss: ExpressionLoss, classes: int) -> list[PullRow]:
    """The pulls at the label's class, from wrong to sure predictions; of a regression by error."""
    if loss.probabilities:
        undecided = 1.0 / classes
        meant = {
            _WRONG: "wrong, and sure of it",
            undecided: "undecided",
            _RIGHT: "right",
            _SURE: "right, and sure of it",
        }
        if undecided <= _WRONG:  # of so many classes that it is the same
            del meant[_WRONG]
    else:
        meant = dict.fromkeys(_FAR_OFF, "error")
    at = np.array(list(meant))
    _, usual, _ = usual_pulls(loss, at, classes)
    own = pull_of_right(loss, at, classes)
    return [
        PullRow(float(y), meaning, float(usual[n]), float(own[n]))
        for n, (y, meaning) in enumerate(meant.items())
    ]


def sentences(loss: ExpressionLoss, classes: int) -> list[str]:
    """What follows from the pulls, beside those of the usual loss at its learning rate.

    A factor of the whole loss is a matter of the learning rate, so that a pull is measured by what
    the loss does to an undecided network, or in a regression to a middling error.
    """
    found = rows(loss, classes)
    usual, _, _ = usual_pulls(loss, np.array([found[0].prediction]), classes)
    middle = next((row for row in found if row.meaning == "undecided"), found[len(found) // 2])
    if middle.ratio is None or middle.ratio <= 0.0:
        return [f"It does not pull as {usual} does where training begins."]
    said = [
        f"Where training begins it pulls {_times(middle.ratio)} {usual}; that factor is one of the "
        "learning rate."
    ]
    beyond = [row for row in found if row is not middle and row.ratio is not None]
    if all(_times(row.ratio / middle.ratio) == _times(1.0) for row in beyond if row.ratio):
        said.append(f"Apart from it, it pulls as {usual} does.")
    else:
        said += [
            f"Apart from it, {row.where(loss)}, it pulls {_times(row.ratio / middle.ratio)} "
            f"{usual}."
            for row in beyond
            if row.ratio is not None and row.ratio > 0.0
        ]
    return [*said, *_of_classes(loss, classes)] if loss.probabilities else said


def _of_classes(loss: ExpressionLoss, classes: int) -> list[str]:
    y = np.linspace(0.005, 0.995, 199)
    said = []
    right, wrong = pull_of_right(loss, y, classes), pull_of_wrong(loss, y, classes)
    up = right > 0.0
    turns = np.flatnonzero(up[:-1] & ~up[1:])
    if turns.size and y[turns[-1]] < _SURE and not up[turns[-1] + 1 :].any():
        rest = float(y[turns[-1] : turns[-1] + 2].mean())
        said.append(
            f"It is at rest where the label's class has {rest:.2f}, and lowers what is surer: a "
            "network that is trained with it is under-confident."
        )
    raised = y[wrong > 0.0]
    if raised.size:
        said.append(
            f"It raises a wrong class that has less than {raised.max():.2f}: it keeps a network "
            "from being sure."
        )
    return said


def _times(ratio: float) -> str:
    if 1.0 / _EQUAL < ratio < _EQUAL:
        return "about as hard as"
    if ratio >= 1.0:
        return f"{ratio:.3g} times as hard as"
    return f"with {ratio:.2g} of the force of"
