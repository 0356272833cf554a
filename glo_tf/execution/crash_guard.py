"""Keeps a candidate that crashes its process from crashing a search twice."""

from __future__ import annotations

import dataclasses
import logging
import platform
from collections.abc import Sequence

from glo_tf.execution.started import StartedTrainings, Suspect
from glo_tf.strategies.base import Failure, FailureKind, Result, Strategy, Task, TrainingError
from glo_tf.strategies.process import WorkerProcess
from glo_tf.training.trial import Evaluation, Request

_MOST_DEATHS = 3  # where there is no worker process to try a suspect in

logger = logging.getLogger("glo_tf")


class CrashGuard(Strategy):
    """A strategy, with notes on what it trains in this process, while it does.

    What was trained when an earlier process died is a suspect, no more: the process may have been
    killed. If it was the only training there, or two processes died of it, it is tried in a worker
    process, which shows what it is; if it dies there, the rest of the run has one worker, that
    process. Trainings that the strategy has in other processes are left alone.

    Args:
        strategy: Trains.
        started: The notes.
    """

    def __init__(self, strategy: Strategy, started: StartedTrainings):
        self._strategy = strategy
        self._started = started
        self._task: Task | None = None
        self._timeout: float | None = None
        self._running: dict[str, Request] = {}  # in this process, by worker
        self._apart: dict[str, tuple[Request, Suspect]] = {}
        self._process: WorkerProcess | None = None
        self._convicted = False

    def start(self, task: Task, candidate_timeout: float | None = None) -> None:
        """Starts the strategy, and says whom earlier processes died of."""
        self._task, self._timeout = task, candidate_timeout
        for suspect in self._started.suspects.values():
            logger.warning("A process died in the midst of a training: %s", suspect)
        self._strategy.start(task, candidate_timeout)

    def idle(self) -> Sequence[str]:
        """The strategy's, without those that wait for a training apart."""
        return [worker for worker in self._strategy.idle() if worker not in self._apart]

    def workers(self) -> Sequence[str]:
        """The strategy's."""
        return self._strategy.workers()

    def tries(self, request: Request) -> int:
        """How often a request was tried by processes that died of it."""
        suspect = self._started.suspect(request)
        return 0 if suspect is None else suspect.deaths

    def submit(self, request: Request, worker: str) -> None:
        """Notes the request before it runs in this process; keeps that of a suspect for `wait`."""
        if not self._strategy.shares_process:
            self._strategy.submit(request, worker)
            return
        suspect = self._started.suspect(request) or Suspect(str(request.candidate), request.seed)
        # Where one candidate has crashed its process, others of the same model may.
        if suspect.endangers or (self._convicted and len(self.workers()) == 1):
            # From here on it is no suspect: if this process dies now, it was killed.
            self._started.end(request)
            if self._process_starts() or suspect.deaths >= _MOST_DEATHS:
                self._apart[worker] = request, suspect
                return
            self._started.accuse(request, suspect)
        self._started.begin(request)
        self._running[worker] = request
        self._strategy.submit(request, worker)

    def wait(self) -> list[Result]:
        """Trains a suspect, or waits for the strategy."""
        if self._apart:
            worker, (request, suspect) = self._apart.popitem()
            return [self._train_apart(worker, request, suspect)]
        try:
            results = self._strategy.wait()
        finally:  # after Ctrl-C, too, the training does not run any more
            for worker in self._strategy.idle():
                if worker in self._running:
                    self._started.end(self._running.pop(worker))
        return results

    def close(self) -> None:
        """Closes the strategy."""
        self._running.clear()
        self._apart.clear()
        try:
            self._strategy.close()
        finally:
            if self._process is not None:
                self._process.close()
                self._process = None

    def _process_starts(self) -> bool:
        """Whether there is a worker process for suspects."""
        if self._process is None:
            assert self._task is not None
            try:
                process = WorkerProcess(self._task)
                process.start()
            except (ValueError, TrainingError) as error:
                logger.warning("No worker process to try suspects in: %s", error)
                return False
            self._process = process
        return True

    def _train_apart(self, worker: str, request: Request, suspect: Suspect) -> Result:
        outcome: Evaluation | Failure
        if self._process is None:
            message = f"{suspect.deaths} processes died in its midst, and it cannot be tried apart"
            outcome, where = Failure(FailureKind.WORKER_LOST, message), platform.node()
        else:
            outcome, where = self._process.train(request, self._timeout), self._process.where
        if isinstance(outcome, Failure) and outcome.kind == FailureKind.WORKER_LOST:
            self._convicted = True
            again = dataclasses.replace(suspect, deaths=suspect.deaths + 1, alone=True)
            self._started.accuse(request, again)
        return Result(request, worker, where, outcome)
