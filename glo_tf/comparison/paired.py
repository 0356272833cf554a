"""A found loss beside the usual one: same budget, same seeds, and a tuned learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glo_tf.comparison.learning_rates import Evaluate, tune_learning_rates
from glo_tf.expressions.tree import Expression
from glo_tf.results.compared_loss import ComparedLoss
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.trial import Request


def compare(
    evaluate: Evaluate,
    losses: Mapping[str, Candidate],
    seeds: Sequence[int],
) -> list[ComparedLoss]:
    """Trains every loss once per seed; the seeds are paired (same weights, same batches).

    Args:
        evaluate: Trains networks.
        losses: Name to what is trained.
        seeds: Seeds of the trainings.

    Returns:
        One row per loss, in the order of `losses`.
    """
    requests = [Request(candidate, seed) for candidate in losses.values() for seed in seeds]
    fitnesses = iter([evaluation.fitness for evaluation in evaluate(requests)])
    return [
        ComparedLoss(
            name=name,
            loss=candidate.loss,
            learning_rate=candidate.hyperparameters.learning_rate,
            seeds=tuple(seeds),
            fitnesses=tuple(next(fitnesses) for _ in seeds),
        )
        for name, candidate in losses.items()
    ]


def compare_with_usual(
    evaluate: Evaluate,
    best: Candidate,
    usual: tuple[str, Expression],
    *,
    learning_rate: float | None,
    tuning_seed: int,
    seeds: Sequence[int],
) -> list[ComparedLoss]:
    """What was found beside the usual loss, with the same learning rate and with a tuned one.

    Args:
        evaluate: Trains networks.
        best: The found one.
        usual: Name and loss; see `usual_loss`.
        learning_rate: The optimizer's own; None where a schedule sets it, and nothing is tuned.
        tuning_seed: Seed of the trainings that choose the usual loss's learning rate.
        seeds: Seeds of the comparison.

    Returns:
        Two or three rows, the found one first.
    """
    name, baseline = usual
    losses = {"best loss": best, name: Candidate(baseline)}
    if learning_rate is not None:
        (tuned,) = tune_learning_rates(evaluate, [baseline], learning_rate, [tuning_seed])
        own = Hyperparameters(tuned.learning_rate)
        losses[f"{name}, tuned learning rate"] = Candidate(baseline, own)
    return compare(evaluate, losses, seeds)
