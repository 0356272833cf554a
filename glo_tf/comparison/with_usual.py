"""A found loss beside the usual one: same budget, same seeds, and a tuned learning rate."""

from __future__ import annotations

from collections.abc import Sequence

from glo_tf.comparison.learning_rates import Evaluate, tune_learning_rates
from glo_tf.comparison.trainings import Conditions, Entrant, train
from glo_tf.comparison.verdict import conclude
from glo_tf.data.split import Split
from glo_tf.losses.baselines import usual_loss
from glo_tf.results.bar import Bar
from glo_tf.results.comparison import Comparison
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.rate_curve import RateCurve
from glo_tf.training.candidate import Candidate
from glo_tf.training.search_task import SearchTask

FOUND = "best loss"
"""Name of the loss that a search has found, beside others."""


def compare_with_usual(
    evaluate: Evaluate,
    best: Candidate,
    task: SearchTask,
    bar: Bar | None = None,
    *,
    tuning_seed: int,
    seeds: Sequence[int],
) -> Comparison:
    """What was found beside the usual loss, at the given learning rate and at one tuned for it.

    Args:
        evaluate: Trains networks.
        best: The found one.
        task: What they are trained on; its validation data measures.
        bar: Further losses, at the given learning rate, too.
        tuning_seed: Seed of the trainings that choose the usual loss's learning rate.
        seeds: Seeds of the comparison.

    Returns:
        Three rows, the found one first, and one for each reference that is not the usual loss.
    """
    name, usual = usual_loss(task.outputs)
    (tuned,) = tune_learning_rates(evaluate, [usual], task.learning_rate, [tuning_seed])
    known = [] if bar is None else [one for one in bar.references if one.value is not None]
    entrants = [
        Entrant(FOUND, best),
        Entrant(name, Candidate(usual)),
        Entrant.of_tuned(name, usual, tuned.learning_rate),
        *(Entrant(one.name, Candidate(one.loss)) for one in known if one.loss != usual),
    ]
    conditions = Conditions(seeds=seeds, objective=task.objective, learning_rate=task.learning_rate)
    rows = train(evaluate, entrants, conditions)
    return _concluded(rows, task, [name] if tuned.at_edge else [], [tuned.curve(name)])


def nothing_compared(task: SearchTask) -> Comparison:
    """The comparison of a search that made none: without losses, tests and a verdict."""
    return _concluded([], task)


def _concluded(
    entries: Sequence[LossTrainings],
    task: SearchTask,
    at_edge: Sequence[str] = (),
    rate_curves: Sequence[RateCurve] = (),
) -> Comparison:
    return conclude(
        entries,
        metric=task.objective.name,
        mode=task.objective.mode,
        split=Split.VALIDATION,
        steps=(task.train_steps,),
        baseline=usual_loss(task.outputs)[0],
        at_edge=at_edge,
        rate_curves=rate_curves,
    )
