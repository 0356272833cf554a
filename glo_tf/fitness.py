"""The fitness of a loss: what one training gave, and the rule that none is done twice."""

from __future__ import annotations

import dataclasses
import logging
from typing import Protocol

from glo_tf.expression import Expression

OK, NON_FINITE, STOPPED = "ok", "non_finite", "stopped"
UNTRAINED, REJECTED = "untrained", "rejected"
"""Status of an evaluation."""

logger = logging.getLogger("glo_tf")


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What one training with one candidate loss gave.

    Attributes:
        loss: The whole loss, per class; its text and coefficients identify the candidate.
        seed: Seed that fixed weights, batch order and dropout masks.
        fitness: Validation accuracy in [0, 1]; 0 if the training failed or was not worth it.
        status: `"ok"`, `"non_finite"` (loss or weights became NaN or infinite), `"stopped"` (ended
            early: at chance, or behind others), `"untrained"` (x or y is missing) or `"rejected"`
            (cannot train a network).
        steps: Training steps done.
        seconds: Wall time of the training; not part of the result's identity.
        inherited_from: The loss that was trained instead, as it trains a network alike; None if it
            is this one.
    """

    loss: Expression
    seed: int
    fitness: float
    status: str
    steps: int
    seconds: float = dataclasses.field(compare=False)
    inherited_from: Expression | None = None


class Trainer(Protocol):
    """Whatever trains one network with one loss; `glo_tf.training.CandidateTrainer` does."""

    def evaluate(
        self,
        loss: Expression,
        *,
        seed: int,
        learning_rate: float | None = None,
        train_steps: int | None = None,
        stop_at_chance: bool = False,
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
        self,
        loss: Expression,
        *,
        seed: int,
        learning_rate: float | None = None,
        stop_at_chance: bool = False,
    ) -> Evaluation:
        """The evaluation, trained or remembered; see `CandidateTrainer.evaluate`.

        A loss without x or without y has fitness 0 and is not trained.
        """
        if not loss.has_x_and_y:
            return Evaluation(loss, seed, fitness=0.0, status=UNTRAINED, steps=0, seconds=0.0)
        key = (loss, seed, learning_rate)
        if key not in self._evaluations:
            evaluation = self._trainer.evaluate(
                loss, seed=seed, learning_rate=learning_rate, stop_at_chance=stop_at_chance
            )
            log_training(evaluation)
            if evaluation.status == STOPPED:  # asked for in full, it may still be trained
                return evaluation
            self._evaluations[key] = evaluation
        return self._evaluations[key]


def log_training(evaluation: Evaluation) -> None:
    """One line of the log."""
    logger.info(
        "%s  fitness %.4f  %s  %d steps  %.2f s",
        evaluation.loss,
        evaluation.fitness,
        evaluation.status,
        evaluation.steps,
        evaluation.seconds,
    )
