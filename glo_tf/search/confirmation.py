"""The finalists of a search, trained with other seeds."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from glo_tf.comparison.learning_rates import Evaluate
from glo_tf.comparison.trainings import Conditions, Entrant, train
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.record import Record
from glo_tf.search.ranking import Ranking

logger = logging.getLogger("glo_tf")


def confirm(
    evaluate: Evaluate, finalists: Sequence[Record], ranking: Ranking, conditions: Conditions
) -> list[LossTrainings]:
    """Trains the finalists with other seeds.

    Args:
        evaluate: Trains networks.
        finalists: Different candidates, the best first, who wins ties.
        ranking: Orders them by their means.
        conditions: Of the trainings.

    Returns:
        One row per finalist, named by its candidate, the best mean first.
    """
    entrants = [Entrant(str(record.candidate), record.candidate) for record in finalists]
    rows = train(evaluate, entrants, conditions)
    of = {entrant.name: entrant.candidate for entrant in entrants}
    rows.sort(key=lambda row: -ranking.penalized(row.mean_fitness, of[row.name]))  # stable
    for row in rows:
        logger.info("Finalist %s  mean fitness %.4f", row.name, row.mean_fitness)
    return rows
