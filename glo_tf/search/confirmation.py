"""The finalists of a search, trained with other seeds."""

from __future__ import annotations

import dataclasses
import logging
import math
import statistics
from collections.abc import Sequence
from typing import TypeAlias

from glo_tf.comparison.learning_rates import Evaluate, tune_learning_rates
from glo_tf.comparison.trainings import Conditions, Entrant, train
from glo_tf.expressions.shortening import Complexity, complexity
from glo_tf.results.found_loss import FoundLoss
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.record import Record
from glo_tf.search.config import ModelSelection
from glo_tf.search.ranking import Ranking
from glo_tf.training.candidate import Candidate, Hyperparameters, bounded_rate
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
        forms: What it may be trained as, the simplest first; as it is if there are none.
    """

    record: Record
    near_divergence: bool = False
    forms: tuple[FoundLoss, ...] = ()

    @property
    def candidate(self) -> Candidate:
        """What is trained: the simplest form."""
        if not self.forms:
            return self.record.candidate
        own_rate = self.record.candidate.hyperparameters.learning_rate is not None
        candidate = self.forms[0].candidate
        return candidate if own_rate else Candidate(candidate.loss)

    @property
    def name(self) -> str:
        """The candidate for readers."""
        parts = [str(self.candidate), self.known, NEAR_DIVERGENCE if self.near_divergence else ""]
        return ", ".join(filter(None, parts))

    @property
    def known(self) -> str:
        """Name of the known loss that it is; empty where it was found."""
        return self.forms[0].known if self.forms else ""

    @property
    def each_form(self) -> list[Finalist]:
        """The same in one form only, one for each."""
        return [dataclasses.replace(self, forms=(form,)) for form in self.forms] or [self]


Confirmed: TypeAlias = tuple[Finalist, LossTrainings]
"""A finalist in the form in which it was trained, and its row."""


def confirm(
    evaluate: Evaluate,
    finalists: Sequence[Finalist],
    ranking: Ranking,
    conditions: Conditions,
    selection: ModelSelection = ModelSelection.ACCURACY,
) -> list[Confirmed]:
    """Trains the finalists with other seeds.

    Of the forms of a finalist, the simplest within the noise of its best stands for it. What
    becomes the best loss has at least the best mean of the known losses among them.

    Args:
        evaluate: Trains networks.
        finalists: Different candidates, the best first, who wins ties with those like it.
        ranking: Orders them by their means; of equals, one near divergence comes last.
        conditions: Of the trainings.
        selection: Which of them becomes the best loss.

    Returns:
        Each finalist with its row, named by its candidate: first what becomes the best loss, then
        the best mean.
    """
    forms = [form for each in finalists for form in each.each_form]
    entrants = [Entrant(form.name, form.candidate) for form in forms]
    rows = iter(train(evaluate, entrants, conditions))
    of_each = [[(form, next(rows)) for form in each.each_form] for each in finalists]
    noise = _noise([row for of_one in of_each for _, row in of_one])

    def worth(one: Confirmed) -> float:
        return ranking.penalized(one[1].mean_fitness, one[0].candidate)

    def within_noise(some: Sequence[Confirmed]) -> list[Confirmed]:
        least = max(map(worth, some)) - noise
        return [one for one in some if worth(one) >= least]

    confirmed = [within_noise(of_one)[0] for of_one in of_each]
    confirmed.sort(key=lambda one: (-worth(one), one[0].near_divergence))  # stable
    bar = max((row.mean_fitness for one, row in confirmed if one.known), default=0.0)
    eligible = [one for one in confirmed if one[1].mean_fitness >= bar]
    if selection == ModelSelection.BEST and eligible:
        eligible = [min(within_noise(eligible), key=_complexity)]
    confirmed.sort(key=lambda one: one is not eligible[0])
    for _, row in confirmed:
        logger.info("Finalist %s  mean fitness %.4f", row.name, row.mean_fitness)
    return confirmed


def _complexity(one: Confirmed) -> tuple[bool, Complexity]:
    return one[0].near_divergence, complexity(one[0].candidate.loss)


def _noise(rows: Sequence[LossTrainings]) -> float:
    """The standard error of the difference of two mean fitnesses; 0 where one seed tells nothing.

    Seeds scatter as in the median loss: a few that fail with some seeds, and so scatter widely, do
    not make all others equal.
    """
    known = [statistics.stdev(row.fitnesses) for row in rows if len(row.fitnesses) > 1]
    return statistics.median(known) * math.sqrt(2.0 / len(rows[0].fitnesses)) if known else 0.0


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
        Candidate(loss, Hyperparameters(bounded_rate(2.0 * rate)))
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
