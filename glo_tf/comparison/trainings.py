"""The trainings that are compared: every loss with the same seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from glo_tf.comparison.learning_rates import Evaluate
from glo_tf.data.split import Split
from glo_tf.expressions.tree import Expression
from glo_tf.metrics.objective import Objective
from glo_tf.results.loss_trainings import LossTrainings, Values
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.trial import Evaluation, Request, Status


@dataclasses.dataclass(frozen=True)
class Entrant:
    """A loss that networks are trained with, and its hyperparameters.

    Attributes:
        name: How it is shown.
        candidate: What is trained.
        tuned: Whether its learning rate was tuned for it.
    """

    name: str
    candidate: Candidate
    tuned: bool = False

    @classmethod
    def of_tuned(cls, name: str, loss: Expression, learning_rate: float) -> Entrant:
        """A loss with a learning rate of its own."""
        return cls(name, Candidate(loss, Hyperparameters(learning_rate)), tuned=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Conditions:
    """What all losses that are compared have in common.

    Attributes:
        seeds: Of the trainings of each, paired: same weights, same batches.
        objective: What they are compared by.
        learning_rate: The optimizer's own; of a schedule its largest.
        split: Data that they are compared on.
        checkpoints: Steps at which they are measured; at the end alone, by the metric, if empty.
        measured: What is kept of each checkpoint, by data.
        train_fraction: Share of the training data that they are trained on.
    """

    seeds: Sequence[int]
    objective: Objective
    learning_rate: float
    split: Split = Split.VALIDATION
    checkpoints: tuple[int, ...] = ()
    measured: Mapping[Split, Sequence[str]] = dataclasses.field(default_factory=dict)
    train_fraction: float = 1.0


def train(
    evaluate: Evaluate, entrants: Sequence[Entrant], conditions: Conditions
) -> list[LossTrainings]:
    """Trains every loss once per seed; what would be the same training is done once.

    Args:
        evaluate: Trains networks.
        entrants: The losses.
        conditions: What they have in common.

    Returns:
        One row per loss, in order.
    """
    requests = {entrant: _requests(entrant, conditions) for entrant in entrants}
    wanted = list(dict.fromkeys(request for of_one in requests.values() for request in of_one))
    found = dict(zip(wanted, evaluate(wanted), strict=True))
    return [
        _row(entrant, [found[request] for request in of_one], conditions)
        for entrant, of_one in requests.items()
    ]


def _requests(entrant: Entrant, conditions: Conditions) -> list[Request]:
    candidate = entrant.candidate
    # A tuned rate that is the optimizer's own asks for no other trainings.
    if candidate.hyperparameters.learning_rate == conditions.learning_rate:
        others = dataclasses.replace(candidate.hyperparameters, learning_rate=None)
        candidate = Candidate(candidate.loss, others)
    return [
        Request(candidate, seed, checkpoints=conditions.checkpoints) for seed in conditions.seeds
    ]


def _row(
    entrant: Entrant, evaluations: Sequence[Evaluation], conditions: Conditions
) -> LossTrainings:
    own_rate = entrant.candidate.hyperparameters.learning_rate
    return LossTrainings.of(
        name=entrant.name,
        tuned=entrant.tuned,
        expression=str(entrant.candidate.loss),
        learning_rate=conditions.learning_rate if own_rate is None else own_rate,
        train_fraction=conditions.train_fraction,
        seeds=tuple(conditions.seeds),
        metric=conditions.objective.name,
        split=conditions.split,
        values=_values(evaluations, conditions),
        fitnesses=tuple(evaluation.fitness for evaluation in evaluations),
    )


def _values(
    evaluations: Sequence[Evaluation], conditions: Conditions
) -> dict[Split, dict[str, Values]]:
    """See `LossTrainings.values`."""
    objective, steps = conditions.objective, len(conditions.checkpoints)
    if not steps:
        ends = [e.values if e.status == Status.OK else {} for e in evaluations]
        names = objective.value_names
        return {conditions.split: {name: tuple((end.get(name),) for end in ends) for name in names}}
    return {
        split: {
            name: tuple(
                (*found, *[None] * (steps - len(found)))
                for evaluation in evaluations
                for found in [evaluation.measured.get(split, {}).get(name, ())]
            )
            for name in names
        }
        for split, names in conditions.measured.items()
    }
