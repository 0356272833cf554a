"""A task whose trainings sleep, for the benchmark of dispatch; workers of all kinds import it."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable
from typing import Any

from glo_tf.training.trial import Evaluation, Request, nothing_to_check


@dataclasses.dataclass(frozen=True)
class SleepTask:
    """Each candidate sleeps a time that its seed draws, uniform within a tenth of the mean.

    Attributes:
        seconds: Mean time of a candidate.
    """

    seconds: float
    threads: int = 1
    num_classes: int = 10
    epsilon: float = 1e-7
    train_steps: int = 1

    @property
    def description(self) -> dict[str, Any]:
        """What determines a result."""
        return {"seconds": self.seconds}

    def seconds_of(self, seed: int) -> float:
        """How long the candidate with this seed sleeps."""
        return self.seconds * random.Random(seed).uniform(0.9, 1.1)

    def prepare_process(self) -> None:
        """Nothing to prepare."""

    def make_trainer(self) -> SleepTask:
        """The task itself."""
        return self

    def evaluate(
        self, request: Request, check: Callable[[], None] = nothing_to_check
    ) -> Evaluation:
        """Sleeps."""
        if self.seconds:
            time.sleep(self.seconds_of(request.seed))
        fitness = random.Random(f"{request.loss} {request.seed}").random()
        return Evaluation(request.candidate, request.seed, fitness, "ok", steps=1, seconds=0.0)
