"""The candidates of a generation: which are trained, and what the others are given."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Iterator, Sequence

from glo_tf.expression import Expression
from glo_tf.fitness import (
    NON_FINITE,
    OK,
    REJECTED,
    STOPPED,
    UNTRAINED,
    Evaluation,
    FitnessCache,
    Trainer,
    log_training,
)
from glo_tf.screening import Screen, Verdict

TRAINED, FAILED, CACHED, INHERITED = "trained", "failed", "cached", "inherited"
SOURCES = (TRAINED, STOPPED, FAILED, CACHED, INHERITED, REJECTED, UNTRAINED)
"""Where a fitness came from."""

_SOURCE_OF_STATUS = {OK: TRAINED, NON_FINITE: FAILED, STOPPED: STOPPED}

RACING_FACTOR = 3
"""Of the candidates in a race, one in this many goes on, with this many times the steps."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A candidate's evaluation, where it came from, and the training steps that it cost."""

    evaluation: Evaluation
    source: str
    steps: int = 0


class CandidateEvaluator:
    """Gives every candidate of a search its fitness, at the least price.

    Args:
        trainer: Trains a network with a loss.
        cache: Remembers trainings, for this and other purposes.
        seed: Of every training.
        screen: Finds candidates that need no training; None trains them all.
        stop_at_chance: Whether a training that guesses ends early.
        heats: Training steps of the heats in which a generation's new candidates run against each
            other before the best are trained in full (successive halving, arXiv 1502.07943);
            none by default.
    """

    def __init__(
        self,
        trainer: Trainer,
        cache: FitnessCache,
        *,
        seed: int,
        screen: Screen | None = None,
        stop_at_chance: bool = False,
        heats: Sequence[int] = (),
    ):
        self._trainer = trainer
        self._cache = cache
        self._seed = seed
        self._screen = screen
        self._stop_at_chance = stop_at_chance
        self._heats = heats
        self._settled: dict[Expression, Evaluation] = {}

    def evaluate(self, losses: Sequence[Expression]) -> Iterator[Outcome]:
        """Yields one outcome per loss, in order, as each is known."""
        unknown = [loss for loss in losses if loss.has_x_and_y and loss not in self._settled]
        new = list(dict.fromkeys(unknown))
        if self._screen is None:
            verdicts = dict.fromkeys(new, Verdict())
        else:
            verdicts = dict(zip(new, self._screen.examine(new), strict=True))
        race = self._run_race([loss for loss in new if verdicts[loss] == Verdict()])
        for loss in losses:
            yield self._outcome(loss, verdicts.get(loss, Verdict()), race)

    def _outcome(self, loss: Expression, verdict: Verdict, race: _Race) -> Outcome:
        if not loss.has_x_and_y:
            return Outcome(self._cache.evaluate(loss, seed=self._seed), UNTRAINED)
        if loss in self._settled:
            return Outcome(self._settled[loss], CACHED)
        steps = race.steps[loss]
        if verdict.rejection is not None:
            evaluation, source = Evaluation(loss, self._seed, 0.0, REJECTED, 0, 0.0), REJECTED
        elif verdict.inherits_from is not None:
            known = self._outcome(verdict.inherits_from, Verdict(), race).evaluation
            evaluation = dataclasses.replace(
                known, loss=loss, seconds=0.0, inherited_from=verdict.inherits_from
            )
            source = INHERITED
        elif loss in race.lost:
            evaluation = race.lost[loss]
            source = _SOURCE_OF_STATUS[evaluation.status]
        else:
            evaluation = self._cache.evaluate(
                loss, seed=self._seed, stop_at_chance=self._stop_at_chance
            )
            source = _SOURCE_OF_STATUS[evaluation.status]
            steps += evaluation.steps
        self._settled[loss] = evaluation
        return Outcome(evaluation, source, steps)

    def _run_race(self, losses: Sequence[Expression]) -> _Race:
        race = _Race()
        for train_steps in self._heats:
            if len(losses) < 2:
                break
            results = [
                self._trainer.evaluate(loss, seed=self._seed, train_steps=train_steps)
                for loss in losses
            ]
            results.sort(key=lambda result: -result.fitness)
            places = math.ceil(len(results) / RACING_FACTOR)
            losses = [result.loss for result in results[:places] if result.status == OK]
            for result in results:
                log_training(result)
                race.steps[result.loss] += result.steps
                if result.status != OK:
                    race.lost[result.loss] = result
                elif result.loss not in losses:
                    race.lost[result.loss] = dataclasses.replace(result, status=STOPPED)
        return race


@dataclasses.dataclass
class _Race:
    """What the heats cost each candidate, and the results of those that did not go on."""

    steps: collections.Counter[Expression] = dataclasses.field(default_factory=collections.Counter)
    lost: dict[Expression, Evaluation] = dataclasses.field(default_factory=dict)


def heats(train_steps: int) -> tuple[int, ...]:
    """Training steps of the heats before the full training; fewer where there are few steps."""
    shares = (RACING_FACTOR**2, RACING_FACTOR)
    return tuple(train_steps // share for share in shares if train_steps >= share)
