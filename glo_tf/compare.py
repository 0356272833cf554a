"""A found loss beside cross-entropy: same budget, same seeds, and a tuned learning rate."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from glo_tf.expression import Expression
from glo_tf.fitness import Evaluation, Request

Evaluate = Callable[[Sequence[Request]], Iterable[Evaluation]]
"""Trains networks, side by side where it can; evaluations come in the order of the requests."""

CROSS_ENTROPY = Expression.parse("-(x*log(y))")

LEARNING_RATE_FACTORS = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Multiples of the optimizer's learning rate that cross-entropy is tuned over."""


@dataclasses.dataclass(frozen=True)
class ComparedLoss:
    """One row of a comparison.

    Attributes:
        name: How the row is shown.
        loss: The whole loss, per class.
        learning_rate: What it was trained with; None is the optimizer's own.
        seeds: Seeds of the trainings, fresh ones that the search did not select on.
        fitnesses: Validation accuracy for each seed.
    """

    name: str
    loss: Expression
    learning_rate: float | None
    seeds: tuple[int, ...]
    fitnesses: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean validation accuracy."""
        return statistics.fmean(self.fitnesses)

    @property
    def deviation(self) -> float:
        """Standard deviation over the seeds; 0 for a single one."""
        return statistics.stdev(self.fitnesses) if len(self.fitnesses) > 1 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON-ready data, with the mean."""
        return {**dataclasses.asdict(self), "loss": str(self.loss), "mean": self.mean}


def compare(
    evaluate: Evaluate,
    losses: Mapping[str, tuple[Expression, float | None]],
    seeds: Sequence[int],
) -> list[ComparedLoss]:
    """Trains every loss once per seed; the seeds are paired (same weights, same batches).

    Args:
        evaluate: Trains networks.
        losses: Name to loss and learning rate.
        seeds: Seeds of the trainings.

    Returns:
        One row per loss, in the order of `losses`.
    """
    requests = [
        Request(loss, seed, learning_rate)
        for loss, learning_rate in losses.values()
        for seed in seeds
    ]
    fitnesses = iter([evaluation.fitness for evaluation in evaluate(requests)])
    return [
        ComparedLoss(
            name=name,
            loss=loss,
            learning_rate=learning_rate,
            seeds=tuple(seeds),
            fitnesses=tuple(next(fitnesses) for _ in seeds),
        )
        for name, (loss, learning_rate) in losses.items()
    ]


def tune_learning_rate(
    evaluate: Evaluate, loss: Expression, learning_rates: Sequence[float], seed: int
) -> float:
    """The learning rate with the best validation accuracy for `loss`; the smallest of equals."""
    rates = sorted(learning_rates)
    evaluations = evaluate([Request(loss, seed, rate) for rate in rates])
    fitnesses = [evaluation.fitness for evaluation in evaluations]
    return rates[fitnesses.index(max(fitnesses))]


def compare_with_cross_entropy(
    evaluate: Evaluate,
    loss: Expression,
    *,
    learning_rate: float | None,
    tuning_seed: int,
    seeds: Sequence[int],
) -> list[ComparedLoss]:
    """A loss beside cross-entropy, with the same learning rate and with a tuned one.

    Args:
        evaluate: Trains networks.
        loss: The loss.
        learning_rate: The optimizer's own; None where a schedule sets it, and nothing is tuned.
        tuning_seed: Seed of the trainings that choose cross-entropy's learning rate.
        seeds: Seeds of the comparison.

    Returns:
        Two or three rows, the loss first.
    """
    losses: dict[str, tuple[Expression, float | None]] = {
        "best loss": (loss, None),
        "cross-entropy": (CROSS_ENTROPY, None),
    }
    if learning_rate is not None:
        rates = [learning_rate * factor for factor in LEARNING_RATE_FACTORS]
        tuned = tune_learning_rate(evaluate, CROSS_ENTROPY, rates, tuning_seed)
        losses["cross-entropy, tuned learning rate"] = (CROSS_ENTROPY, tuned)
    return compare(evaluate, losses, seeds)
