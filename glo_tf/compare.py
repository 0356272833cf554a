"""A found loss beside the usual one: same budget, same seeds, and a tuned learning rate."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from glo_tf.expression import Expression
from glo_tf.fitness import Evaluation, Request
from glo_tf.outputs import LINEAR, SIGMOID, SOFTMAX, Outputs

Evaluate = Callable[[Sequence[Request]], Iterable[Evaluation]]
"""Trains networks, side by side where it can; evaluations come in the order of the requests."""

CROSS_ENTROPY = Expression.parse("-(x*log(y))")
# 1 - y would be 0 where a sigmoid is sure.
BINARY_CROSS_ENTROPY = Expression.parse("-(x*log(y) + (1 - x)*log(1.0000002 - y))")
SQUARED_ERROR = Expression.parse("square(x - y)")

LEARNING_RATE_FACTORS = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Multiples of the optimizer's learning rate that the usual loss is tuned over."""


@dataclasses.dataclass(frozen=True)
class ComparedLoss:
    """One row of a comparison.

    Attributes:
        name: How the row is shown.
        loss: The whole loss, per class.
        learning_rate: What it was trained with; None is the optimizer's own.
        seeds: Seeds of the trainings, fresh ones that the search did not select on.
        fitnesses: Fitness for each seed.
    """

    name: str
    loss: Expression
    learning_rate: float | None
    seeds: tuple[int, ...]
    fitnesses: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean fitness."""
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
    """The learning rate with the best fitness for `loss`; the smallest of equals."""
    rates = sorted(learning_rates)
    evaluations = evaluate([Request(loss, seed, rate) for rate in rates])
    fitnesses = [evaluation.fitness for evaluation in evaluations]
    return rates[fitnesses.index(max(fitnesses))]


def usual_loss(outputs: Outputs) -> tuple[str, Expression]:
    """What a model with such outputs is usually trained with, by its name.

    Cross-entropy for classes, binary cross-entropy for probabilities of their own, and squared
    error where an output is linear (for classes beside it, that is the Brier score).
    """
    activations = {SOFTMAX if output.binary else output.activation for output in outputs.each}
    if LINEAR in activations:
        return "squared error", SQUARED_ERROR
    if SIGMOID in activations:
        return "binary cross-entropy", BINARY_CROSS_ENTROPY
    return "cross-entropy", CROSS_ENTROPY


def compare_with_usual(
    evaluate: Evaluate,
    loss: Expression,
    usual: tuple[str, Expression],
    *,
    learning_rate: float | None,
    tuning_seed: int,
    seeds: Sequence[int],
) -> list[ComparedLoss]:
    """A loss beside the usual one, with the same learning rate and with a tuned one.

    Args:
        evaluate: Trains networks.
        loss: The loss.
        usual: Name and loss; see `usual_loss`.
        learning_rate: The optimizer's own; None where a schedule sets it, and nothing is tuned.
        tuning_seed: Seed of the trainings that choose the usual loss's learning rate.
        seeds: Seeds of the comparison.

    Returns:
        Two or three rows, the loss first.
    """
    name, baseline = usual
    losses: dict[str, tuple[Expression, float | None]] = {
        "best loss": (loss, None),
        name: (baseline, None),
    }
    if learning_rate is not None:
        rates = [learning_rate * factor for factor in LEARNING_RATE_FACTORS]
        tuned = tune_learning_rate(evaluate, baseline, rates, tuning_seed)
        losses[f"{name}, tuned learning rate"] = (baseline, tuned)
    return compare(evaluate, losses, seeds)
