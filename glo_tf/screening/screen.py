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
import math
from collections.abc import Sequence

import numpy as np

from glo_tf.data.outputs import Outputs
from glo_tf.expressions.program import Program
from glo_tf.expressions.seen_by_loss import seen_by_loss
from glo_tf.expressions.tree import Expression
from glo_tf.screening.learnability import learns
from glo_tf.screening.probes import (
    SURE,
    UNDECIDED,
    Examined,
    exact_gradients,
    fixed_set,
    logit_gradients,
)
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


FURTHEST_FACTOR = 100.0
"""Between proportional gradients that train alike; beyond, what an optimizer adds to them shows."""

_SAME_RATE = 1e-5
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
        up_to_scale: Whether candidates train alike, too, whose gradients are proportional: where
            each has a learning rate of its own, which takes the factor in. It is the power of the
            factor by which rates are divided then (see `glo_tf.training.step_length`); None for
            equal gradients alone.
    """

    def __init__(self, outputs: Outputs, *, rejects: bool = True, up_to_scale: float | None = None):
        outputs = outputs.at_a_position
        self._outputs = outputs
        self.rejects = rejects
        self._up_to_scale = up_to_scale
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
            compared = self._compared(traits)
            first = compared.gradients[0]
            near = np.abs(self._firsts - first) <= TOLERANCE * compared.scale[0]
            for place in np.flatnonzero(near.all(axis=-1)):
                known, its_traits = self._known[place]
                if self._same_steps(known, its_traits, candidate, traits) and self._compared(
                    its_traits
                ).alike(compared):
                    return known
        return None

    def _remember(self, candidate: Candidate, traits: Traits) -> None:
        self._known.append((candidate, traits))
        self._firsts = np.vstack([self._firsts, self._compared(traits).gradients[:1]])

    def _compared(self, traits: Traits) -> Traits:
        return traits if self._up_to_scale is None else traits.at_length_1

    def _same_steps(
        self, known: Candidate, its: Traits, candidate: Candidate, traits: Traits
    ) -> bool:
        """Whether hyperparameters are the same, but for what a factor of the gradients makes up."""
        if self._up_to_scale is None:
            return known.hyperparameters == candidate.hyperparameters
        factor = traits.length / its.length
        if not 1.0 / FURTHEST_FACTOR <= factor <= FURTHEST_FACTOR:
            return False
        rates = [one.hyperparameters.learning_rate for one in (known, candidate)]
        if rates[0] is None or rates[1] is None:
            return rates[0] is rates[1]
        return math.isclose(rates[1] * factor**self._up_to_scale, rates[0], rel_tol=_SAME_RATE)

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
        gradients: float64 `(predictions, W)`, with respect to the logits; 0 where not finite. What
            sees more than label, prediction and class has the fixed set several times, see
            `glo_tf.screening.probes.Examined`.
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
        """Examines one loss, which sees each position of a dense output alone."""
        outputs = outputs.at_a_position
        labels, predictions = fixed_set(outputs)
        examined = Examined.of(loss, outputs, labels, predictions)
        with np.errstate(all="ignore"):
            seen = seen_by_loss(outputs, np, outputs.scores_of(examined.predictions))
        log_y = seen.log_y is not None
        program = Program.of(loss, log_y=log_y)
        value, slope = examined.run(program, outputs, seen)
        finite = np.stack([np.isfinite(value), np.isfinite(slope)])
        gradients, terms = exact_gradients(loss, outputs, labels, predictions)
        undecided = _undecided(len(gradients))
        with np.errstate(all="ignore"):
            in_float32, _ = logit_gradients(outputs, slope.astype(float), examined.predictions)
            error = np.abs(in_float32 - gradients)
            nothing = np.abs(gradients) <= _ROUNDING * terms
        rejection = None
        if not finite[:, :UNDECIDED].all(axis=(0, 2)).any():  # as trainings begin
            rejection = NON_FINITE_GRADIENT
        elif nothing[undecided].all():
            rejection, gradients, error = NO_GRADIENT, np.zeros_like(gradients), 0.0 * error
        with np.errstate(all="ignore"):
            largest = np.abs(gradients).max(axis=-1)
            stable = bool((error.max(axis=-1) <= _FLOAT32_ERROR * largest)[undecided].all())
        gradients, scale = (np.where(np.isfinite(a), a, 0.0) for a in (gradients, terms))
        return cls(loss, program, gradients, scale, finite, stable, rejection)

    @functools.cached_property
    def length(self) -> float:
        """The root mean square of the gradients of the undecided predictions, above 0."""
        gradients = self.gradients[_undecided(len(self.gradients))]
        largest = float(np.abs(gradients).max()) or 1.0  # squares of large gradients overflow
        return largest * (float(np.sqrt(np.square(gradients / largest).mean())) or 1.0)

    @functools.cached_property
    def at_length_1(self) -> Traits:
        """The same of the loss divided by its `length`."""
        gradients, scale = self.gradients / self.length, self.scale / self.length
        return dataclasses.replace(self, gradients=gradients, scale=scale)

    def alike(self, other: Traits) -> bool:
        """Whether both have the same gradients, and are finite at the same places."""
        if len(self.gradients) != len(other.gradients):
            times = math.lcm(len(self.gradients), len(other.gradients))
            return self._repeated(times).alike(other._repeated(times))
        scale = np.minimum(self.scale, other.scale)
        agree = np.abs(self.gradients - other.gradients) <= TOLERANCE * scale
        return bool(agree.all() and (self.finite == other.finite).all())

    def _repeated(self, rows: int) -> Traits:
        """The same with the fixed set more times: what is examined there sees no difference."""
        times = (rows // len(self.gradients), 1)
        return dataclasses.replace(
            self,
            gradients=np.tile(self.gradients, times),
            scale=np.tile(self.scale, times),
            finite=np.tile(self.finite, (1, *times)),
        )


def _undecided(rows: int) -> np.ndarray:
    """Which of the rows are predictions of networks that are not sure, bool `(rows,)`."""
    which: np.ndarray = np.arange(rows) % (UNDECIDED + SURE) < UNDECIDED
    return which


def proportional(one: Expression, other: Expression, outputs: Outputs) -> bool:
    """Whether two losses have the same gradients, see `TOLERANCE`, up to a positive factor."""
    left, right = (_traits(loss, outputs) for loss in (one, other))
    return left.stable and right.stable and left.at_length_1.alike(right.at_length_1)


def trains_alike(one: Candidate, other: Candidate, outputs: Outputs) -> bool:
    """Whether two candidates have the same gradients, see `TOLERANCE`, and hyperparameters."""
    return one.hyperparameters == other.hyperparameters and same_gradients(
        one.loss, other.loss, outputs
    )


def same_gradients(one: Expression, other: Expression, outputs: Outputs) -> bool:
    """Whether two losses have the same gradients; see `TOLERANCE`."""
    left, right = (_traits(loss, outputs) for loss in (one, other))
    return left.stable and right.stable and left.alike(right)


def finite_alike(one: Expression, other: Expression, outputs: Outputs) -> bool:
    """Whether two losses are finite at the same places, and none is rejected alone."""
    left, right = (_traits(loss, outputs) for loss in (one, other))
    alike = left.rejection == right.rejection and left.stable == right.stable
    if left.finite.shape != right.finite.shape:
        rows = math.lcm(len(left.gradients), len(right.gradients))
        left, right = left._repeated(rows), right._repeated(rows)
    return bool(alike and (left.finite == right.finite).all())


_traits = functools.lru_cache(maxsize=256)(Traits.of)  # a finalist is held against many
