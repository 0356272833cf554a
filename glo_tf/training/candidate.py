"""A candidate: what is trained and found, a loss and the hyperparameters that go with it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.tree import Expression

SMALLEST_RATE, LARGEST_RATE = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
"""Learning rates that an optimizer can hold."""


def held_rate(rate: float, digits: int = 6) -> float:
    """The nearest learning rate of few digits that an optimizer can hold."""
    return bounded_rate(float(f"{rate:.{digits}g}"))


def bounded_rate(rate: float) -> float:
    """The nearest learning rate that an optimizer can hold."""
    return min(max(rate, SMALLEST_RATE), LARGEST_RATE)


@dataclasses.dataclass(frozen=True)
class Hyperparameters:
    """What a candidate has beside its loss. A field is all that a further one takes here.

    Attributes:
        learning_rate: Takes the place of the optimizer's own, per step; None leaves that. A
            schedule is multiplied, so that this is its peak.

    Raises:
        ValueError: If the learning rate is not positive and finite, as float32.
    """

    learning_rate: float | None = None

    def __post_init__(self) -> None:
        if self.learning_rate is not None:
            object.__setattr__(self, "learning_rate", _checked_rate(self.learning_rate))

    @property
    def own(self) -> dict[str, Any]:
        """By name those that differ from what a task has by itself, as JSON-ready data."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.own.items())


@dataclasses.dataclass(frozen=True)
class Candidate:
    """What a search looks for; equal ones give equal trainings.

    Attributes:
        loss: The whole loss per class, summed over classes and averaged over the batch.
        hyperparameters: What it is trained with.
    """

    loss: Expression
    hyperparameters: Hyperparameters = Hyperparameters()

    @property
    def key(self) -> str:
        """Text that tells it from others, in every process and for good.

        Hyperparameters that it leaves alone are not in it, so that further ones change no key.
        """
        return json.dumps([self.loss.nodes, self.loss.coefficients, self.hyperparameters.own])

    def __str__(self) -> str:
        """The loss, with the candidate's own hyperparameters where it has some."""
        own = str(self.hyperparameters)
        return f"{self.loss} ({own})" if own else str(self.loss)


def _checked_rate(learning_rate: object) -> float:
    if (
        not isinstance(learning_rate, int | float | np.integer | np.floating)
        or isinstance(learning_rate, bool)
        or not SMALLEST_RATE <= learning_rate <= LARGEST_RATE
    ):
        raise InvalidArgumentError(
            "Expected a learning_rate that is positive and finite, as float32. "
            f"Received: learning_rate={learning_rate}"
        )
    return float(learning_rate)
