"""Several tasks as one: a loss is worth what it gives in all of them.

Their outputs stand side by side, as those of one model would: so screening, the scale of a loss and
the usual loss are those of all tasks together. Networks are trained apart.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from glo_tf.data.outputs import Outputs
from glo_tf.errors import InvalidArgumentError
from glo_tf.metrics.objective import Objective
from glo_tf.training.candidate import Candidate, Hyperparameters, bounded_rate
from glo_tf.training.config import AUTO, TaskArguments
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, Request, Status, Trainer, nothing_to_check
from glo_tf.utils.statistics import mean_of


@dataclasses.dataclass(frozen=True, eq=False)
class SeveralTasks:
    """Tasks that each candidate is trained on, one after the other; made by `of`.

    A candidate's learning rate is the geometric mean of those that its trainings have: each task's
    is as much larger as that of its own optimizer is. Where a training comes to nothing, the others
    are spared, and the candidate is worth what that one is.

    Attributes:
        each: The tasks, by their names.
        outputs: Of all models.
        objective: The mean fitness.
        learning_rate: The geometric mean of the optimizers'.
    """

    each: Mapping[str, TrainingTask]
    outputs: Outputs
    objective: Objective
    learning_rate: float

    @classmethod
    def of(cls, given: Sequence[TaskArguments] | Mapping[str, TaskArguments]) -> SeveralTasks:
        """Checks each, by building its model twice, and that they go together.

        Args:
            given: At least two, in order or by name, whose models have one output each.

        Raises:
            ValueError: As `TrainingTask.of`, or if they do not go together.
        """
        names = list(given) if isinstance(given, Mapping) else list(map(str, range(len(given))))
        arguments = list(given.values() if isinstance(given, Mapping) else given)
        each = {
            name: TrainingTask.of(_one_by_one(one.loaded()))
            for name, one in zip(names, arguments, strict=True)
        }
        tasks = list(each.values())
        for name, task in each.items():
            if len(task.outputs.each) != 1:
                raise InvalidArgumentError(
                    f"Expected tasks whose models have one output. Received: {name} has "
                    f"{task.outputs.in_words}"
                )
            if task.lanes > 1:
                raise InvalidArgumentError(
                    "Expected lanes=1 where there are several tasks, which are trained one after "
                    f"the other. Received: lanes={task.lanes} ({name})"
                )
        for what, of_task in _COMMON.items():
            values = [of_task(task) for task in tasks]
            if any(value != values[0] for value in values):
                raise InvalidArgumentError(
                    f"Expected tasks with the same {what}. Received: "
                    + ", ".join(f"{n}: {v}" for n, v in zip(names, values, strict=True))
                )
        own = names if isinstance(given, Mapping) else None
        weights = [task.outputs.weights for task in tasks]
        return cls(
            each=each,
            outputs=Outputs(
                tuple(task.outputs.each[0] for task in tasks),
                None if own is None else tuple(own),
                tasks[0].outputs.epsilon,
                tuple(1.0 if one is None else one[0] for one in weights) if any(weights) else None,
            ),
            objective=Objective(
                tuple(task.objective.metrics[0] for task in tasks), tuple(own or ())
            ),
            learning_rate=statistics.geometric_mean(task.learning_rate for task in tasks),
        )

    @property
    def optimizer(self) -> Callable[[], keras.Optimizer]:
        """That of the first: they differ in their learning rates alone."""
        return self._first.optimizer

    @property
    def train_steps(self) -> int:
        """Of a candidate in each task."""
        return self._first.train_steps

    @property
    def lanes(self) -> int:
        """1: candidates are trained one after the other."""
        return self._first.lanes

    @property
    def threads(self) -> int:
        """CPU threads of one operation."""
        return self._first.threads

    @functools.cached_property
    def description(self) -> dict[str, Any]:
        """What determines a result, by name."""
        return {
            "tasks": {name: task.description for name, task in self.each.items()},
            "outputs": self.outputs.in_words,
            "metric": self.objective.description,
            "train_steps": self.train_steps,
        }

    @property
    def summary(self) -> str:
        """What was understood, such as "2 tasks (3 classes, softmax; ...); fitness: ..."."""
        return f"{len(self.each)} tasks ({self.outputs.in_words}); fitness: {self.objective.goal}"

    @property
    def has_penalties(self) -> bool:
        """Whether any model adds terms to every loss."""
        return any(task.has_penalties for task in self.each.values())

    def interpreting(self) -> SeveralTasks:
        """The same tasks for losses each of which has a tree and coefficients of its own."""
        each = {name: task.interpreting() for name, task in self.each.items()}
        return dataclasses.replace(self, each=each)

    def optimizer_at(self, rate: float) -> keras.Optimizer:
        """A new optimizer as a training with this rate has it, in a task of the mean rate."""
        return self._first.optimizer_at(rate)

    def prepare_process(self) -> None:
        """As `TrainingTask.prepare_process`, for each."""
        for task in self.each.values():
            task.prepare_process()

    def make_trainer(self) -> Trainer:
        """A trainer of all tasks on the current device."""
        trainers = [task.make_trainer() for task in self.each.values()]
        return TrainerOfSeveral(self, trainers)

    def share_of(self, task: TrainingTask, candidate: Candidate) -> Candidate:
        """The candidate as one of the tasks trains it."""
        rate = candidate.hyperparameters.learning_rate
        if rate is None:
            return candidate
        own = Hyperparameters(bounded_rate(rate * task.learning_rate / self.learning_rate))
        return dataclasses.replace(candidate, hyperparameters=own)

    @property
    def _first(self) -> TrainingTask:
        return next(iter(self.each.values()))


class TrainerOfSeveral:
    """Trains a network on each of several tasks with a candidate.

    Args:
        tasks: The tasks.
        trainers: Of each.
    """

    def __init__(self, tasks: SeveralTasks, trainers: Sequence[Trainer]):
        self._tasks = tasks
        self._trainers = trainers

    def evaluate(
        self, request: Request, check: Callable[[], None] = nothing_to_check
    ) -> Evaluation:
        """As `glo_tf.training.trial.Trainer`; steps are those of the longest training."""
        found: list[Evaluation] = []
        pairs = zip(self._tasks.each.values(), self._trainers, strict=True)
        for task, trainer in pairs:
            candidate = self._tasks.share_of(task, request.candidate)
            share = dataclasses.replace(request, candidate=candidate)
            found.append(trainer.evaluate(share, check))
            if found[-1].status != Status.OK:
                break
        return self._together(request, found)

    def _together(self, request: Request, found: Sequence[Evaluation]) -> Evaluation:
        objective, tasks = self._tasks.objective, self._tasks.each.values()
        last, whole = found[-1], len(found) == len(tasks) and found[-1].status == Status.OK
        pairs = list(zip(tasks, found, strict=False))
        worth = last.fitness if not whole else mean_of(one.fitness for one in found)
        own = [one.values.get(task.objective.name) for task, one in pairs]
        return Evaluation(
            request.candidate,
            request.seed,
            fitness=worth,
            status=last.status,
            steps=max(one.steps for one in found),
            seconds=sum(one.seconds for one in found),
            values=_values(objective, own) if whole else {},
            measured={
                split: _at_checkpoints(
                    objective, [one.measured[split][task.objective.name] for task, one in pairs]
                )
                for split in (last.measured if whole else ())
            },
        )


def _one_by_one(arguments: TaskArguments) -> TaskArguments:
    return dataclasses.replace(arguments, lanes=1) if arguments.lanes == AUTO else arguments


def _values(objective: Objective, own: Sequence[float | None]) -> dict[str, float | None]:
    return objective.values([math.nan if value is None else value for value in own])


def _at_checkpoints(
    objective: Objective, of_tasks: Sequence[Sequence[float | None]]
) -> dict[str, tuple[float | None, ...]]:
    """By name the values at each checkpoint, of values of each task."""
    rows = [_values(objective, values) for values in zip(*of_tasks, strict=True)]
    return {name: tuple(row[name] for row in rows) for name in objective.value_names}


def _optimizer_but_rate(task: TrainingTask) -> str:
    optimizer = task.optimizer()
    given = optimizer.get_config() | {"class_name": type(optimizer).__name__}
    return str({name: given[name] for name in sorted(given) if name not in _OF_EACH})


_OF_EACH = ("name", "learning_rate")
_COMMON: Mapping[str, Callable[[TrainingTask], object]] = {
    "train_steps": lambda task: task.train_steps,
    "learning_rate_decay": lambda task: str(task.learning_rate_decay),
    "epsilon": lambda task: task.outputs.epsilon,
    "optimizer, but for its learning rate": _optimizer_but_rate,
}
