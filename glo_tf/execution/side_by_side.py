"""How many candidates a worker trains side by side."""

from __future__ import annotations

from typing import TypeVar

from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.study import Study
from glo_tf.strategies.base import Strategy, Task
from glo_tf.training.trial import TaskThatFindsLanes

_LANES = "lanes"  # note in a study

AnyTask = TypeVar("AnyTask", bound=Task)


def lanes_train(strategy: Strategy, policy: FailurePolicy) -> bool:
    """Whether workers can have more than one lane."""
    return strategy.trains_side_by_side and policy.candidate_timeout is None


def lanes_of(study: Study) -> int | None:
    """Those that a study began with, if they were found and not given."""
    lanes: int | None = study.noted(_LANES)
    return lanes


def keep_lanes(study: Study, task: Task) -> None:
    """Has runs that resume from the study train in as many: results depend on their number."""
    finds = isinstance(task, TaskThatFindsLanes) and task.finds_lanes
    if finds and lanes_of(study) is None:
        study.note(_LANES, task.lanes)


def as_trained(
    task: AnyTask, strategy: Strategy, policy: FailurePolicy, lanes: int | None = None
) -> AnyTask:
    """The task in as many lanes as workers will have.

    Args:
        task: That may have found how many there is room for now.
        strategy: Where it is trained.
        policy: What becomes of failures.
        lanes: What an earlier run found; None if there is none.
    """
    if not isinstance(task, TaskThatFindsLanes) or not task.finds_lanes:
        return task
    if lanes is not None:
        return task.in_lanes(lanes)
    return task if lanes_train(strategy, policy) else task.in_lanes(1)
