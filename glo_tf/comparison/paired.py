"""A found loss beside the usual one: same budget, same seeds, and a tuned learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glo_tf.comparison.learning_rates import Evaluate, tune_learning_rates
from glo_tf.expressions.tree import Expression
from glo_tf.results.compared_loss import ComparedLoss
from glo_tf.training.trial import Request


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
