"""The finalists of a search, trained with other seeds."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence

from glo_tf.comparison.learning_rates import Evaluate, tune_learning_rates
from glo_tf.comparison.trainings import Conditions, Entrant, train
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.record import Record
from glo_tf.search.ranking import Ranking
from glo_tf.training.candidate import LARGEST_RATE, Candidate, Hyperparameters
from glo_tf.training.trial import Request, Status

logger = logging.getLogger("glo_tf")

NEAR_DIVERGENCE = "near divergence"
"""What is said of a loss that fails at twice its learning rate."""

_AROUND = (0.5, 1.0, 2.0)  # multiples of a finalist's learning rate to begin with
_FAILED = 0.5  # of the fitness at its rate; less is a failure at twice that


@dataclasses.dataclass(frozen=True)
class Finalist:
    """One of the best candidates of a search.

    Attributes:
        record: Of the candidate, with the learning rate that was chosen last.
        near_divergence: Whether it fails at twice that rate.
    """

    record: Record
    near_divergence: bool = False

    @property
    def name(self) -> str:
        """The candidate for readers."""
        candidate = str(self.record.candidate)
        return f"{candidate}, {NEAR_DIVERGENCE}" if self.near_divergence else candidate


def confirm(
    evaluate: Evaluate, finalists: Sequence[Finalist], ranking: Ranking, conditions: Conditions
) -> list[tuple[Finalist, LossTrainings]]:
    """Trains the finalists with other seeds.

    Args:
        evaluate: Trains networks.
        finalists: Different candidates, the best first, who wins ties with those like it.
        ranking: Orders them by their means; of equals, one near divergence comes last.
        conditions: Of the trainings.

    Returns:
        Each finalist with its row, named by its candidate, the best mean first.
    """
    entrants = [Entrant(each.name, each.record.candidate) for each in finalists]
    rows = [*zip(finalists, train(evaluate, entrants, conditions), strict=True)]

    def order(pair: tuple[Finalist, LossTrainings]) -> tuple[float, bool]:
        finalist, row = pair
        worth = ranking.penalized(row.mean_fitness, finalist.record.candidate)
        return -worth, finalist.near_divergence

    rows.sort(key=order)  # stable
    for _, row in rows:
        logger.info("Finalist %s  mean fitness %.4f", row.name, row.mean_fitness)
    return rows


def with_rates_of_several_seeds(
    evaluate: Evaluate, records: Sequence[Record], seeds: Sequence[int]
) -> list[Finalist]:
    """Chooses the finalists' learning rates anew, around those that one seed chose.

    Args:
        evaluate: Trains networks.
        records: Candidates with learning rates.
        seeds: Of the trainings at each rate.
    """
    losses = [record.loss for record in records]
    rates = [record.candidate.hyperparameters.learning_rate for record in records]
    around = [rate for rate in rates if rate is not None]
    tuned = tune_learning_rates(evaluate, losses, around, seeds, _AROUND)
    chosen = [rate.learning_rate for rate in tuned]
    doubled = [
        Candidate(loss, Hyperparameters(min(2.0 * rate, LARGEST_RATE)))
        for loss, rate in zip(losses, chosen, strict=True)
    ]
    evaluations = iter(evaluate([Request(one, seed) for one in doubled for seed in seeds]))
    finalists = []
    for record, rate in zip(records, tuned, strict=True):
        at_its_rate = rate.fitnesses[rate.learning_rate]
        at_twice = [next(evaluations) for _ in seeds]
        fails = any(
            one.status != Status.OK or one.fitness < _FAILED * at_its_rate for one in at_twice
        )
        candidate = Candidate(record.loss, Hyperparameters(rate.learning_rate))
        finalists.append(Finalist(dataclasses.replace(record, candidate=candidate), fails))
    return finalists
