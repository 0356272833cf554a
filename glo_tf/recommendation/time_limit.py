"""How many losses there is time to tune, decided once for a run and all that resume it."""

from __future__ import annotations

import time

from glo_tf.execution.study import Study

_FEWEST = 2  # losses that are tuned in any case, the usual one among them


class TuningTimeLimit:
    """Leaves as many losses in the race as can be tuned in full.

    What it decides by the clock is noted in the study, and decided alike when the run is resumed.

    Args:
        minutes: From now on.
        study: Of the run.
        trainings_after: That follow the tuning; at most half of the time is kept for them.
        seeds: Trainings of each trial.
    """

    def __init__(self, minutes: float, study: Study, *, trainings_after: int, seeds: int):
        self._limit = 60.0 * minutes
        self._study = study
        self._after = trainings_after / seeds
        self._note = f"losses in {minutes!r} minutes after trial"
        self._began = time.monotonic()

    def most(self, number: int, rounds: int, losses: int, seconds: float) -> int:
        """How many losses may go on; 0 if the time is over.

        Args:
            number: Of the trial that each of them has come to.
            rounds: Trials that each still wants.
            losses: How many are in the race.
            seconds: That a trial took last.

        Raises:
            StudyError: If the study cannot be read, or the decision not be kept.
        """
        name = f"{self._note} {number}"
        noted: int | None = self._study.noted(name)
        if noted is None:
            noted = min(self._affordable(rounds, seconds), losses)
            self._study.note(name, noted)
        return noted

    def _affordable(self, rounds: int, seconds: float) -> int:
        left = self._limit - (time.monotonic() - self._began)
        left -= min(self._after * seconds, self._limit / 2.0)
        if left < seconds * _FEWEST:
            return 0
        return max(_FEWEST, int(min(left / (seconds * max(rounds, 1)), 1e6)))
