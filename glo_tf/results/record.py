"""What a search keeps of each candidate: where it came up, and where its fitness came from."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence
from typing import Any

from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Status, Values


class Phase(enum.StrEnum):
    """Phases of a search, in which candidates come up.

    Attributes:
        DISCOVERY: Genetic search.
        COEFFICIENTS: CMA-ES.
        KNOWN: None; a known loss that a search was given, and did not have to find.
    """

    DISCOVERY = "discovery"
    COEFFICIENTS = "coefficients"
    KNOWN = "known"


class Stage(enum.StrEnum):
    """What losses that were found or given are trained for.

    Attributes:
        REFERENCES: What a search has to beat.
        CONFIRMATION: Which finalist of a search keeps its lead with other seeds.
        TUNING: Which learning rate suits a loss.
        COMPARISON: Which loss leads.
    """

    REFERENCES = "references"
    CONFIRMATION = "confirmation"
    TUNING = "tuning"
    COMPARISON = "comparison"


class Source(enum.StrEnum):
    """Where a candidate's fitness came from.

    Attributes:
        TRAINED: Its training came to its end.
        STOPPED: Early stopping ended its training, at chance, or a race pruned it.
        FAILED: Loss or weights became NaN or infinite, or its worker was lost.
        CACHED: The same loss again.
        INHERITED: It trains a network like an earlier loss, whose fitness it has.
        REJECTED: It cannot train a network.
        UNTRAINED: x or y is missing.
    """

    TRAINED = "trained"
    STOPPED = "stopped"
    FAILED = "failed"
    CACHED = "cached"
    INHERITED = "inherited"
    REJECTED = "rejected"
    UNTRAINED = "untrained"


class Ending(enum.StrEnum):
    """What ended the phases of a search before their last generation.

    Attributes:
        MAX_MINUTES: The time was over.
        TARGET_FITNESS: A candidate was fit enough.
    """

    MAX_MINUTES = "max_minutes"
    TARGET_FITNESS = "target_fitness"


@dataclasses.dataclass(frozen=True, repr=False)
class Record:
    """One candidate of one generation.

    Attributes:
        phase: In which it came up.
        generation: Counted from 1 within the phase.
        individual: Counted from 1 within the generation.
        candidate: Its loss and hyperparameters.
        fitness: Of the validation data, not negative; by default accuracy.
        status: `"ok"`, or why there is no full training behind the fitness.
        source: Where the fitness came from.
        steps: Training steps that this candidate cost (0 where none were done for it).
        inherited_from: The candidate whose fitness this is, as it trains a network alike, or None.
        values: Of what the fitness is made; see `glo_tf.training.trial.Evaluation`.
    """

    phase: Phase
    generation: int
    individual: int
    candidate: Candidate
    fitness: float
    status: Status
    source: Source
    steps: int
    inherited_from: Candidate | None = None
    values: Values = dataclasses.field(default_factory=dict, hash=False)

    def __repr__(self) -> str:
        at = f"{self.phase} {self.generation}.{self.individual}"
        return f"Record('{self.candidate}', fitness={self.fitness:.6g}, {self.source}, {at})"

    @property
    def loss(self) -> Expression:
        """The whole loss, per class."""
        return self.candidate.loss

    def column(self, name: str) -> Any:
        """What a history has of this in one of its columns; None for nothing."""
        match name:
            case "inherited_from":
                return None if self.inherited_from is None else self.inherited_from.loss
            case "learning_rate":
                return self.candidate.hyperparameters.learning_rate
        return getattr(self, name)


class HallOfFame(list[Record]):
    """Candidates, which notebooks show as a table of formulas."""

    def _repr_html_(self) -> str:
        from glo_tf.results.html_tables import hall_of_fame_as_html

        return hall_of_fame_as_html(self)


def pareto_front(records: Sequence[Record]) -> list[Record]:
    """See `SearchResult.hall_of_fame`."""
    finished = [r for r in records if r.status == Status.OK and r.fitness > 0]
    front: list[Record] = []
    for record in sorted(finished, key=lambda r: (r.loss.size, -r.fitness)):  # stable
        if not front or record.fitness > front[-1].fitness:
            front.append(record)
    return front
