"""The candidates of a generation: which are trained, and what the others are given."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.expressions.tree import Expression
from glo_tf.results.record import Source
from glo_tf.screening.screen import Screen, Screening, Verdict
from glo_tf.search.heats import Field, heats
from glo_tf.search.own_rates import OwnRates
from glo_tf.search.settings import SearchSettings
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.search_task import SearchTask
from glo_tf.training.trial import Evaluation, Request, Status, Values
from glo_tf.utils.statistics import mean_of

VIOLATES_INVARIANT = "violates the invariant of its search space"
"""Why a loss is rejected before it is screened."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a candidate.

    Attributes:
        evaluation: Of the candidate that was asked for.
        source: Where it came from.
        steps: Training steps that it cost.
        candidate: As it was trained, or would be: with a learning rate of its own where that was
            found.
    """

    evaluation: Evaluation
    source: Source
    steps: int
    candidate: Candidate


@dataclasses.dataclass(frozen=True)
class _Known:
    """A fitness, and the candidate as it was trained."""

    evaluation: Evaluation
    steps: int

    @property
    def candidate(self) -> Candidate:
        return self.evaluation.candidate


class CandidateEvaluator:
    """Gives every candidate of a search its fitness, at the least price.

    Args:
        dispatcher: Gets networks trained, and remembers them for this and other purposes.
        seeds: Of each candidate's trainings, whose mean is its fitness. A candidate whose training
            fails or is stopped with one of them has that training's result, and no further ones.
        screen: Finds candidates that need no training; None trains them all.
        stop_at_chance: Whether early stopping ends a training that guesses.
        heats: Training steps of the heats in which a generation's new candidates run against each
            other, and against those before them, and all but the best are pruned, with the first
            seed; none by default.
        invariant: Losses for which it is false are rejected; None for no such condition.
        own_rates: Finds a learning rate for each candidate, in heats of its own; None trains all as
            they are.
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
        own_rates: OwnRates | None = None,
    ):
        self._dispatcher = dispatcher
        self._seeds = tuple(seeds)
        self.screen = screen
        self._stop_at_chance = stop_at_chance
        self._heats = tuple(heats)
        self._field = Field(heats)
        self._invariant = invariant
        self._own_rates = own_rates
        self._settled: dict[Candidate, _Known] = {}

    @classmethod
    def of(
        cls,
        task: SearchTask,
        settings: SearchSettings,
        dispatcher: Dispatcher,
        own_rates: OwnRates | None = None,
        up_to_scale: float | None = None,
    ) -> CandidateEvaluator:
        """That of a search: what is not trained in full is as its settings and its task say.

        Args:
            task: What candidates are trained on.
            settings: Of the search.
            dispatcher: Gets them trained.
            own_rates: See `CandidateEvaluator`.
            up_to_scale: See `glo_tf.screening.screen.Screen`.
        """
        full = settings.screening == Screening.FULL
        screen = (
            None
            if settings.screening == Screening.NONE
            else Screen(task.outputs, rejects=full, up_to_scale=up_to_scale)
        )
        invariant, classes = settings.search_space.invariant, task.outputs.num_classes
        return cls(
            dispatcher,
            seeds=settings.seeds_of_fitness,
            screen=screen,
            stop_at_chance=full,
            heats=heats(task.train_steps) if settings.racing and own_rates is None else (),
            invariant=(
                (lambda loss: any(invariant(loss, count) for count in classes))
                if full and classes and invariant is not None
                else None
            ),
            own_rates=own_rates,
        )

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[Outcome]:
        """Yields one outcome per candidate, in order, as each is known."""
        unknown = [one for one in candidates if one not in self._settled]
        new = [one for one in dict.fromkeys(unknown) if one.loss.has_x_and_y]
        verdicts = self._examine(new)
        # What one inherits from may have been drawn for the first generation and left out of it.
        origins = [verdicts[one].inherits_from or one for one in new if not verdicts[one].rejection]
        to_train = [one for one in dict.fromkeys(origins) if one not in self._settled]
        trained = self._trained(to_train)
        for candidate in candidates:
            verdict = verdicts.get(candidate, Verdict())
            outcome = self._outcome(candidate, verdict, trained)
            if outcome.source in (Source.INHERITED, Source.REJECTED, Source.UNTRAINED):
                known = dataclasses.replace(outcome.evaluation, candidate=outcome.candidate)
                self._dispatcher.study.add_untrained(known)
            yield outcome

    def passing(self, candidates: Sequence[Candidate]) -> list[bool]:
        """Which candidates would not be rejected untrained."""
        whole = [one for one in dict.fromkeys(candidates) if one.loss.has_x_and_y]
        verdicts = self._examine(whole)
        return [verdicts.get(one, Verdict()).rejection is None for one in candidates]

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
        self, candidate: Candidate, verdict: Verdict, trained: Iterator[_Known]
    ) -> Outcome:
        if not candidate.loss.has_x_and_y:
            source = Source.UNTRAINED
            return self._as_asked(candidate, self._without(candidate, Status.UNTRAINED), source)
        if candidate in self._settled:
            return self._as_asked(candidate, self._settled[candidate], Source.CACHED)
        steps = 0
        if verdict.rejection is not None:
            known = self._without(candidate, Status.REJECTED)
            source = Source.REJECTED
        elif verdict.inherits_from is not None:
            self._outcome(verdict.inherits_from, Verdict(), trained)
            known = self._inherited(candidate, verdict.inherits_from)
            source = Source.INHERITED
        else:
            known = next(trained)
            source, steps = _source_of(known.evaluation.status), known.steps
        self._settled[candidate] = known
        return self._as_asked(candidate, known, source, steps)

    def _without(self, candidate: Candidate, status: Status) -> _Known:
        return _Known(Evaluation.without_result(candidate, self._seeds[0], status), 0)

    def _inherited(self, candidate: Candidate, origin: Candidate) -> _Known:
        """What another one gave, at the rate at which the candidate trains alike."""
        known = self._settled[origin]
        rate = known.candidate.hyperparameters.learning_rate
        inheriting = candidate
        if self._own_rates is not None and rate is not None:
            expected = self._own_rates.expected
            taken_over = expected.taken_over(rate, known.candidate.loss, candidate.loss)
            inheriting = Candidate(candidate.loss, Hyperparameters(taken_over))
        evaluation = dataclasses.replace(
            known.evaluation, candidate=inheriting, seconds=0.0, inherited_from=known.candidate
        )
        return _Known(evaluation, 0)

    @staticmethod
    def _as_asked(candidate: Candidate, known: _Known, source: Source, steps: int = 0) -> Outcome:
        asked = dataclasses.replace(known.evaluation, candidate=candidate)
        return Outcome(asked, source, steps, known.candidate)

    def _trained(self, candidates: Sequence[Candidate]) -> Iterator[_Known]:
        """Yields what each gave, in order."""
        if self._own_rates is not None:
            workers = self._dispatcher.workers
            for evaluation, steps in self._own_rates.train(candidates, self._train, workers):
                yield _Known(evaluation, steps)
            return
        lost = self._run_race(candidates)
        trained = self._train([one for one in candidates if one not in lost])
        for candidate in candidates:
            evaluation = lost[candidate] if candidate in lost else next(trained)
            yield _Known(evaluation, evaluation.steps)

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
        lost: dict[Candidate, Evaluation] = {}
        for steps in self._heats:
            running = [one for one in candidates if one not in lost]
            requests = [Request(one, self._seeds[0], train_steps=steps) for one in running]
            lost |= self._field.prune(steps, list(self._dispatcher.evaluate(requests)))
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
        fitness=mean_of(run.fitness for run in used),
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
        means[name] = mean_of(known) if len(known) == len(of_runs) else None
    return means
