"""The fitness of a loss: what one training gave, and the rule that none is done twice."""

from __future__ import annotations

import dataclasses
import logging
from typing import Protocol

from glo_tf.expression import Expression

OK, NON_FINITE, UNTRAINED = "ok", "non_finite", "untrained"
STOPPED, REJECTED = "stopped", "rejected"
"""Status of an evaluation."""

TRAINED, FAILED, CACHED = "trained", "failed", "cached"
SOURCES = (TRAINED, CACHED, FAILED, UNTRAINED)
"""Where a fitness came from."""

logger = logging.getLogger("glo_tf")


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What one training with one candidate loss gave.

    Attributes:
        loss: The whole loss, per class; its text and coefficients identify the candidate.
        seed: Seed that fixed weights, batch order and dropout masks.
        fitness: Validation accuracy in [0, 1]; 0 if the training failed.
        status: `"ok"`, `"non_finite"` (loss or weights became NaN or infinite) or `"untrained"`
            (x or y is missing).
        steps: Training steps done.
        seconds: Wall time of the training; not part of the result's identity.
    """

    loss: Expression
    seed: int
    fitness: float
    status: str
    steps: int
    seconds: float = dataclasses.field(compare=False)


class Trainer(Protocol):
    """Whatever trains one network with one loss; `glo_tf.training.CandidateTrainer` does."""

    def evaluate(
        self, loss: Expression, *, seed: int, learning_rate: float | None = None
    ) -> Evaluation:
        """Returns the evaluation, a pure function of the arguments."""
        ...


class FitnessCache:
    """Fitness of losses, each trained at most once (Section 3 of arXiv 1905.11528).

    Args:
        trainer: Trains what has not been trained before.
    """

    def __init__(self, trainer: Trainer):
        self._trainer = trainer
        self._evaluations: dict[tuple[Expression, int, float | None], Evaluation] = {}

    def evaluate(
        self, loss: Expression, *, seed: int, learning_rate: float | None = None
    ) -> tuple[Evaluation, str]:
        """The evaluation and its source: `"trained"`, `"failed"`, `"cached"` or `"untrained"`.

        A loss without x or without y has fitness 0 and is not trained.
        """
        if not loss.has_x_and_y:
            nothing = Evaluation(loss, seed, fitness=0.0, status=UNTRAINED, steps=0, seconds=0.0)
            return nothing, UNTRAINED
        key = (loss, seed, learning_rate)
        if key in self._evaluations:
            return self._evaluations[key], CACHED
        evaluation = self._trainer.evaluate(loss, seed=seed, learning_rate=learning_rate)
        logger.info(
            "%s  fitness %.4f  %s  %d steps  %.2f s",
            loss,
            evaluation.fitness,
            evaluation.status,
            evaluation.steps,
            evaluation.seconds,
        )
        self._evaluations[key] = evaluation
        return evaluation, TRAINED if evaluation.status == OK else FAILED
