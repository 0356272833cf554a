"""What a search keeps of each candidate: where it came up, and where its fitness came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from glo_tf.expressions.tree import Expression
from glo_tf.training.trial import FAILED, OK, REJECTED, STOPPED, UNTRAINED

DISCOVERY, COEFFICIENTS = "discovery", "coefficients"
"""Phases of a search."""

CONFIRMATION, COMPARISON = "confirmation", "comparison"
"""Stages after them, in which found losses are trained again."""

TRAINED, CACHED, INHERITED = "trained", "cached", "inherited"
SOURCES = (TRAINED, STOPPED, FAILED, CACHED, INHERITED, REJECTED, UNTRAINED)
"""Where a fitness came from."""


@dataclasses.dataclass(frozen=True)
class Record:
    """One candidate of one generation.

    Attributes:
        phase: `"discovery"` or `"coefficients"`.
        generation: Counted from 1 within the phase.
        individual: Counted from 1 within the generation.
        loss: The whole loss, per class.
        fitness: Of the validation data, not negative; by default accuracy.
        status: `"ok"`, or why there is no full training behind the fitness: `"non_finite"`,
            `"stopped"`, `"rejected"` or `"untrained"`; see `glo_tf.training.trial.Evaluation`.
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


def pareto_front(records: Sequence[Record]) -> list[Record]:
    """See `SearchResult.hall_of_fame`."""
    finished = [r for r in records if r.status == OK and r.fitness > 0]
    front: list[Record] = []
    for record in sorted(finished, key=lambda r: (r.loss.size, -r.fitness)):  # stable
        if not front or record.fitness > front[-1].fitness:
            front.append(record)
    return front
