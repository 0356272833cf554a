"""A learning rate of its own for each candidate, found in the first steps of its trainings.

A loss is expected to train best at the reference rate, which suits the usual loss, divided by how
steep it is (`glo_tf.screening.scale.relative_steepness`), as far as the optimizer's steps grow with
the gradient. A candidate begins at a grid of rates around that. All but the best two end after a
first heat, the second, too, if it is far behind; one goes on after half of the steps, and trains to
the end. Heats run at the final schedule, as its beginning, so that trainings go on where heats have
ended.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence

from glo_tf.comparison.expected_rates import ExpectedRates
from glo_tf.comparison.learning_rates import Evaluate
from glo_tf.search.heats import Field, heats
from glo_tf.training.candidate import Candidate, Hyperparameters, held_rate
from glo_tf.training.trial import Evaluation, Request, Status

_WIDENINGS = 2  # rates beyond the grid, at most
_SHARES = (9, 2)  # earlier than at half, a rate that is too high in the end is often ahead
_KEPT = 2  # rates that a second heat has, at most
_BEHIND = 0.5  # of the best fitness; less ends with the first heat
_AT_ONCE = 6  # candidates whose heats a worker can hold paused


class OwnRates:
    """Trains candidates at learning rates of their own.

    What earlier calls found corrects what is expected of later ones: the median of the chosen rates
    relative to those that were expected.

    Args:
        evaluate: Trains networks.
        expected: Where rates are looked for.
        grid: Multiples of that, to begin with.
        train_steps: Of a full training.
        seed: Of the heats.
        stop_at_chance: Whether early stopping ends a training that guesses.
        racing: Whether candidates run against each other in the heats as well.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        expected: ExpectedRates,
        *,
        grid: Sequence[float],
        train_steps: int,
        seed: int,
        stop_at_chance: bool,
        racing: bool = False,
    ):
        self._evaluate = evaluate
        self.expected = expected
        self._grid = sorted(grid)
        self._heats = heats(train_steps, _SHARES)
        self._seed = seed
        self._stop_at_chance = stop_at_chance
        self._field = Field(self._heats) if racing else None
        self._found: list[float] = []  # log2 of chosen by expected rates

    def train(
        self,
        candidates: Sequence[Candidate],
        train: Callable[[Sequence[Candidate]], Iterator[Evaluation]],
        workers: int = 1,
    ) -> Iterator[tuple[Evaluation, int]]:
        """Yields what each candidate gave at its rate, and the steps of all its trainings.

        Args:
            candidates: Those with a learning rate keep it.
            train: Trains candidates to the end, with all seeds.
            workers: How many train side by side.
        """
        correction = 2.0 ** statistics.median(self._found or [0.0])
        size = len(candidates) if self._field else _AT_ONCE * workers
        for first in range(0, len(candidates), size or 1):
            some = candidates[first : first + size]
            entries = [_Entry(self._rates_of(one, correction)) for one in some]
            self._run_heats(entries)
            evaluations = train([entry.arms[0] for entry in entries if entry.arms])
            for candidate, entry in zip(some, entries, strict=True):
                if entry.arms:
                    entry.take(next(evaluations))
                while entry.falls_back():
                    entry.take(next(train(entry.arms)))
                evaluation = entry.best
                self._learn(candidate, evaluation)
                yield evaluation, entry.steps

    def _learn(self, asked: Candidate, evaluation: Evaluation) -> None:
        rate = evaluation.candidate.hyperparameters.learning_rate
        if asked.hyperparameters.learning_rate is None and evaluation.status == Status.OK:
            assert rate is not None
            self._found.append(math.log2(rate / self.expected.of(asked.loss)))

    def _rates_of(self, candidate: Candidate, correction: float) -> list[Candidate]:
        if candidate.hyperparameters.learning_rate is not None:
            return [candidate]
        grid = self._grid if self._heats else [1.0]
        rates = [self.expected.of(candidate.loss, correction * factor) for factor in grid]
        return [_at(candidate, rate) for rate in dict.fromkeys(rates)]

    def _run_heats(self, entries: Sequence[_Entry]) -> None:
        """Leaves one rate of each candidate, or none if it is not worth a full training."""
        for number, steps in enumerate(self._heats):
            running = [one for one in entries if one.arms and (self._field or len(one.arms) > 1)]
            self._run_heat([(one, arm) for one in running for arm in one.arms], steps)
            for _ in range(_WIDENINGS if number == 0 else 0):
                wider = [(one, arm) for one in running for arm in one.beyond()]
                self._run_heat(wider, steps)
            for one in running:
                one.keep(_KEPT if steps != self._heats[-1] else 1)
            if self._field:
                results = {one.best.candidate: one for one in running}
                bests = [one.best for one in running]
                for arm, evaluation in self._field.prune(steps, bests).items():
                    results[arm].end(evaluation)

    def _run_heat(self, wanted: Sequence[tuple[_Entry, Candidate]], steps: int) -> None:
        requests = [
            Request(arm, self._seed, train_steps=steps, stop_at_chance=self._stop_at_chance)
            for _, arm in wanted
        ]
        evaluations = self._evaluate(requests)
        for (entry, _), evaluation in zip(wanted, evaluations, strict=True):
            entry.take(evaluation)


class _Entry:
    """One candidate with its learning rates, and what they gave.

    Attributes:
        arms: At the rates that are still in the race, the best first.
    """

    def __init__(self, arms: Sequence[Candidate]):
        self.arms = list(arms)
        self._results: dict[Candidate, Evaluation] = {}
        self._lower: list[Candidate] = []  # that were well at the last heat, the highest first
        self._ended: Evaluation | None = None

    @property
    def steps(self) -> int:
        """Of all its trainings; one that goes on counts once."""
        return sum(result.steps for result in self._results.values())

    @property
    def best(self) -> Evaluation:
        """Of what is still in the race, or of all that was."""
        return self._ended or min((self._results[arm] for arm in self.arms), key=_order)

    def take(self, evaluation: Evaluation) -> None:
        """Takes the result of a training, in place of that of a shorter one."""
        self._results[evaluation.candidate] = evaluation

    def beyond(self) -> list[Candidate]:
        """The next rate where the best is the first or the last, and better than the next."""
        rates = sorted(self._results, key=_rate)
        if len(rates) < 2:
            return []
        best = self.best
        for edge, inner in ((rates[0], rates[1]), (rates[-1], rates[-2])):
            failing = edge == rates[0] and best.status == Status.NON_FINITE
            pays = self._results[edge].fitness > self._results[inner].fitness
            if edge == best.candidate and (pays or failing):
                new = _at(edge, held_rate(_rate(edge) * _rate(edge) / _rate(inner)))
                if new not in self._results:
                    self.arms.append(new)
                    return [new]
        return []

    def keep(self, count: int) -> None:
        """Ends all rates but the best, and those far behind them."""
        results = sorted((self._results[arm] for arm in self.arms), key=_order)
        fine = [one.candidate for one in results if one.status == Status.OK]
        if not fine:
            self.end(results[0])
            return
        enough = _BEHIND * results[0].fitness
        self.arms = [arm for arm in fine[:count] if self._results[arm].fitness >= enough]
        lower = [arm for arm in fine if _rate(arm) < _rate(self.arms[0])]
        self._lower = sorted(lower, key=_rate, reverse=True)

    def falls_back(self) -> bool:
        """Whether a training diverged in the end, and one at a lower rate is to take its place."""
        diverged = self.arms and self._results[self.arms[0]].status == Status.NON_FINITE
        if diverged and self._lower:
            self.arms = [self._lower.pop(0)]
            return True
        return False

    def end(self, evaluation: Evaluation) -> None:
        """Ends all rates, with a result that stands for them."""
        self.arms, self._ended = [], evaluation


def _order(evaluation: Evaluation) -> tuple[bool, float, float]:
    """The best first, of equals that at the smallest rate."""
    return evaluation.status != Status.OK, -evaluation.fitness, _rate(evaluation.candidate)


def _rate(candidate: Candidate) -> float:
    rate = candidate.hyperparameters.learning_rate
    assert rate is not None
    return rate


def _at(candidate: Candidate, rate: float) -> Candidate:
    return Candidate(candidate.loss, Hyperparameters(rate))
