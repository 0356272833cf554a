"""Who meets in the end: the usual loss and the best others, each at a setting that holds.

A few seeds can flatter a setting, and at a rate just below those that diverge they often do: with
others, some trainings collapse. So a setting that is the best one of a contender is trained with
further seeds, until the best one is one that was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from glo_tf.comparison.learning_rates import Evaluate
from glo_tf.results.tuned_loss import Trial, TunedLoss
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.trial import Evaluation, Request, Status


def contenders(tuned: Sequence[TunedLoss], count: int) -> list[TunedLoss]:
    """The usual loss, and the best of the others.

    Args:
        tuned: All losses, the usual one first.
        count: How many, at most.
    """
    usual, *others = tuned
    sound = [loss for loss in others if loss.best.status == Status.OK]
    return [usual, *sorted(sound, key=lambda loss: loss.best.order)[: count - 1]]


def with_settings_that_hold(
    evaluate: Evaluate,
    tuned: Sequence[TunedLoss],
    count: int,
    *,
    seeds: Sequence[int],
    trained: int,
) -> list[TunedLoss]:
    """All losses, of which the contenders have settings that were trained with further seeds.

    Args:
        evaluate: Trains networks, on validation data.
        tuned: All losses, the usual one first.
        count: As of `contenders`.
        seeds: The further ones.
        trained: How many seeds each trial had before.
    """
    found = {loss.name: loss for loss in tuned}
    known: set[Trial] = set()
    while True:
        due = [
            loss
            for loss in contenders(list(found.values()), count)
            if loss.best.status == Status.OK and loss.best not in known
        ]
        if not due:
            return list(found.values())
        requests = [Request(_candidate(loss.best), seed) for loss in due for seed in seeds]
        evaluations = iter(evaluate(requests))
        for loss in due:
            again = _together(loss.best, [next(evaluations) for _ in seeds], trained)
            known.add(again)
            found[loss.name] = _with(loss, again)


def _candidate(trial: Trial) -> Candidate:
    return Candidate(trial.loss, Hyperparameters(trial.learning_rate))


def _together(trial: Trial, again: Sequence[Evaluation], trained: int) -> Trial:
    """The mean over all seeds; one that fails with a seed has failed."""
    total = trained * trial.fitness + sum(one.fitness for one in again)
    return dataclasses.replace(
        trial,
        fitness=total / (trained + len(again)),
        status=next((one.status for one in again if one.status != Status.OK), trial.status),
        steps=trial.steps + sum(one.steps for one in again),
    )


def _with(loss: TunedLoss, again: Trial) -> TunedLoss:
    """With a trial in place of the best one, which it may not be any more."""
    before = loss.best
    trials = tuple(again if trial is before else trial for trial in loss.trials)
    new = dataclasses.replace(loss, trials=trials)
    if new.best is again:
        return new
    rates = new.curve.learning_rates
    return dataclasses.replace(new, at_edge=new.best.learning_rate in (rates[0], rates[-1]))
