"""A learning rate of its own for each loss, chosen by fitness."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence

from glo_tf.expressions.tree import Expression
from glo_tf.results.rate_curve import RateCurve
from glo_tf.training.candidate import Candidate, Hyperparameters, held_rate
from glo_tf.training.trial import Evaluation, Request
from glo_tf.utils.statistics import mean_of

Evaluate = Callable[[Sequence[Request]], Iterable[Evaluation]]
"""Trains networks, side by side where it can; evaluations come in the order of the requests."""

LEARNING_RATE_FACTORS = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Multiples of the optimizer's learning rate that tuning begins with."""

_LADDER = (*(digit * 10.0**power for power in range(-3, 3) for digit in (1, 2, 5)), 1000.0)
"""All multiples that it may go on to, 1, 2 and 5 of each power of ten from 0.001 to 1000."""


@dataclasses.dataclass(frozen=True)
class TunedRate:
    """The learning rate that suits a loss best.

    Attributes:
        learning_rate: The best, the smallest of equals.
        fitnesses: Mean fitness by learning rate, for all that were tried, in rising order.
    """

    learning_rate: float
    fitnesses: dict[float, float]

    @property
    def at_edge(self) -> bool:
        """Whether a better one may lie beyond all that were tried."""
        rates = list(self.fitnesses)
        return self.learning_rate in (rates[0], rates[-1])

    def curve(self, name: str, train_fraction: float = 1.0) -> RateCurve:
        """All that were tried, for readers.

        Args:
            name: Of the loss.
            train_fraction: Of the training data.
        """
        return RateCurve(
            name=name,
            train_fraction=train_fraction,
            learning_rates=tuple(self.fitnesses),
            fitnesses=tuple(self.fitnesses.values()),
            learning_rate=self.learning_rate,
        )


def tune_learning_rates(
    evaluate: Evaluate,
    losses: Sequence[Expression],
    learning_rate: float | Sequence[float],
    seeds: Sequence[int],
    begin_with: Sequence[float] = LEARNING_RATE_FACTORS,
) -> list[TunedRate]:
    """Finds for each loss the learning rate with the best mean fitness.

    As long as the best lies at an end of what was tried, the next one beyond is tried as well, from
    0.001 to 1000 times the given learning rate. A training that fails counts with its fitness of 0.

    Args:
        evaluate: Trains networks.
        losses: The losses; they are tuned side by side.
        learning_rate: The optimizer's own, or one for each loss.
        seeds: Of the trainings with each learning rate.
        begin_with: Multiples of it that come first.
    """
    given = [learning_rate] * len(losses) if isinstance(learning_rate, float) else learning_rate
    tried: list[dict[float, float]] = [{} for _ in losses]
    factors: list[Sequence[float]] = [begin_with for _ in losses]
    while any(factors):
        wanted = [(place, factor) for place, more in enumerate(factors) for factor in more]
        requests = [
            Request(Candidate(losses[place], Hyperparameters(_rate(given[place], factor))), seed)
            for place, factor in wanted
            for seed in seeds
        ]
        fitnesses = iter([evaluation.fitness for evaluation in evaluate(requests)])
        for place, factor in wanted:
            of_seeds = list(itertools.islice(fitnesses, len(seeds)))
            tried[place][factor] = mean_of(of_seeds)
        factors = [_beyond(known) for known in tried]
    return [
        TunedRate(
            _rate(rate, _best(known)),
            {_rate(rate, factor): known[factor] for factor in sorted(known)},
        )
        for rate, known in zip(given, tried, strict=True)
    ]


def _rate(learning_rate: float, factor: float) -> float:
    return held_rate(learning_rate * factor)  # 0.1, not 0.01 * 10 = 0.09999999999999999


def _best(known: dict[float, float]) -> float:
    return min(known, key=lambda factor: (-known[factor], factor))


def _beyond(known: dict[float, float]) -> list[float]:
    """The next multiple where the best is the smallest or the largest so far."""
    best, place = _best(known), _LADDER.index(_best(known))
    if best == min(known) and place > 0:
        return [_LADDER[place - 1]]
    if best == max(known) and place < len(_LADDER) - 1:
        return [_LADDER[place + 1]]
    return []
