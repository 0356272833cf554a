"""A task whose trainings do what their loss says, for tests of strategies."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from glo_tf.expressions.tree import Expression
from glo_tf.training.trial import Evaluation, Request, Status, nothing_to_check

HANG = Expression.parse("x + y + 1")
OUT_OF_MEMORY = Expression.parse("x + y + 2")
DIE = Expression.parse("x + y + 3")
RAISE = Expression.parse("x + y + 4")
SLOW = Expression.parse("x + y + 5")


def ordinary(count: int) -> list[Expression]:
    """Losses whose trainings end well, all different."""
    return [Expression.parse(f"x - y*{number}") for number in range(10, 10 + count)]


def fitness_of(loss: Expression) -> float:
    """Of a training that ends well."""
    return (hash(loss.nodes[-1]) % 97) / 97


@dataclasses.dataclass(frozen=True)
class ScriptedTask:
    """Each special loss misbehaves `times` times, over all workers, and ends well after that.

    Attributes:
        folder: Where the times are counted, and every training leaves a line.
        times: How often; many for always.
        seconds: That an ordinary training takes.
        broken: Whether not even a trainer can be made.
    """

    folder: str
    times: int = 1_000
    seconds: float = 0.0
    broken: bool = False
    threads: int = 1
    lanes: int = 1

    @property
    def description(self) -> dict[str, Any]:
        """What tells studies of such tasks apart."""
        return {"times": self.times}

    def prepare_process(self) -> None:
        """Needs nothing."""

    def make_trainer(self) -> ScriptedTask:
        """Itself, or an error if it is broken."""
        if self.broken:
            raise OSError("no such table")
        return self

    def evaluate(
        self, request: Request, check: Callable[[], None] = nothing_to_check
    ) -> Evaluation:
        """Leaves its line, misbehaves if it is the loss's turn, and gives `fitness_of`."""
        log = pathlib.Path(self.folder, "trainings.txt")
        with log.open("a") as file:
            file.write(f"{request.loss}\n")
        if request.loss in MISBEHAVIOUR:
            earlier = log.read_text().splitlines().count(str(request.loss)) - 1
            if earlier < self.times:
                MISBEHAVIOUR[request.loss](check)
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            check()
            time.sleep(0.005)
        fitness = fitness_of(request.loss)
        return Evaluation(request.candidate, request.seed, fitness, Status.OK, 1, 0.0)

    def evaluate_many(
        self,
        requests: Iterator[Request | None],
        check: Callable[[], None] = nothing_to_check,
    ) -> Iterator[tuple[Request, Evaluation]]:
        """As `evaluate`."""
        return in_lanes(requests, self.lanes, lambda running: self.evaluate(running[-1], check))

    def trainings(self) -> list[str]:
        """Losses in the order in which their trainings began."""
        return pathlib.Path(self.folder, "trainings.txt").read_text().splitlines()


def in_lanes(
    requests: Iterator[Request | None], lanes: int, train: Callable[[Sequence[Request]], Evaluation]
) -> Iterator[tuple[Request, Evaluation]]:
    """As `evaluate_many` of a trainer; of what is in the lanes, the last comes to its end first.

    Args:
        requests: What to train.
        lanes: How many side by side.
        train: Called with all that is in the lanes; it trains the last.
    """
    running: list[Request] = []
    while True:
        while len(running) < lanes and (request := next(requests, None)) is not None:
            running.append(request)
        if not running:
            return
        evaluation = train(running)
        yield running.pop(), evaluation


def _hang(check: Callable[[], None]) -> None:
    time.sleep(30.0)


def _out_of_memory(check: Callable[[], None]) -> None:
    raise MemoryError("no room for 8 GiB")


def _die(check: Callable[[], None]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _raise(check: Callable[[], None]) -> None:
    raise KeyError("a layer's mistake")


def _slow(check: Callable[[], None]) -> None:
    while True:
        check()
        time.sleep(0.005)


MISBEHAVIOUR: dict[Expression, Callable[[Callable[[], None]], None]] = {
    HANG: _hang,
    OUT_OF_MEMORY: _out_of_memory,
    DIE: _die,
    RAISE: _raise,
    SLOW: _slow,
}
