"""Trainings of found losses with other seeds: confirmation and comparison."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from glo_tf.comparison.learning_rates import Evaluate
from glo_tf.comparison.paired import compare, compare_with_usual
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import usual_loss
from glo_tf.results.compared_loss import ComparedLoss
from glo_tf.results.record import Record
from glo_tf.search.ranking import Ranking
from glo_tf.search.settings import SearchSettings
from glo_tf.training.task import TrainingTask

logger = logging.getLogger("glo_tf")


def confirm(
    evaluate: Evaluate, finalists: Sequence[Record], ranking: Ranking, seeds: Sequence[int]
) -> list[ComparedLoss]:
    """Trains the finalists with other seeds.

    Args:
        evaluate: Trains networks.
        finalists: Candidates with different losses, the best first, who wins ties.
        ranking: Orders them by their means.
        seeds: Of the trainings.

    Returns:
        One row per finalist, named by its loss, the best mean first.
    """
    rows = compare(evaluate, {str(r.loss): (r.loss, None) for r in finalists}, seeds)
    rows.sort(key=lambda row: -ranking.penalized(row.mean, row.loss))  # stable
    for row in rows:
        logger.info("Finalist %s  mean fitness %.4f", row.name, row.mean)
    return rows


def compare_best(
    evaluate: Evaluate,
    best: Expression,
    task: TrainingTask,
    settings: SearchSettings,
    seeds: Sequence[int],
) -> list[ComparedLoss]:
    """The best loss of a search beside the usual one; see `compare_with_usual`."""
    return compare_with_usual(
        evaluate,
        best,
        usual_loss(task.outputs),
        learning_rate=task.learning_rate,
        tuning_seed=settings.seed,
        seeds=seeds,
    )
