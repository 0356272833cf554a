"""Known losses at their best: each over learning rate and own parameters, with as many trials."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

from glo_tf.comparison.expected_rates import ExpectedRates
from glo_tf.comparison.learning_rates import Evaluate
from glo_tf.losses.baselines import usual_loss
from glo_tf.recommendation.families import Family
from glo_tf.recommendation.pattern_search import RUNGS_PER_DECADE, PatternSearch
from glo_tf.recommendation.time_limit import TuningTimeLimit
from glo_tf.results.tuned_loss import Trial, TunedLoss
from glo_tf.training.candidate import Candidate, Hyperparameters, held_rate
from glo_tf.training.step_length import measure_step_length
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, Request, Status
from glo_tf.utils.statistics import mean_of

_HEAT = 9  # one in so many steps is the heat of a trial
_BEHIND = 0.5  # of the best fitness; less is hopeless
_RATE_DIGITS = 2


@dataclasses.dataclass(frozen=True)
class TuningProgress:
    """A trial that has ended.

    Attributes:
        done: Trials of all losses that have ended.
        planned: Trials of all losses, at most.
        trial: The trial.
    """

    done: int
    planned: int
    trial: Trial


def tune_losses(
    evaluate: Evaluate,
    families: Sequence[Family],
    task: TrainingTask,
    *,
    trials: int,
    seeds: Sequence[int],
    limit: TuningTimeLimit | None = None,
    told: Callable[[TuningProgress], None] | None = None,
) -> list[TunedLoss]:
    """Finds for each loss its best learning rate and its best parameters, with equal effort.

    Every loss has the same number of trials. A trial is one setting: values of the loss's
    parameters and a learning rate, trained once with each seed; its fitness is their mean, from
    validation data. Which settings are tried is up to `PatternSearch`, around the rate that is
    expected of a loss as steep as this one. That is known once the usual loss's best rate lies
    between others; so the usual loss begins, where it is among the families.

    Losses are tuned side by side, one trial of each in a round. What is hopeless is not trained to
    the end: a trial that after a ninth of its steps has less than half of the best fitness of its
    loss at that step, or fails; and a loss that after half of its trials has less than half of the
    best fitness of all. That loss is `dropped`, as are the last in the race where time is short.

    Example:
        >>> from glo_tf.execution.dispatcher import Dispatcher  # doctest: +SKIP
        >>> dispatcher = Dispatcher(task, strategy, study)  # doctest: +SKIP
        >>> tuned = tune_losses(
        ...     dispatcher.evaluate, families_of(["gce", "focal"], task.outputs), task,
        ...     trials=12, seeds=range(2))  # doctest: +SKIP
        >>> [(loss.best.name, loss.best.learning_rate) for loss in tuned]  # doctest: +SKIP

    Args:
        evaluate: Trains networks, side by side where it can; evaluations come in the order of the
            requests.
        families: The losses, of different names; see `glo_tf.recommendation.families.families_of`,
            and `Family.fixed` of an expression that has no parameters.
        task: What they are trained on; without tests on its test data.
        trials: Of each loss, at least 1.
        seeds: Of each trial's trainings.
        limit: Says how many losses there is time for; None tunes all of them in full. The best go
            on, and the usual one always.
        told: Called after each trial.

    Returns:
        One for each family, in their order. Test data were not looked at.
    """
    race = _Race(evaluate, families, task, trials=trials, seeds=seeds, told=told)
    race.run(limit)
    return [one.result for one in race.runners]


class _Runner:
    """One loss in the race.

    Attributes:
        trials: What was tried.
        search: Says what is to be tried next.
        best_heat: The best fitness of all heats.
        dropped: Whether it is out of the race.
        expected: Where its learning rates are looked for; None before its first trial.
    """

    def __init__(self, family: Family):
        self.family = family
        self.search = PatternSearch(
            tuple(axis.start for axis in family.axes),
            tuple(len(axis.values) for axis in family.axes),
        )
        self.trials: list[Trial] = []
        self.best_heat = 0.0
        self.dropped = False
        self.expected: ExpectedRates | None = None

    @property
    def best(self) -> Trial:
        return min(self.trials, key=lambda trial: trial.order)

    @property
    def result(self) -> TunedLoss:
        at_edge = not self.search.bracketed
        return TunedLoss(self.family.name, tuple(self.trials), self.dropped, at_edge)


class _Race:
    def __init__(
        self,
        evaluate: Evaluate,
        families: Sequence[Family],
        task: TrainingTask,
        *,
        trials: int,
        seeds: Sequence[int],
        told: Callable[[TuningProgress], None] | None,
    ):
        self._evaluate, self._task, self._seeds = evaluate, task, tuple(seeds)
        self._trials, self._told = trials, told
        self._exponent = measure_step_length(task.optimizer).exponent
        self._reference = task.learning_rate
        self.runners = [_Runner(family) for family in families]
        _, usual = usual_loss(task.outputs)
        self._usual = next((one for one in self.runners if one.family.start == usual), None)

    def run(self, limit: TuningTimeLimit | None) -> None:
        """Makes all trials, or as many as there is time for."""
        if self._usual is not None:
            while len(self._usual.trials) < self._trials and not self._usual.search.bracketed:
                self._round([self._usual])
            self._reference = self._usual.best.learning_rate
        while (count := min(len(one.trials) for one in self._running)) < self._trials:
            began = time.monotonic()
            due = [one for one in self._running if len(one.trials) == count]
            self._round(due)
            if 2 * (count + 1) >= self._trials:
                self._drop_hopeless()
            if limit is not None:
                seconds = (time.monotonic() - began) / len(due)
                rounds, running = self._trials - count - 1, len(self._running)
                most = limit.most(count + 1, rounds, running, seconds)
                if not most:
                    break
                self._drop_all_but(most)

    def _expected_of(self, runner: _Runner) -> ExpectedRates:
        """Where its rates are looked for: the same place from its first trial on."""
        if runner.expected is None:
            runner.expected = ExpectedRates(self._reference, self._exponent, self._task.outputs)
        return runner.expected

    @property
    def _running(self) -> list[_Runner]:
        return [one for one in self.runners if not one.dropped]

    def _drop_hopeless(self) -> None:
        enough = _BEHIND * max(one.best.fitness for one in self._running)
        for one in self._running:
            if one is not self._usual and one.best.fitness < enough:
                one.dropped = True

    def _drop_all_but(self, most: int) -> None:
        ranked = sorted(self._running, key=lambda one: (one is not self._usual, one.best.order))
        for one in ranked[most:]:
            one.dropped = True

    def _round(self, runners: Sequence[_Runner]) -> None:
        """One trial of each."""
        entries = [_TrialEntry(one, self._expected_of(one)) for one in runners]
        self._run_heats(entries)
        lasting = [entry for entry in entries if entry.ended is None]
        requests = [Request(one.candidate, seed) for one in lasting for seed in self._seeds]
        evaluations = iter(self._evaluate(requests))
        for entry in entries:
            if entry.ended is None:
                entry.take([next(evaluations) for _ in self._seeds])
            if self._told is not None:
                running = len(self._running)
                done = sum(len(one.trials) for one in self.runners)
                over = sum(len(one.trials) for one in self.runners if one.dropped)
                planned = over + running * self._trials
                self._told(TuningProgress(done, planned, entry.runner.trials[-1]))

    def _run_heats(self, entries: Sequence[_TrialEntry]) -> None:
        steps = self._task.train_steps // _HEAT
        if not steps:
            return
        requests = [Request(one.candidate, self._seeds[0], train_steps=steps) for one in entries]
        for entry, heat in zip(entries, self._evaluate(requests), strict=True):
            entry.take_heat(heat)


class _TrialEntry:
    """A trial that is being made.

    Attributes:
        candidate: What is trained.
        ended: What its heat gave, where that was its end.
    """

    def __init__(self, runner: _Runner, expected: ExpectedRates):
        self.runner = runner
        self._point = runner.search.ask()
        rung, *self._places = self._point
        loss = runner.family.loss(tuple(self._places))
        rate = held_rate(expected.of(loss, 10.0 ** (rung / RUNGS_PER_DECADE)), _RATE_DIGITS)
        self.candidate = Candidate(loss, Hyperparameters(rate))
        self.ended: Evaluation | None = None

    def take_heat(self, heat: Evaluation) -> None:
        """Ends the trial if it is hopeless."""
        runner = self.runner
        runner.best_heat = max(runner.best_heat, heat.fitness)
        if heat.status != Status.OK:
            self.ended = heat
        elif heat.fitness < _BEHIND * runner.best_heat:
            self.ended = dataclasses.replace(heat, status=Status.STOPPED)
        if self.ended is not None:
            self.take([self.ended])

    def take(self, evaluations: Sequence[Evaluation]) -> None:
        """Ends the trial with what it gave with each seed."""
        family, places = self.runner.family, tuple(self._places)
        fitness = mean_of(one.fitness for one in evaluations)
        status = next((one.status for one in evaluations if one.status != Status.OK), Status.OK)
        rate = self.candidate.hyperparameters.learning_rate
        assert rate is not None
        trial = Trial(
            name=family.title(places),
            parameters=family.parameters(places),
            expression=str(self.candidate.loss),
            learning_rate=rate,
            fitness=fitness,
            status=status,
            steps=sum(one.steps for one in evaluations),
        )
        self.runner.trials.append(trial)
        self.runner.search.tell(self._point, fitness, failed=status != Status.OK)
