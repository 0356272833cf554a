"""What a search gives back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from glo_tf.compare import ComparedLoss
from glo_tf.expression import Expression
from glo_tf.fitness import OK

if TYPE_CHECKING:
    from glo_tf.losses import ExpressionLoss


@dataclasses.dataclass(frozen=True)
class Record:
    """One candidate of one generation.

    Attributes:
        phase: `"discovery"` or `"coefficients"`.
        generation: Counted from 1 within the phase.
        individual: Counted from 1 within the generation.
        loss: The whole loss, per class.
        fitness: Validation accuracy in [0, 1].
        status: `"ok"`, or why there is no full training behind the fitness: `"non_finite"`,
            `"stopped"`, `"rejected"` or `"untrained"`; see `glo_tf.fitness.Evaluation`.
        source: Where the fitness came from: `"trained"`, `"stopped"`, `"failed"`, `"cached"`,
            `"inherited"`, `"rejected"` or `"untrained"`.
        steps: Training steps that this candidate cost (0 where none were done for it).
        inherited_from: The loss whose fitness this is, as it trains a network alike; else None.
    """

    phase: str
    generation: int
    individual: int
    loss: Expression
    fitness: float
    status: str
    source: str
    steps: int
    inherited_from: Expression | None = None


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """The outcome of `LossSearch.run`.

    Attributes:
        best: The best candidate; None if no candidate was trained to the end.
        confirmation: The finalists, retrained with other seeds, best mean first; empty if the
            search was interrupted before, or took no finalists.
        comparison: The best loss beside cross-entropy, retrained under the same budget; empty if
            the search was interrupted before.
        history: Every candidate of every generation, in order.
        counts: Number of candidates by source.
        seconds: Wall time.
        interrupted: Whether the search was stopped before its end.
        epsilon: Clipping of the predictions under which the losses were trained.
    """

    best: Record | None
    confirmation: list[ComparedLoss]
    comparison: list[ComparedLoss]
    history: list[Record]
    counts: dict[str, int]
    seconds: float
    interrupted: bool
    epsilon: float

    @property
    def best_loss(self) -> ExpressionLoss:
        """The best loss, ready for `keras.Model.compile(loss=...)`.

        Raises:
            ValueError: If no candidate was trained to the end.
        """
        from glo_tf.losses import ExpressionLoss

        if self.best is None:
            raise ValueError(
                "Expected at least one finished training. Received: none, no best loss"
            )
        return ExpressionLoss(self.best.loss, epsilon=self.epsilon)


def better(candidate: Record, incumbent: Record | None) -> bool:
    """Whether `candidate` beats `incumbent`: fitness first, then the smaller tree; ties keep."""
    if candidate.status != OK:
        return False
    if incumbent is None:
        return True
    return (candidate.fitness, -candidate.loss.size) > (incumbent.fitness, -incumbent.loss.size)
