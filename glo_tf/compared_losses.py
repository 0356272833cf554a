"""A found loss beside the usual one: same budget, same seeds, and a tuned learning rate."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from glo_tf.expression import Expression
from glo_tf.fitness import Request
from glo_tf.learning_rates import Evaluate, tune_learning_rates


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
        (tuned,) = tune_learning_rates(evaluate, [baseline], learning_rate, [tuning_seed])
        losses[f"{name}, tuned learning rate"] = (baseline, tuned.learning_rate)
    return compare(evaluate, losses, seeds)
