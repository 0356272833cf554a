"""Early stopping in searches: a whole training counts as what its best checkpoint gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from glo_tf.data.split import Split
from glo_tf.strategies.local import LocalStrategy
from glo_tf.training.trial import Evaluation, Request, Status


class EarlyStopping(LocalStrategy):
    """Trains here, and looks at validation data on the way, as the trainings of the suite do.

    It is for several tasks, of which what is measured is the mean fitness.

    Args:
        checkpoints: Steps after which a whole training is looked at.
    """

    def __init__(self, checkpoints: Sequence[int]):
        super().__init__()
        self._checkpoints = tuple(checkpoints)
        self._name = ""

    def start(self, task: Any, candidate_timeout: float | None = None) -> None:
        """As `LocalStrategy.start`."""
        super().start(task, candidate_timeout)
        self._name = task.objective.name

    def submit(self, request: Request, worker: str) -> None:
        """As `LocalStrategy.submit`; short trainings are the heats of longer ones."""
        whole = request.train_steps is None and not request.checkpoints
        checkpoints = self._checkpoints if whole else request.checkpoints
        super().submit(dataclasses.replace(request, checkpoints=checkpoints), worker)

    def wait(self) -> list[Any]:
        """As `LocalStrategy.wait`, with the results of what was asked for."""
        return [self._stopped(result) for result in super().wait()]

    def _stopped(self, result: Any) -> Any:
        outcome, asked = result.outcome, result.request
        if asked.checkpoints != self._checkpoints:
            return result
        asked = dataclasses.replace(asked, checkpoints=())
        if isinstance(outcome, Evaluation):
            if outcome.status == Status.OK:
                outcome = self._best(outcome)
            outcome = dataclasses.replace(outcome, measured={})
        return dataclasses.replace(result, request=asked, outcome=outcome)

    def _best(self, outcome: Evaluation) -> Evaluation:
        measured = outcome.measured[Split.VALIDATION]
        fitnesses = [value or 0.0 for value in measured[self._name]]
        place = max(range(len(fitnesses)), key=fitnesses.__getitem__)
        values = {name: of_name[place] for name, of_name in measured.items()}
        return dataclasses.replace(outcome, fitness=fitnesses[place], values=values)
