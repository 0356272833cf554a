"""What need not be trained: candidates that train like an earlier one, and those that cannot.

Two losses whose gradients with respect to the logits agree for every label and prediction give
every network the same training, however different their trees look: a constant or a function of x
alone adds nothing, and log(y) and log(2*y) differ by a constant (AutoLoss-Zero, arXiv 2103.14026).
Candidates train alike if such losses have the same hyperparameters.

The gradients are taken on the fixed set of `glo_tf.screening.probes`, in float64. They agree if
no component differs by more than `TOLERANCE` of the largest term y*dL/dy of its prediction: the
resolution of the float32 in which networks train. A loss whose float32 gradients are far from its
float64 ones, as where large terms cancel, trains on its rounding errors; it is like no other.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Sequence

import numpy as np

from glo_tf.data.outputs import Outputs
from glo_tf.expressions.program import Program
from glo_tf.expressions.seen_by_loss import seen_by_loss
from glo_tf.expressions.tree import Expression
from glo_tf.screening.learnability import learns
from glo_tf.screening.probes import UNDECIDED, exact_gradients, fixed_set, logit_gradients
from glo_tf.training.candidate import Candidate

TOLERANCE = 1e-7
"""Relative to the largest term y*dL/dy of a prediction."""

NON_FINITE_GRADIENT, NO_GRADIENT, CANNOT_LEARN = (
    "non-finite gradient",
    "no gradient",
    "cannot learn",
)
"""Why a loss is rejected."""


class Screening(enum.StrEnum):
    """How much a search leaves untrained.

    Attributes:
        FULL: Losses that train like an earlier one, losses that cannot train, and the rest of a
            training that still guesses after a quarter of its steps.
        EQUIVALENCE: The first of these only.
        NONE: Nothing.
    """

    FULL = "full"
    EQUIVALENCE = "equivalence"
    NONE = "none"


_ROUNDING = 1e-9  # of a sum, relative to its terms
_FLOAT32_ERROR = 1e-3  # of a gradient that float32 still represents


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What is known of a candidate without training it.

    Attributes:
        inherits_from: An earlier candidate that trains alike; None if there is none.
        rejection: Why it is given fitness 0 untrained; None if it is to be trained.
    """

    inherits_from: Candidate | None = None
    rejection: str | None = None


class Screen:
    """Screens the candidates of one search, and remembers them.

    Args:
        outputs: Of the model that is to be trained.
        rejects: Whether to reject candidates, besides finding equivalent ones.
    """

    def __init__(self, outputs: Outputs, *, rejects: bool = True):
        self._outputs = outputs
        self.rejects = rejects
        self._known: list[tuple[Candidate, Traits]] = []
        self._firsts = np.empty((0, outputs.width))  # gradients of one prediction, of all known
        self._rejections: dict[Expression, str] = {}

    def examine(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """A verdict on each candidate; one that is let through is known to the following ones.

        Args:
            candidates: With x and y in their losses, which are terms of one class.
        """
        verdicts: dict[Candidate, Verdict] = {}
        new = []
        for candidate in candidates:
            traits = Traits.of(candidate.loss, self._outputs)
            rejection = traits.rejection if self.rejects else None
            alike = None if rejection else self._find(candidate, traits)
            verdicts[candidate] = Verdict(alike, rejection)
            if verdicts[candidate] == Verdict():
                new.append(traits)
                if traits.stable:
                    self._remember(candidate, traits)
        if new and self.rejects:
            programs = [traits.program for traits in new]
            for traits, fine in zip(new, learns(programs, self._outputs), strict=True):
                if not fine:
                    self._rejections[traits.loss] = CANNOT_LEARN
        return [self._final(candidate, verdicts[candidate]) for candidate in candidates]

    def _find(self, candidate: Candidate, traits: Traits) -> Candidate | None:
        if traits.stable:
            # One prediction tells nearly all losses apart, at a fraction of the price.
            first = traits.gradients[0]
            near = np.abs(self._firsts - first) <= TOLERANCE * traits.scale[0]
            for place in np.flatnonzero(near.all(axis=-1)):
                known, its_traits = self._known[place]
                same = known.hyperparameters == candidate.hyperparameters
                if same and its_traits.alike(traits):
                    return known
        return None

    def _remember(self, candidate: Candidate, traits: Traits) -> None:
        self._known.append((candidate, traits))
        self._firsts = np.vstack([self._firsts, traits.gradients[:1]])

    def _final(self, candidate: Candidate, verdict: Verdict) -> Verdict:
        if verdict.inherits_from == candidate:
            verdict = Verdict()
        decisive = verdict.inherits_from or candidate
        rejection = self._rejections.get(decisive.loss, verdict.rejection)
        return Verdict(rejection=rejection) if rejection else verdict


@dataclasses.dataclass(frozen=True, eq=False)
class Traits:
    """What the fixed set of predictions shows of a loss.

    Attributes:
        loss: The loss, terms of one class.
        program: The loss as a float32 program.
        gradients: float64 `(predictions, W)`, with respect to the logits; 0 where not finite.
        scale: float64 `(predictions, W)`, the largest term y*dL/dy in the gradients of an output.
        finite: bool `(2, predictions, W)`: where value and slope are finite in float32.
        stable: Whether float32 represents the gradients of the undecided predictions.
        rejection: What is wrong with the gradients; None if nothing.
    """

    loss: Expression
    program: Program
    gradients: np.ndarray
    scale: np.ndarray
    finite: np.ndarray
    stable: bool
    rejection: str | None

    @classmethod
    def of(cls, loss: Expression, outputs: Outputs) -> Traits:
        """Examines one loss."""
        labels, predictions = fixed_set(outputs)
        with np.errstate(all="ignore"):
            seen = seen_by_loss(outputs, np, outputs.scores_of(predictions))
        log_y = seen.log_y is not None
        program = Program.of(loss, log_y=log_y)
        value, slope = program.run(labels, seen.y, seen.log_y)
        finite = np.stack([np.isfinite(value), np.isfinite(slope)])
        gradients, terms = exact_gradients(loss, outputs, labels, predictions)
        undecided = slice(UNDECIDED)
        with np.errstate(all="ignore"):
            in_float32, _ = logit_gradients(outputs, slope.astype(float), predictions)
            error = np.abs(in_float32 - gradients)
            nothing = np.abs(gradients) <= _ROUNDING * terms
        rejection = None
        if not finite[:, undecided].all(axis=(0, 2)).any():
            rejection = NON_FINITE_GRADIENT
        elif nothing[undecided].all():
            rejection, gradients, error = NO_GRADIENT, np.zeros_like(gradients), 0.0 * error
        with np.errstate(all="ignore"):
            largest = np.abs(gradients).max(axis=-1)
            stable = bool((error.max(axis=-1) <= _FLOAT32_ERROR * largest)[undecided].all())
        gradients, scale = (np.where(np.isfinite(a), a, 0.0) for a in (gradients, terms))
        return cls(loss, program, gradients, scale, finite, stable, rejection)

    def alike(self, other: Traits) -> bool:
        """Whether both have the same gradients, and are finite at the same places."""
        scale = np.minimum(self.scale, other.scale)
        agree = np.abs(self.gradients - other.gradients) <= TOLERANCE * scale
        return bool(agree.all() and (self.finite == other.finite).all())


def trains_alike(one: Candidate, other: Candidate, outputs: Outputs) -> bool:
    """Whether two candidates have the same gradients, see `TOLERANCE`, and hyperparameters."""
    if one.hyperparameters != other.hyperparameters:
        return False
    left, right = (_traits(candidate.loss, outputs) for candidate in (one, other))
    return left.stable and right.stable and left.alike(right)


_traits = functools.lru_cache(maxsize=256)(Traits.of)  # a finalist is held against many
