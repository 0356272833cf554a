"""What ends the phases of a search before their last generation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from glo_tf.execution.study import Study
from glo_tf.results.record import Ending, Record
from glo_tf.search.ranking import Ranking
from glo_tf.training.trial import Status


class BudgetSpent(Exception):  # noqa: N818 (no error, as StopSearch is none)
    """Ends the phases of a search; what was found is confirmed and compared as always.

    Attributes:
        ending: What ends them.
    """

    def __init__(self, ending: Ending, text: str):
        super().__init__(text)
        self.ending = ending


class TimeLimit:
    """Ends a search after some minutes.

    A search is otherwise a function of its settings and evaluations. So where the clock ends it is
    noted in its study, as the number of steps that were done, and with the same limit it ends there
    again, whatever the clock says then.

    Args:
        minutes: From now on; None for no limit.
        study: Of the search.
        kept_back: Seconds that what comes after the search is expected to take; at most half of
            the limit is kept back.
    """

    def __init__(
        self, minutes: float | None, study: Study, kept_back: Callable[[], float] = lambda: 0.0
    ):
        self._minutes = minutes
        self._study = study
        self._kept_back = kept_back
        self._began = time.monotonic()
        self._note = f"steps_in_{minutes!r}_minutes"
        self._noted: int | None = None if minutes is None else study.noted(self._note)
        self._done = 0

    def step_done(self) -> None:
        """Counts one of the steps of which a search is the same sequence each time."""
        self._done += 1
        self.check()

    def check(self) -> None:
        """Is called before each step, and in its midst as often as may be.

        Raises:
            BudgetSpent: If the time is over.
            StudyError: If that cannot be noted.
        """
        if self._minutes is None:
            return
        if self._noted is None:
            limit = 60.0 * self._minutes
            if time.monotonic() - self._began + min(self._kept_back(), limit / 2) < limit:
                return
            self._study.note(self._note, self._done)
            self._noted = self._done
        if self._done >= self._noted:
            raise BudgetSpent(
                Ending.MAX_MINUTES, f"The time is over (max_minutes={self._minutes:g})"
            )


class Patience:
    """Waits for better candidates in one phase.

    Args:
        generations: For so many; 0 waits for ever.
        ranking: Says which is better.
    """

    def __init__(self, generations: int, ranking: Ranking):
        self._generations = generations
        self._ranking = ranking
        self._best: Record | None = None
        self._waited = 0

    @property
    def lost(self) -> bool:
        """Whether it has waited for long enough."""
        return self._waited >= self._generations > 0

    def see(self, generation: Iterable[Record]) -> None:
        """Looks at the next generation."""
        self._waited += self._best is not None  # the first one is worth any wait
        for record in generation:
            if self._ranking.better(record, self._best):
                self._best = record
                self._waited = 0


def check_target(record: Record, target: float | None) -> None:
    """Raises `BudgetSpent` for a candidate that is fit enough; no target is never met."""
    if target is not None and record.status == Status.OK and record.fitness >= target:
        raise BudgetSpent(
            Ending.TARGET_FITNESS,
            f"A candidate has the fitness {record.fitness:.6g} (target_fitness={target:g})",
        )
