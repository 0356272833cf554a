"""What a search is about to do, from its task and settings."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping

from glo_tf.display.plan import Plan, PlannedPhase
from glo_tf.losses.baselines import usual_loss
from glo_tf.results.record import Phase
from glo_tf.screening.screen import Screening
from glo_tf.search.config import RateSource, SearchBudget
from glo_tf.search.settings import SearchSettings
from glo_tf.training.search_task import SearchTask


def plan_of(
    task: SearchTask,
    settings: SearchSettings,
    budget: SearchBudget,
    references: int,
    folder: pathlib.Path | None,
) -> Plan:
    """The plan.

    Args:
        task: What candidates are trained on.
        settings: Of the search.
        budget: What may end it before.
        references: How many losses there are to beat.
        folder: Where results go; None for nowhere.
    """
    phases = _phases(settings)
    plan = Plan(
        said={},
        phases=phases,
        trainings_before=settings.trainings_before(references),
        trainings_of_candidate=settings.fitness_seeds,
        trainings_after=settings.trainings_at_the_end + settings.trainings_of_known(references),
        train_steps=task.train_steps,
        folder=folder,
        outputs=task.outputs,
        lanes=task.lanes,
    )
    own = settings.learning_rate == RateSource.OWN
    each = list(task.description.get("tasks", {"": task.description}).values())
    optimizer = each[0]["optimizer"].get("class_name", "of a function")
    rate = "its own for each loss" if own else f"{task.learning_rate:g}"
    less = "" if settings.screening == Screening.NONE else "; most losses need none, or part of one"
    said = {
        "data": "; ".join(map(_data, each)),
        "network": "; ".join(one["model"].partition(",")[0] for one in each),
        "optimizer": f"{optimizer}, learning rate {rate}",
        "fitness": f"{task.objective.goal} on validation data after {task.train_steps} steps "
        f"of {each[0]['batch_size']} samples",
        "search": ", then ".join(
            f"{one.phase}: {_several(one.generations, 'generation')} of {one.candidates}"
            for one in phases
        ),
        "trainings": f"at most {plan.most_trainings:,}{less}",
        "at the end": _ending(task, settings, references),
        "budget": _budget(budget),
        "results": "are not written" if folder is None else str(folder),
    }
    plan_said = {word: text for word, text in said.items() if text}
    return Plan(**{**vars(plan), "said": plan_said})


def _phases(settings: SearchSettings) -> tuple[PlannedPhase, ...]:
    space = settings.search_space
    discovery = PlannedPhase(Phase.DISCOVERY, settings.generations, settings.population_size)
    tuning = PlannedPhase(
        Phase.COEFFICIENTS,
        settings.coefficient_generations,
        settings.coefficient_population_size or 9,
    )
    tuned = settings.tuned_expressions if settings.coefficient_generations else 0
    tuned *= 2 if settings.initial_losses else 1  # from known coefficients, and from ones
    return ((discovery,) if space.has_discovery else ()) + tuned * (tuning,)


def _data(described: Mapping[str, str]) -> str:
    train, _, _ = described["train_data"].partition(", sha256")
    return f"{train}; {described['validation_data'].split()[0]} to validate"


def _ending(task: SearchTask, settings: SearchSettings, references: int) -> str:
    steps = []
    if settings.finalists:
        seeds = _several(settings.finalist_seeds, "other seed")
        steps.append(f"{_several(settings.finalists, 'finalist')} with {seeds}")
    if settings.comparison_seeds:
        usual, _ = usual_loss(task.outputs)
        others = " and the best known losses" if references else ""
        seeds = _several(settings.comparison_seeds, "seed")
        steps.append(f"the best against {usual}{others}, {seeds} each")
    return "; ".join(steps)


def _several(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _budget(budget: SearchBudget) -> str:
    parts = []
    if budget.max_minutes is not None:
        parts.append(f"{budget.max_minutes:g} minutes")
    if budget.target_fitness is not None:
        parts.append(f"until a fitness of {budget.target_fitness:g}")
    if budget.patience:
        parts.append(f"a phase ends after {budget.patience} generations without a better loss")
    return "; ".join(parts)
