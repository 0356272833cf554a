"""Evaluations as a search is told them, of candidates with a known fitness."""

from collections.abc import Callable, Sequence

from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Evaluation, Status


def evaluated(
    candidates: Sequence[Candidate], fitness: Callable[[Expression], float | None]
) -> list[Evaluation]:
    """One for each candidate; without a fitness, its training came to nothing."""
    evaluations = []
    for candidate in candidates:
        value = fitness(candidate.loss)
        if value is None:
            evaluations.append(Evaluation.without_result(candidate, 0, Status.FAILED))
        else:
            evaluations.append(Evaluation(candidate, 0, value, Status.OK, steps=30, seconds=0.1))
    return evaluations
