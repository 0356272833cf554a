"""The finalists of a search, trained with other seeds."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from glo_tf.comparison.learning_rates import Evaluate
from glo_tf.comparison.paired import compare
from glo_tf.results.compared_loss import ComparedLoss
from glo_tf.results.record import Record
from glo_tf.search.ranking import Ranking
from glo_tf.training.candidate import Candidate

logger = logging.getLogger("glo_tf")


def confirm(
    evaluate: Evaluate, finalists: Sequence[Record], ranking: Ranking, seeds: Sequence[int]
) -> list[ComparedLoss]:
    """Trains the finalists with other seeds.

    Args:
        evaluate: Trains networks.
        finalists: Different candidates, the best first, who wins ties.
        ranking: Orders them by their means.
        seeds: Of the trainings.

    Returns:
        One row per finalist, named by its candidate, the best mean first.
    """
    rows = compare(evaluate, {str(r.candidate): r.candidate for r in finalists}, seeds)
    rows.sort(key=lambda row: -ranking.penalized(row.mean, Candidate(row.loss)))  # stable
    for row in rows:
        logger.info("Finalist %s  mean fitness %.4f", row.name, row.mean)
    return rows
