"""What a search tells its observers, and the interface by which it does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glo_tf.fitness import Evaluation
    from glo_tf.results import Record, SearchResult

DISCOVERY, COEFFICIENTS = "discovery", "coefficients"
CONFIRMATION, COMPARISON = "confirmation", "comparison"


@dataclasses.dataclass(frozen=True)
class Generation:
    """A finished generation of either phase.

    Attributes:
        phase: `"discovery"` (genetic search) or `"coefficients"` (CMA-ES).
        number: Counted from 1 within the phase.
        total: Generations of the phase.
        mean_fitness: Mean over the generation's candidates.
        best_so_far: The best candidate of the whole search; None while none has been trained.
        counts: Candidates so far by where their fitness came from; see
            `glo_tf.results.Record.source`.
    """

    phase: str
    number: int
    total: int
    mean_fitness: float
    best_so_far: Record | None
    counts: dict[str, int]


class Callback:
    """Base class of observers; override what you need.

    Every method runs in the thread that called `LossSearch.run`, between two trainings.
    """

    def on_search_begin(self, planned: int) -> None:
        """Called once before the first candidate.

        `planned` is the number of candidates and of later trainings to come, at most.
        """

    def on_evaluation(self, record: Record) -> None:
        """Called when a candidate has its fitness, trained or not."""

    def on_generation(self, generation: Generation) -> None:
        """Called when a generation is complete and written."""

    def on_retraining(self, stage: str, evaluation: Evaluation) -> None:
        """Called after each training of a finalist (`"confirmation"`) or in the `"comparison"`."""

    def on_search_end(self, result: SearchResult) -> None:
        """Called last, also after an interruption or an error."""
