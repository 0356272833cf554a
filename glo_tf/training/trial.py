"""The fitness of a candidate: what one training is asked for, and what it gave."""

from __future__ import annotations

import dataclasses
import enum
import itertools
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, Self, TypeAlias, runtime_checkable

from glo_tf.data.split import Split
from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate

Values: TypeAlias = Mapping[str, float | None]
"""By name what was measured; None is a value that is not finite."""

Measured: TypeAlias = Mapping[Split, Mapping[str, tuple[float | None, ...]]]
"""Values at checkpoints, by the data that they were measured on and by name."""

WORTHLESS = 0.0
"""Fitness of what was not trained, or whose training came to nothing; no fitness is less."""

_LARGEST = sys.float_info.max

logger = logging.getLogger("glo_tf")


class Status(enum.StrEnum):
    """What became of a training.

    Attributes:
        OK: It came to its end.
        NON_FINITE: Loss or weights became NaN or infinite.
        STOPPED: Early stopping ended it, at chance, or a race pruned it.
        UNTRAINED: There was none, as x or y is missing.
        REJECTED: There was none, as the loss cannot train a network.
        FAILED: Its worker was lost, ran out of memory or of time, each time it was tried.
    """

    OK = "ok"
    NON_FINITE = "non_finite"
    STOPPED = "stopped"
    UNTRAINED = "untrained"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclasses.dataclass(frozen=True)
class Request:
    """One training to be done; its evaluation is a pure function of this and of the task.

    Attributes:
        candidate: What is trained.
        seed: Non-negative seed of everything random in the training.
        train_steps: Fewer steps than the task's own; None for all.
        stop_at_chance: Whether to end a training that still guesses after a quarter of its steps.
        checkpoints: Steps, rising, after which the network is measured on its way; that changes
            nothing in the training.

    Raises:
        ValueError: If the checkpoints do not rise from 1 on.
    """

    candidate: Candidate
    seed: int
    train_steps: int | None = None
    stop_at_chance: bool = False
    checkpoints: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        steps = (0, *self.checkpoints)
        if any(later <= earlier for earlier, later in itertools.pairwise(steps)):
            raise InvalidArgumentError(
                "Expected checkpoints as rising steps from 1 on. "
                f"Received: checkpoints={self.checkpoints}"
            )

    @property
    def loss(self) -> Expression:
        """That of the candidate."""
        return self.candidate.loss

    def steps_of(self, train_steps: int) -> int:
        """How many of the task's `train_steps` it takes.

        Raises:
            ValueError: If a checkpoint lies beyond them.
        """
        total = min(self.train_steps or train_steps, train_steps)
        if self.checkpoints and self.checkpoints[-1] > total:
            raise InvalidArgumentError(
                f"Expected checkpoints within {total} steps. "
                f"Received: checkpoints={self.checkpoints}"
            )
        return total


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What one training of one candidate gave.

    Attributes:
        candidate: What was trained.
        seed: Seed that fixed weights, batch order and dropout masks.
        fitness: What the validation data gave, at least 0, and accuracy unless another metric was
            asked for; 0 if the training failed or was not worth it.
        status: What became of the training.
        steps: Training steps done.
        seconds: Wall time of the training; not part of the result's identity.
        inherited_from: The candidate that was trained instead, as it trains a network alike; None
            if it is this one.
        values: What the fitness is made of, on the validation data: the metric by its name, of
            several outputs each (see `glo_tf.metrics.objective.Objective.values`). None is a value
            that is not finite; empty if the training did not come to be measured.
        measured: What was measured at the checkpoints that were reached, by data and name: on the
            validation data, and where the task has any on the test data, the metric, and for
            outputs that are classes `"nll"` (negative log-likelihood) and `"ece"` (expected
            calibration error). None is a value that is not finite.
    """

    candidate: Candidate
    seed: int
    fitness: float
    status: Status
    steps: int
    seconds: float = dataclasses.field(compare=False)
    inherited_from: Candidate | None = None
    values: Values = dataclasses.field(default_factory=dict, hash=False)
    measured: Measured = dataclasses.field(default_factory=dict, hash=False)

    @classmethod
    def without_result(cls, candidate: Candidate, seed: int, status: Status) -> Evaluation:
        """Fitness 0 of a candidate that was not trained, or whose training came to nothing."""
        return cls(candidate, seed, fitness=WORTHLESS, status=status, steps=0, seconds=0.0)

    @property
    def loss(self) -> Expression:
        """The whole loss of the candidate, per class."""
        return self.candidate.loss


def values_of_data(data: object) -> Values:
    """The `values` of an evaluation, as JSON holds them.

    Raises:
        ValueError: If it is anything else.
    """
    if not isinstance(data, dict):
        raise ValueError("no object")
    return dict(zip(data, _numbers([*data.values()]), strict=True))


def values_from_json(text: str | bytes) -> Values:
    """The same from text."""
    try:
        return values_of_data(json.loads(text))
    except RecursionError as error:
        raise ValueError("no object") from error


def measured_as_json(measured: Measured) -> str:
    """Text that `measured_from_json` reads."""
    return json.dumps({split: dict(values) for split, values in measured.items()}, allow_nan=False)


def measured_from_json(text: str | bytes) -> Measured:
    """Reads what `measured_as_json` wrote.

    Raises:
        ValueError: If it is anything else.
    """
    try:
        found = json.loads(text)
        return {
            Split(split): {name: _numbers(of_name) for name, of_name in values.items()}
            for split, values in found.items()
        }
    except (AttributeError, RecursionError) as error:
        raise ValueError("no object of objects") from error


def _numbers(values: object) -> tuple[float | None, ...]:
    if not isinstance(values, list) or not all(
        value is None or (type(value) in (int, float) and -_LARGEST <= value <= _LARGEST)
        for value in values
    ):
        raise ValueError("no list of numbers")
    return tuple(values)


def nothing_to_check() -> None:
    """The `check` of a training that nothing but its end ends."""


class Trainer(Protocol):
    """Whatever trains one network with one candidate, as `CandidateTrainer` does in TensorFlow."""

    def evaluate(
        self, request: Request, check: Callable[[], None] = nothing_to_check
    ) -> Evaluation:
        """Returns the evaluation, a pure function of the request.

        Args:
            request: What to train.
            check: Called several times a second; what it raises ends the training.
        """
        ...


@runtime_checkable
class SideBySideTrainer(Trainer, Protocol):
    """A trainer that trains several candidates at once.

    Attributes:
        lanes: How many.
    """

    lanes: int

    def evaluate_many(
        self,
        requests: Iterator[Request | None],
        check: Callable[[], None] = nothing_to_check,
    ) -> Iterator[tuple[Request, Evaluation]]:
        """Yields requests with their evaluations, as trainings end.

        Args:
            requests: What to train, different ones; asked for the next one whenever a lane is free.
                None stands for none at present: it is asked again several times a second.
            check: Called several times a second; what it raises ends the trainings.
        """
        ...


class Task(Protocol):
    """What workers make their trainers from; `glo_tf.training.task.TrainingTask` is one."""

    @property
    def description(self) -> dict[str, Any]:
        """What determines the result of a training, by name."""
        ...

    @property
    def lanes(self) -> int:
        """How many candidates a trainer trains side by side."""
        ...

    @property
    def threads(self) -> int:
        """CPU threads of one training."""
        ...

    def prepare_process(self) -> None:
        """Called once in a worker process of its own, before anything else."""
        ...

    def make_trainer(self) -> Trainer:
        """A trainer on the current device."""
        ...


@runtime_checkable
class TaskThatFindsLanes(Task, Protocol):
    """A task that may look itself for how many candidates train side by side."""

    @property
    def finds_lanes(self) -> bool:
        """Whether it did, as their number was not given."""
        ...

    def in_lanes(self, lanes: int) -> Self:
        """The same task with so many candidates side by side."""
        ...


def log_training(evaluation: Evaluation) -> None:
    """One line of the log."""
    logger.info(
        "%s  fitness %.4f  %s  %d steps  %.2f s",
        evaluation.candidate,
        evaluation.fitness,
        evaluation.status,
        evaluation.steps,
        evaluation.seconds,
    )
