"""A found loss beside known ones, each at a learning rate of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from glo_tf.comparison.learning_rates import (
    LEARNING_RATE_FACTORS,
    Evaluate,
    TunedRate,
    tune_learning_rates,
)
from glo_tf.comparison.trainings import Conditions, Entrant, train
from glo_tf.comparison.verdict import against, edge_sentence, failed_sentence, said
from glo_tf.comparison.with_usual import FOUND
from glo_tf.data.split import Split
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import usual_loss
from glo_tf.results.bar import Bar, Reference
from glo_tf.results.comparison import Comparison, LossTest
from glo_tf.results.found_loss import FoundLoss
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.outcomes import collapse_sentence
from glo_tf.training.search_task import SearchTask

MOST_REFERENCES = 3
"""How many references a found loss is compared with beside the usual loss, the best ones."""

_MIDDLE = LEARNING_RATE_FACTORS[len(LEARNING_RATE_FACTORS) // 2]


def compare_with_references(
    evaluate: Evaluate,
    found: FoundLoss,
    bar: Bar | None,
    task: SearchTask,
    *,
    tuning_seeds: Sequence[int],
    seeds: Sequence[int],
) -> Comparison:
    """What was found beside the usual loss and the best references, each at its own rate.

    The rates of the known losses are tuned once more, around what was found before, on the ladder
    of `tune_learning_rates`. The found loss keeps its own; its curve is drawn all the same.

    Args:
        evaluate: Trains networks.
        found: The found one.
        bar: The references; None for the usual loss alone.
        task: What they are trained on; its validation data measures.
        tuning_seeds: Seeds of the trainings that choose learning rates.
        seeds: Seeds of the comparison.

    Returns:
        The found loss first, then the usual one, then the others, the best first.
    """

    def tuned(loss: Expression, middle: float) -> TunedRate:
        (of_loss,) = tune_learning_rates(evaluate, [loss], middle / _MIDDLE, tuning_seeds)
        return of_loss

    name, usual = usual_loss(task.outputs)
    known = [] if bar is None else [one for one in bar.references if one.value is not None]
    middle = next((r.learning_rate for r in known if r.loss == usual), task.learning_rate)
    others = [one for one in known if one.loss != usual][:MOST_REFERENCES]
    rates = {name: tuned(usual, middle)}
    rates |= {other.name: tuned(other.loss, other.learning_rate) for other in others}
    losses = {name: usual, **{other.name: other.loss for other in others}}
    entrants = [
        Entrant(FOUND, found.candidate, tuned=True),
        *(Entrant.of_tuned(of, losses[of], rate.learning_rate) for of, rate in rates.items()),
    ]
    conditions = Conditions(seeds=seeds, objective=task.objective, learning_rate=task.learning_rate)
    rows = train(evaluate, entrants, conditions)
    best, baseline, *_ = rows
    rival = _rival(rows, others, bar)
    tests = against([row for row in rows if row is not baseline], baseline)
    tests += against([best], rival) if rival is not None else []
    curve = tuned(found.loss, found.learning_rate).curve(FOUND)
    return Comparison(
        metric=task.objective.name,
        mode=task.objective.mode,
        steps=(task.train_steps,),
        baseline=name,
        baseline_tuned=True,
        losses=tuple(rows),
        tests=tuple(tests),
        verdict=_verdict(rows, tests, rival, [n for n, r in rates.items() if r.at_edge], task),
        split=Split.VALIDATION,
        rate_curves=(
            dataclasses.replace(curve, learning_rate=found.learning_rate),
            *(rate.curve(of) for of, rate in rates.items()),
        ),
    )


def _rival(
    rows: Sequence[LossTrainings], others: Sequence[Reference], bar: Bar | None
) -> LossTrainings | None:
    """The best reference, by what was known before the search, where it is not the usual loss."""
    first = None if bar is None else bar.best
    if first is None or first not in others:
        return None
    return next(row for row in rows[2:] if row.name == first.name)


def _verdict(
    rows: Sequence[LossTrainings],
    tests: Sequence[LossTest],
    rival: LossTrainings | None,
    at_edge: Sequence[str],
    task: SearchTask,
) -> str:
    found, usual, *_ = rows
    sentences = []
    for beside, row in (("", usual), ("Beside the best reference: ", rival)):
        if row is None:
            continue
        (test,) = [t for t in tests if (t.loss, t.baseline) == (FOUND, row.name)]
        rates = f"each at a learning rate of its own ({found.learning_rate:g}, {row.name} "
        rates += f"{row.learning_rate:g})"
        if found.setting == row.setting:
            rates = f"at the same learning rate ({row.learning_rate:g})"
        sentences.append(f"{beside}{FOUND} {said(found, row, test, task.objective.mode)}, {rates}.")
    sentences += [failed_sentence(rows)] if any(row.failed for row in rows) else []
    collapsed = collapse_sentence(rows, task.objective.mode)
    sentences += [collapsed] if collapsed else []
    sentences += [edge_sentence(at_edge)] if at_edge else []
    return "\n".join(sentences)
