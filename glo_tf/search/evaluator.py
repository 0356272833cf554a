"""The candidates of a generation: which are trained, and what the others are given."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence

from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.expressions.tree import Expression
from glo_tf.results.record import Source
from glo_tf.screening.screen import Screen, Screening, Verdict
from glo_tf.search.settings import SearchSettings
from glo_tf.training.candidate import Candidate
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, Request, Status, Values

VIOLATES_INVARIANT = "violates the invariant of its search space"
"""Why a loss is rejected before it is screened."""

RACING_FACTOR = 3
"""Of the candidates in a heat, one in this many goes on, to this many times the steps."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A candidate's evaluation, where it came from, and the training steps that it cost."""

    evaluation: Evaluation
    source: Source
    steps: int = 0


class CandidateEvaluator:
    """Gives every candidate of a search its fitness, at the least price.

    Args:
        dispatcher: Gets networks trained, and remembers them for this and other purposes.
        seeds: Of each candidate's trainings, whose mean is its fitness. A candidate whose training
            fails or is stopped with one of them has that training's result, and no further ones.
        screen: Finds candidates that need no training; None trains them all.
        stop_at_chance: Whether early stopping ends a training that guesses.
        heats: Training steps of the heats in which a generation's new candidates run against each
            other, and against those before them, and all but the best are pruned (successive
            halving, arXiv 1810.05934), with the first seed; none by default.
        invariant: Losses for which it is false are rejected; None for no such condition.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        seeds: Sequence[int],
        screen: Screen | None = None,
        stop_at_chance: bool = False,
        heats: Sequence[int] = (),
        invariant: Callable[[Expression], bool] | None = None,
    ):
        self._dispatcher = dispatcher
        self._seeds = tuple(seeds)
        self.screen = screen
        self._stop_at_chance = stop_at_chance
        self._heats: dict[int, list[float]] = {steps: [] for steps in heats}
        self._invariant = invariant
        self._settled: dict[Candidate, Evaluation] = {}

    @classmethod
    def of(
        cls, task: TrainingTask, settings: SearchSettings, dispatcher: Dispatcher
    ) -> CandidateEvaluator:
        """That of a search: what is not trained in full is as its settings and its task say."""
        full = settings.screening == Screening.FULL
        screen = (
            None if settings.screening == Screening.NONE else Screen(task.outputs, rejects=full)
        )
        invariant, classes = settings.search_space.invariant, task.outputs.num_classes
        return cls(
            dispatcher,
            seeds=settings.seeds_of_fitness,
            screen=screen,
            stop_at_chance=full,
            heats=heats(task.train_steps) if settings.racing else (),
            invariant=(
                (lambda loss: any(invariant(loss, count) for count in classes))
                if full and classes and invariant is not None
                else None
            ),
        )

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[Outcome]:
        """Yields one outcome per candidate, in order, as each is known."""
        unknown = [one for one in candidates if one not in self._settled]
        new = [one for one in dict.fromkeys(unknown) if one.loss.has_x_and_y]
        verdicts = self._examine(new)
        # What one inherits from may have been drawn for the first generation and left out of it.
        origins = [verdicts[one].inherits_from or one for one in new if not verdicts[one].rejection]
        to_train = [one for one in dict.fromkeys(origins) if one not in self._settled]
        lost = self._run_race(to_train)
        trained = self._train([one for one in to_train if one not in lost])
        for candidate in candidates:
            verdict = verdicts.get(candidate, Verdict())
            outcome = self._outcome(candidate, verdict, lost, trained)
            if outcome.source in (Source.INHERITED, Source.REJECTED, Source.UNTRAINED):
                self._dispatcher.study.add_untrained(outcome.evaluation)
            yield outcome

    def _examine(self, candidates: Sequence[Candidate]) -> dict[Candidate, Verdict]:
        verdicts = dict.fromkeys(candidates, Verdict())
        if self._invariant is not None:
            violating = [one for one in candidates if not self._invariant(one.loss)]
            verdicts |= dict.fromkeys(violating, Verdict(rejection=VIOLATES_INVARIANT))
        if self.screen is not None:
            remaining = [one for one in candidates if verdicts[one] == Verdict()]
            verdicts |= zip(remaining, self.screen.examine(remaining), strict=True)
        return verdicts

    def _outcome(
        self,
        candidate: Candidate,
        verdict: Verdict,
        lost: Mapping[Candidate, Evaluation],
        trained: Iterator[Evaluation],
    ) -> Outcome:
        seed = self._seeds[0]
        if not candidate.loss.has_x_and_y:
            return Outcome(
                Evaluation.without_result(candidate, seed, Status.UNTRAINED), Source.UNTRAINED
            )
        if candidate in self._settled:
            return Outcome(self._settled[candidate], Source.CACHED)
        steps = 0
        if verdict.rejection is not None:
            evaluation = Evaluation.without_result(candidate, seed, Status.REJECTED)
            source = Source.REJECTED
        elif verdict.inherits_from is not None:
            known = self._outcome(verdict.inherits_from, Verdict(), lost, trained).evaluation
            evaluation = dataclasses.replace(
                known, candidate=candidate, seconds=0.0, inherited_from=verdict.inherits_from
            )
            source = Source.INHERITED
        else:
            evaluation = lost[candidate] if candidate in lost else next(trained)
            source, steps = _source_of(evaluation.status), evaluation.steps
        self._settled[candidate] = evaluation
        return Outcome(evaluation, source, steps)

    def _train(self, candidates: Sequence[Candidate]) -> Iterator[Evaluation]:
        """Yields an evaluation per candidate, in order, as its training with the last seed ends."""
        runs: dict[Candidate, list[Evaluation]] = {one: [] for one in candidates}
        *first, last = self._seeds
        for seed in first:
            for evaluation in self._train_once(_successful(runs), seed):
                runs[evaluation.candidate].append(evaluation)
        evaluations = self._train_once(_successful(runs), last)
        for results in runs.values():
            if _succeed(results):
                results.append(next(evaluations))
            yield _together(results)

    def _train_once(self, candidates: Sequence[Candidate], seed: int) -> Iterator[Evaluation]:
        # What has won a race does better than guess.
        stop_at_chance = self._stop_at_chance and not self._heats
        requests = [Request(one, seed, stop_at_chance=stop_at_chance) for one in candidates]
        return self._dispatcher.evaluate(requests)

    def _run_race(self, candidates: Sequence[Candidate]) -> dict[Candidate, Evaluation]:
        """Runs the heats, and returns the evaluations of those that are pruned."""
        lost = {}
        for train_steps, field in self._heats.items():
            seed = self._seeds[0]
            requests = [Request(one, seed, train_steps=train_steps) for one in candidates]
            results = list(self._dispatcher.evaluate(requests))
            field.extend(result.fitness for result in results)
            field.sort(reverse=True)
            candidates = []
            for result in results:
                if result.status != Status.OK:
                    lost[result.candidate] = result
                elif result.fitness < field[(len(field) - 1) // RACING_FACTOR]:
                    lost[result.candidate] = dataclasses.replace(result, status=Status.STOPPED)
                else:
                    candidates.append(result.candidate)
        return lost


def _source_of(status: Status) -> Source:
    """Where the fitness of a candidate of its own came from, by what became of the candidate."""
    match status:
        case Status.OK:
            return Source.TRAINED
        case Status.STOPPED:
            return Source.STOPPED
        case Status.NON_FINITE | Status.FAILED:
            return Source.FAILED
        case Status.REJECTED:
            return Source.REJECTED
        case Status.UNTRAINED:
            return Source.UNTRAINED


def _successful(runs: Mapping[Candidate, Sequence[Evaluation]]) -> list[Candidate]:
    return [candidate for candidate, results in runs.items() if _succeed(results)]


def _succeed(runs: Sequence[Evaluation]) -> bool:
    return all(run.status == Status.OK for run in runs)


def _together(runs: Sequence[Evaluation]) -> Evaluation:
    """The mean of trainings, or the one that did not succeed; with the steps of all."""
    used = runs if _succeed(runs) else runs[-1:]
    return dataclasses.replace(
        runs[-1],
        seed=runs[0].seed,
        fitness=statistics.fmean(run.fitness for run in used),
        values=_means([run.values for run in used]),
        steps=sum(run.steps for run in runs),
        seconds=sum(run.seconds for run in runs),
    )


def _means(values: Sequence[Values]) -> Values:
    """The mean of each value over the trainings; None where one of them is."""
    means: dict[str, float | None] = {}
    for name in values[-1]:
        of_runs = [of_run.get(name) for of_run in values]
        known = [value for value in of_runs if value is not None]
        means[name] = statistics.fmean(known) if len(known) == len(of_runs) else None
    return means


def heats(train_steps: int) -> tuple[int, ...]:
    """Training steps of the heats before the full training; fewer where there are few steps."""
    shares = (RACING_FACTOR**2, RACING_FACTOR)
    return tuple(train_steps // share for share in shares if train_steps >= share)
