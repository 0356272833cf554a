"""Reference losses, which are tuned before a search starts: what it has to beat."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from glo_tf.comparison.learning_rates import Evaluate
from glo_tf.comparison.with_usual import FOUND
from glo_tf.data.outputs import Outputs
from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.tree import Expression
from glo_tf.losses.given import Losses
from glo_tf.results.bar import Bar, Reference
from glo_tf.search.ask_tell import tree_of
from glo_tf.search.evaluator import CandidateEvaluator
from glo_tf.search.genetic.first_generation import missing_nodes
from glo_tf.search.settings import SearchSettings
from glo_tf.search.spaces.space import SearchSpace
from glo_tf.training.candidate import Candidate
from glo_tf.training.search_task import SearchTask
from glo_tf.training.trial import Evaluation, Request, Status


def reference_losses(
    given: Losses | None, outputs: Outputs, space: SearchSpace, *, own: bool
) -> dict[str, Expression]:
    """The reference losses by their names, of which no two are the same.

    Args:
        given: What a user chose; None for all that fit, where each has a learning rate of its own.
        outputs: Of the model.
        space: Of the search. Losses that look at all classes at once, as those that know how
            frequent classes are, fit where it has what they are made of.
        own: Whether each has. One rate for all compares step sizes, so there is no bar by itself.

    Raises:
        ValueError: If one that was chosen is no loss that can be trained.
        OSError: If a file cannot be read.
    """
    from glo_tf.losses.lookup import by_name, known_losses, known_of_all_classes

    if given is not None:
        named = by_name(given, outputs, "reference_losses") if given else {}
        if FOUND in named:
            raise InvalidArgumentError(
                f"Expected reference_losses with other names than that of what is found. "
                f"Received: reference_losses with '{FOUND}'"
            )
        return named
    if not own:
        return {}
    of_all = known_of_all_classes(outputs).items()
    fitting = {name: loss for name, loss in of_all if not missing_nodes(tree_of(loss), space)}
    return {**known_losses(outputs), **fitting}


def set_bar(
    losses: Mapping[str, Expression],
    task: SearchTask,
    settings: SearchSettings,
    evaluator: CandidateEvaluator,
    retrain: Evaluate,
    told: Callable[[Evaluation], None],
) -> Bar:
    """Tunes reference losses as candidates are tuned, and trains the best with a few seeds more.

    Where these show that it is not the best, the next best is trained with them, and so on.

    Args:
        losses: By their names, at least one.
        task: What they are trained on.
        settings: Of the search.
        evaluator: Gives each its fitness; it screens nothing, and knows of no candidate.
        retrain: Trains networks.
        told: Of what each loss gave.
    """
    metric = task.objective.name
    tuned: list[tuple[Reference, Candidate]] = []
    outcomes = evaluator.evaluate([Candidate(loss) for loss in losses.values()])
    for name, outcome in zip(losses, outcomes, strict=True):
        evaluation = outcome.evaluation
        told(evaluation)
        rate = outcome.candidate.hyperparameters.learning_rate
        reference = Reference(
            name=name,
            expression=str(evaluation.loss),
            learning_rate=task.learning_rate if rate is None else rate,
            fitness=evaluation.fitness,
            value=evaluation.values.get(metric) if evaluation.status == Status.OK else None,
        )
        tuned.append((reference, outcome.candidate))
    values: dict[str, list[float]] = {}
    while True:
        tuned.sort(key=lambda one: one[0].order)  # stable: of equals, the one that was named first
        best, candidate = tuned[0]
        if best.value is None or best.name in values:
            break
        # One training can flatter a loss that fails with other seeds: then it is not the best.
        again = list(retrain([Request(candidate, seed) for seed in settings.seeds_of_noise]))
        values[best.name] = [
            value for one in again if (value := one.values.get(metric)) is not None
        ]
        tuned[0] = _with_more_seeds(best, again, values[best.name], settings), candidate
    return Bar(
        metric=metric,
        mode=task.objective.mode,
        references=tuple(reference for reference, _ in tuned),
        values=tuple(values.get(best.name, ())) if best.value is not None else (),
        seeds=settings.fitness_seeds,
    )


def _with_more_seeds(
    one: Reference, again: Sequence[Evaluation], values: Sequence[float], settings: SearchSettings
) -> Reference:
    """The mean of all its trainings; one that failed with a seed counts as failed."""
    assert one.value is not None
    first = settings.fitness_seeds
    total = first + len(again)
    fitness = (first * one.fitness + sum(evaluation.fitness for evaluation in again)) / total
    failed = len(values) < len(again) or any(one.status != Status.OK for one in again)
    value = None if failed else (first * one.value + sum(values)) / total
    return dataclasses.replace(one, fitness=fitness, value=value)
