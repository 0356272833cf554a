"""Hands trainings to workers, keeps their results, and decides what becomes of failures."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import logging
from collections.abc import Callable, Hashable, Iterator, Sequence

from glo_tf.errors import InvalidArgumentError, UsageError, at_the_end
from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.crash_guard import CrashGuard
from glo_tf.execution.side_by_side import as_trained, keep_lanes, lanes_of, lanes_train
from glo_tf.execution.study import Study
from glo_tf.strategies.base import Failure, FailureKind, Result, Strategy, Task, TrainingError
from glo_tf.training.trial import (
    Evaluation,
    Request,
    Status,
    log_training,
)

logger = logging.getLogger("glo_tf")


FINISHED, FAILED = "finished", "failed"
"""Kinds of trainings that have ended."""

_FAILURES = (Status.FAILED, Status.NON_FINITE)


@dataclasses.dataclass
class _Job:
    request: Request
    tries: int = 0
    tried_on: set[str] = dataclasses.field(default_factory=set)


class _Caller:
    """Who asks: what it waits for and how often it submitted that, and what has ended for it."""

    def __init__(self) -> None:
        self.waits_for: dict[Request, int] = {}
        self.finished: collections.deque[tuple[Request, Evaluation]] = collections.deque()

    def finish(self, request: Request, evaluation: Evaluation) -> None:
        """Answers each time that the request was submitted."""
        self.finished.extend([(request, evaluation)] * self.waits_for.pop(request, 0))


class Dispatcher:
    """Evaluates requests on the workers of a strategy, each at most once in the life of a study.

    Who submits requests is given their evaluations as they end (`next_finished`), or in the order
    of the requests (`evaluate`). Several callers in one thread may do so at once, in the midst of
    each other, too: each is given what it submitted, a training that several submit is done once,
    and who waits is served first. Workers train while somebody waits; they are started when the
    first training is waited for, as a search that is all in the study needs none.

    Args:
        task: What workers train on.
        strategy: Where.
        study: Where results are looked up and kept, with those that took no training.
        policy: What becomes of failures; the default one if None.

    Raises:
        ValueError: If the task has several lanes, and the strategy trains them not side by side.
    """

    def __init__(
        self,
        task: Task,
        strategy: Strategy,
        study: Study,
        policy: FailurePolicy | None = None,
    ):
        policy = policy or FailurePolicy()
        task = as_trained(task, strategy, policy, lanes_of(study))
        keep_lanes(study, task)
        if task.lanes > 1 and not lanes_train(strategy, policy):
            raise InvalidArgumentError(
                "Expected lanes=1, or the strategy 'devices', 'ray', or 'local' in this process, "
                "and no candidate_timeout, with which candidates train side by side. "
                f"Received: lanes={task.lanes}"
            )
        self._task = task
        self._strategy = CrashGuard(strategy, study.started)
        self.study = study
        self._policy = policy
        self._started = False
        self._closed = False
        self._callers: dict[Hashable, _Caller] = {}
        self._running: dict[str, _Job] = {}
        self._to_retry: dict[Request, _Job] = {}
        self._failed_in_a_row: list[Request] = []
        self._ended: collections.Counter[str] = collections.Counter()
        self._watches: list[tuple[Callable[[], None], Callable[[Evaluation], None]]] = []

    @contextlib.contextmanager
    def watched(
        self, before: Callable[[], None], after: Callable[[Evaluation], None]
    ) -> Iterator[None]:
        """Tells of all that is trained within; what these raise goes on to who waits.

        Args:
            before: Called before each wait for a training.
            after: Called with each training that has ended and is kept.
        """
        self._watches.append((before, after))
        try:
            yield
        finally:
            self._watches.pop()

    @property
    def workers(self) -> int:
        """How many train side by side; 1 before any does."""
        return max(1, len(self._strategy.workers())) if self._started else 1

    def trainings(self) -> dict[str, int]:
        """How many run, and how many have finished or failed since the dispatcher was made."""
        return {"running": len(self._running), **{n: self._ended[n] for n in (FINISHED, FAILED)}}

    def submit(self, request: Request, caller: Hashable = None) -> None:
        """Asks for an evaluation, which `next_finished` gives to the same caller, once.

        A loss without x or without y has fitness 0 and is not trained.

        Args:
            request: What to train. Submitted twice, it is trained once and given twice.
            caller: Tells those apart who use the dispatcher at the same time.

        Raises:
            StudyError: If the study cannot be read.
            UsageError: (a `RuntimeError`) if the dispatcher is closed.
        """
        if self._closed:
            raise UsageError(
                "Expected requests before the workers are freed. Received: submit after close"
            )
        queue = self._callers.setdefault(caller, _Caller())
        queue.waits_for[request] = queue.waits_for.get(request, 0) + 1
        known = self._find(request)
        if known is not None:
            queue.finish(request, known)

    def next_finished(self, caller: Hashable = None) -> tuple[Request, Evaluation] | None:
        """Waits until something that the caller submitted has ended, whichever is the first.

        Returns:
            A request and its evaluation, in the order in which they ended; what was known when it
            was submitted comes at once. None if the caller has been given all that it submitted.

        Raises:
            TrainingError: If training fails for a reason other than the candidate.
            StudyError: If a result cannot be kept.
            UsageError: (a `RuntimeError`) if it is closed while something is still to be trained.
        """
        queue = self._callers.get(caller, _Caller())
        while queue.waits_for and not queue.finished:
            self._advance(queue)
        finished = queue.finished.popleft() if queue.finished else None
        if not (queue.waits_for or queue.finished):
            self._callers.pop(caller, None)
        return finished

    def withdraw(self, caller: Hashable = None) -> None:
        """Forgets what the caller submitted; what runs ends, but nothing more of it is begun."""
        queue = self._callers.pop(caller, _Caller())
        for request in queue.waits_for:
            if not any(request in other.waits_for for other in self._callers.values()):
                self._to_retry.pop(request, None)

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Evaluation]:
        """Yields the evaluation of each request, in their order, as soon as it is known.

        Each iterator is a caller of its own; of one that is given up, nothing more is trained.

        Raises:
            TrainingError: As `next_finished`.
            StudyError: As `submit` and `next_finished`.
            UsageError: (a `RuntimeError`) if the dispatcher is closed before all are known.
        """
        caller = object()
        known: dict[Request, Evaluation] = {}
        try:
            for request in dict.fromkeys(requests):
                self.submit(request, caller)
            for request in requests:
                while request not in known:
                    finished = self.next_finished(caller)
                    assert finished is not None
                    known.update([finished])
                yield known[request]
        finally:
            self.withdraw(caller)

    def close(self) -> None:
        """Gives up what still runs, frees the workers, and closes the study, for good."""
        self._closed = True
        self._running.clear()
        steps = [self._strategy.close] if self._started else []
        self._started = False
        with at_the_end(*steps, self.study.close):
            pass

    def _find(self, request: Request) -> Evaluation | None:
        if not request.loss.has_x_and_y:
            return Evaluation.without_result(request.candidate, request.seed, Status.UNTRAINED)
        return self.study.find(request)

    def _advance(self, first: _Caller) -> None:
        """Keeps the workers busy until some results are there, or one of them is free."""
        self._check_open()
        for before, _ in self._watches:
            before()
        if not self._started:
            self._started = True
            self._strategy.start(self._task, self._policy.candidate_timeout)
        for worker in self._strategy.idle():
            self._running.pop(worker, None)  # a training that Ctrl-C cut off
            job = self._next_job(worker, first)
            if job is not None:
                self._running[worker] = job
                self._strategy.submit(job.request, worker)
        results = self._strategy.wait()
        self._check_open()  # a signal's handler may have closed it meanwhile
        ended = [(self._running.pop(result.worker), result) for result in results]
        kept = []
        # Failures last: they may end the search, and what is finished is kept.
        for job, result in sorted(ended, key=lambda pair: isinstance(pair[1].outcome, Failure)):
            evaluation = self._take(job, result)
            if evaluation is not None:
                kept.append(evaluation)
                for queue in self._callers.values():
                    queue.finish(job.request, evaluation)
        for _, after in self._watches:
            for evaluation in kept:
                after(evaluation)

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError(
                "Expected evaluations to end before their workers are freed. "
                "Received: close while they are waited for"
            )

    def _next_job(self, worker: str, first: _Caller) -> _Job | None:
        """The first job that has not been tried on the worker, or that no other one could take."""
        others = set(self._strategy.workers()) - {worker}
        running = {job.request for job in self._running.values()}
        for queue in (first, *self._callers.values()):
            for request in queue.waits_for:
                if request in running:
                    continue
                job = self._to_retry.get(request) or self._new_job(request)
                if worker not in job.tried_on or others <= job.tried_on:
                    self._to_retry.pop(request, None)
                    return job
        return None

    def _new_job(self, request: Request) -> _Job:
        return _Job(request, tries=self._strategy.tries(request))

    def _take(self, job: _Job, result: Result) -> Evaluation | None:
        job.tries += 1
        if isinstance(result.outcome, Evaluation):
            self._failed_in_a_row.clear()
            log_training(result.outcome)
            self._ended[FAILED if result.outcome.status in _FAILURES else FINISHED] += 1
            self.study.add(job.request, result.outcome, worker=result.where, tries=job.tries)
            return result.outcome
        return self._take_failure(job, result, result.outcome)

    def _take_failure(self, job: _Job, result: Result, failure: Failure) -> Evaluation | None:
        if failure.kind == FailureKind.ERROR:
            logger.error("%s", failure.traceback or failure.message)
            raise TrainingError(
                "Expected the model to train. Received, from its code or the data's: "
                f"{failure.message}"
            )
        reason = f"{failure.kind}: {failure.message}"
        candidate = job.request.candidate
        logger.warning("%s  try %d on %s: %s", candidate, job.tries, result.where, reason)
        job.tried_on.add(result.worker)
        if job.tries <= self._policy.candidate_retries:
            self._to_retry[job.request] = job
            return None
        self._ended[FAILED] += 1
        evaluation = Evaluation.without_result(candidate, job.request.seed, Status.FAILED)
        self.study.add(job.request, evaluation, worker=result.where, tries=job.tries, reason=reason)
        self._failed_in_a_row.append(job.request)
        if len(self._failed_in_a_row) == self._policy.max_consecutive_failures:
            # Their fault it was not, so they are tried again when the search is resumed.
            self.study.forget(self._failed_in_a_row)
            raise TrainingError(
                f"Expected fewer than {len(self._failed_in_a_row)} trainings in a row to fail "
                f"(max_consecutive_failures). Received, the last time: {reason}"
            )
        return evaluation
