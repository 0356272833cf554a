"""A strategy whose trainings end when and as a test says."""

from collections.abc import Callable, Sequence

from glo_tf.strategies import Strategy
from glo_tf.strategies.base import Failure, FailureKind, Result
from glo_tf.testing.scripted_task import fitness_of
from glo_tf.training.trial import Evaluation, Request


class ScriptedStrategy(Strategy):
    """Ends trainings when and as `end` says: it is given those that run, and returns results."""

    def __init__(self, workers: int, end: Callable[[list[tuple[str, Request]]], Sequence[Result]]):
        self._names = [f"worker {number}" for number in range(workers)]
        self._end = end
        self.running: dict[str, Request] = {}
        self.submitted: list[Request] = []
        self.starts = 0

    def start(self, task, candidate_timeout=None) -> None:
        self.starts += 1

    def idle(self) -> Sequence[str]:
        return [name for name in self._names if name not in self.running]

    def workers(self) -> Sequence[str]:
        return self._names

    def submit(self, request: Request, worker: str) -> None:
        assert worker in self.idle()
        assert request not in self.running.values()
        self.running[worker] = request
        self.submitted.append(request)

    def wait(self) -> list[Result]:
        assert self.running, "waits for nothing"
        results = list(self._end(list(self.running.items())))
        for result in results:
            del self.running[result.worker]
        return results

    def close(self) -> None:
        self.running.clear()


def done(worker: str, request: Request) -> Result:
    evaluation = Evaluation(request.candidate, request.seed, fitness_of(request.loss), "ok", 1, 0.0)
    return Result(request, worker, worker, evaluation)


def lost(worker: str, request: Request) -> Result:
    return Result(request, worker, worker, Failure(FailureKind.WORKER_LOST, "gone"))
