"""Which candidate is better: by fitness, less a penalty for size if there is one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from glo_tf.results.record import Record
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Status


@dataclasses.dataclass(frozen=True)
class Ranking:
    """The order of candidates: penalised fitness first, then the smaller tree.

    Attributes:
        parsimony_coefficient: What each node costs, in fitness.
    """

    parsimony_coefficient: float = 0.0

    def penalized(self, fitness: float, candidate: Candidate) -> float:
        """`fitness - parsimony_coefficient * nodes`, at least 0: a share of a roulette wheel."""
        return max(0.0, fitness - self.parsimony_coefficient * candidate.loss.size)

    def score(self, record: Record) -> float:
        """The penalised fitness of a candidate."""
        return self.penalized(record.fitness, record.candidate)

    def better(self, candidate: Record, incumbent: Record | None) -> bool:
        """Whether `candidate` was trained to the end and beats `incumbent`, who wins ties."""
        if candidate.status != Status.OK:
            return False
        return incumbent is None or self._key(candidate) > self._key(incumbent)

    def best(
        self,
        records: Iterable[Record],
        count: int,
        alike: Callable[[Candidate, Candidate], bool],
        taken: Callable[[Candidate], bool] = lambda candidate: False,
    ) -> list[Record]:
        """The best finished candidates; of those that are alike, the first.

        Args:
            records: Of candidates; of two records of one candidate, the later stands for it.
            count: How many, at most.
            alike: Whether two candidates train a network in the same way.
            taken: Whether a candidate is left out.
        """
        finished = {r.candidate: r for r in records if r.status == Status.OK and r.fitness > 0}
        best: list[Record] = []
        for record in sorted(
            finished.values(), key=lambda r: (-self.score(r), r.loss.size, str(r.candidate))
        ):
            if len(best) == count:
                break
            if taken(record.candidate):
                continue
            if not any(alike(record.candidate, chosen.candidate) for chosen in best):
                best.append(record)
        return best

    def _key(self, record: Record) -> tuple[float, int]:
        return self.score(record), -record.loss.size
