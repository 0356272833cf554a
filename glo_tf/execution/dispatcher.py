"""Hands trainings to workers, keeps their results, and decides what becomes of failures."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence

from glo_tf.errors import at_the_end
from glo_tf.execution.crash_guard import CrashGuard
from glo_tf.execution.study import Study
from glo_tf.strategies.base import ERROR, Failure, Result, Strategy, Task, TrainingError
from glo_tf.training.trial import FAILED, UNTRAINED, Evaluation, Request, log_training

logger = logging.getLogger("glo_tf")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FailurePolicy:
    """What becomes of trainings whose worker is lost, or that run out of memory or time.

    Attributes:
        candidate_timeout: Seconds that a training may take; None for no limit.
        candidate_retries: How often a training is tried again, on another worker if there is one.
            Then it is failed.
        max_consecutive_failures: How many trainings in a row may fail.

    Raises:
        ValueError: If one is out of range.
    """

    candidate_timeout: float | None = None
    candidate_retries: int = 1
    max_consecutive_failures: int = 10

    def __post_init__(self) -> None:
        if self.candidate_timeout is not None and not self.candidate_timeout > 0:
            raise ValueError(
                "Expected a positive candidate_timeout, in seconds. "
                f"Received: candidate_timeout={self.candidate_timeout}"
            )
        for name, least in (("candidate_retries", 0), ("max_consecutive_failures", 1)):
            if getattr(self, name) < least:
                raise ValueError(
                    f"Expected {name} of at least {least}. Received: {name}={getattr(self, name)}"
                )


@dataclasses.dataclass
class _Job:
    request: Request
    tries: int = 0
    tried_on: set[str] = dataclasses.field(default_factory=set)


class _Call:
    """A caller of `evaluate`: what it has, and what it waits for, in its order."""

    def __init__(self) -> None:
        self.known: dict[Request, Evaluation] = {}
        self.wanted: dict[Request, None] = {}


class Dispatcher:
    """Evaluates requests on the workers of a strategy, each at most once in the life of a study.

    Args:
        task: What workers train on.
        strategy: Where.
        study: Where results are looked up and kept.
        policy: What becomes of failures.
    """

    def __init__(
        self,
        task: Task,
        strategy: Strategy,
        study: Study,
        policy: FailurePolicy = FailurePolicy(),
    ):
        self._task = task
        self._strategy = CrashGuard(strategy, study.started)
        self._study = study
        self._policy = policy
        self._started = False
        self._closed = False
        self._calls: list[_Call] = []
        self._running: dict[str, _Job] = {}
        self._to_retry: dict[Request, _Job] = {}
        self._failed_in_a_row: list[Request] = []

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Evaluation]:
        """Yields the evaluation of each request, in their order, as soon as it is known.

        Trainings run side by side and end in any order. A loss without x or without y has fitness
        0 and is not trained. Several iterators may be open at once, one inside another's loop, too:
        who asks is served first, and what one of them gets trained, all have. Of one that is given
        up, nothing more is trained.

        Raises:
            TrainingError: If training fails for a reason other than the candidate.
            StudyError: If a result cannot be kept.
            RuntimeError: If the dispatcher was closed meanwhile.
        """
        call = _Call()
        for request in dict.fromkeys(requests):
            found = self._find(request)
            if found is None:
                call.wanted[request] = None
            else:
                call.known[request] = found
        self._calls.append(call)
        try:
            for request in requests:
                while request not in call.known:
                    self._advance(call)
                yield call.known[request]
        finally:
            self._calls.remove(call)
            for request in call.wanted:
                if not any(request in other.wanted for other in self._calls):
                    self._to_retry.pop(request, None)

    def record(self, evaluation: Evaluation) -> None:
        """Keeps a fitness that was found without a training."""
        self._study.add_untrained(evaluation)

    def check_study(self) -> None:
        """Raises `StudyError` if the study's file is not where it was; see `Study.check_place`."""
        self._study.check_place()

    def close(self) -> None:
        """Gives up what still runs, frees the workers, and closes the study, for good."""
        self._closed = True
        self._running.clear()
        steps = [self._strategy.close] if self._started else []
        self._started = False
        with at_the_end(*steps, self._study.close):
            pass

    def _find(self, request: Request) -> Evaluation | None:
        if not request.loss.has_x_and_y:
            return Evaluation.without_result(request.loss, request.seed, UNTRAINED)
        return self._study.find(request)

    def _advance(self, call: _Call) -> None:
        """Keeps the workers busy until some results are there, or one of them is free."""
        if self._closed:
            raise RuntimeError(
                "Expected evaluations to end before their workers are freed. "
                "Received: close while they are waited for"
            )
        if not self._started:  # as late as this: a search that is all in the study needs no worker
            self._started = True
            self._strategy.start(self._task, self._policy.candidate_timeout)
        for worker in self._strategy.idle():
            self._running.pop(worker, None)  # a training that Ctrl-C cut off
            job = self._next_job(worker, call)
            if job is not None:
                self._running[worker] = job
                self._strategy.submit(job.request, worker)
        ended = [(self._running.pop(result.worker), result) for result in self._strategy.wait()]
        # Failures last: they may end the search, and what is finished is kept.
        for job, result in sorted(ended, key=lambda pair: isinstance(pair[1].outcome, Failure)):
            evaluation = self._take(job, result)
            if evaluation is not None:
                self._tell(job.request, evaluation)

    def _tell(self, request: Request, evaluation: Evaluation) -> None:
        for call in self._calls:
            if request in call.wanted:
                del call.wanted[request]
                call.known[request] = evaluation

    def _next_job(self, worker: str, first: _Call) -> _Job | None:
        """The first job that has not been tried on the worker, or that no other one could take."""
        others = set(self._strategy.workers()) - {worker}
        running = {job.request for job in self._running.values()}
        for call in (first, *self._calls):
            for request in call.wanted:
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
            self._study.add(job.request, result.outcome, worker=result.where, tries=job.tries)
            return result.outcome
        return self._take_failure(job, result, result.outcome)

    def _take_failure(self, job: _Job, result: Result, failure: Failure) -> Evaluation | None:
        if failure.kind == ERROR:
            logger.error("%s", failure.traceback or failure.message)
            raise TrainingError(
                "Expected the model to train. Received, from its code or the data's: "
                f"{failure.message}"
            )
        reason = f"{failure.kind}: {failure.message}"
        logger.warning("%s  try %d on %s: %s", job.request.loss, job.tries, result.where, reason)
        job.tried_on.add(result.worker)
        if job.tries <= self._policy.candidate_retries:
            self._to_retry[job.request] = job
            return None
        evaluation = Evaluation.without_result(job.request.loss, job.request.seed, FAILED)
        self._study.add(
            job.request, evaluation, worker=result.where, tries=job.tries, reason=reason
        )
        self._failed_in_a_row.append(job.request)
        if len(self._failed_in_a_row) == self._policy.max_consecutive_failures:
            # Their fault it was not, so they are tried again when the search is continued.
            self._study.forget(self._failed_in_a_row)
            raise TrainingError(
                f"Expected fewer than {len(self._failed_in_a_row)} trainings in a row to fail "
                f"(max_consecutive_failures). Received, the last time: {reason}"
            )
        return evaluation
