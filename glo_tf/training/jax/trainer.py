"""The trainer in JAX: as many networks side by side as it has lanes, each with its own loss."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.operations import Operation
from glo_tf.expressions.program import instruction_set
from glo_tf.training.batches import batch_order
from glo_tf.training.beginning import begin
from glo_tf.training.candidate import Candidate
from glo_tf.training.jax.lane_training import Asked, LaneTraining, MeasuredData
from glo_tf.training.jax.loop import Advance, LaneLoop, Lanes, lane_variables
from glo_tf.training.jax.programs import LanePrograms, terms_and_slopes
from glo_tf.training.trial import Evaluation, Request, nothing_to_check

if TYPE_CHECKING:
    from glo_tf.training.task import TrainingTask

_SECONDS_PER_CALL = 0.2
_MOST_PAUSED = 32  # trainings a lane whose state is held in memory


class JaxTrainer:
    """Trains networks side by side and measures their fitness.

    Every training begins with the variables that its seed gives, so a result depends on nothing but
    its request: neither on what trained before nor on its neighbours.

    Args:
        task: What to train, and how; see `TrainingTask.define`.
        lanes: How many networks train side by side.
    """

    def __init__(self, task: TrainingTask, lanes: int = 1):
        self.task = task
        self.lanes = lanes
        model, optimizer, self._rate = begin(task, seed=0)
        self._loop = LaneLoop(
            model,
            task.outputs,
            optimizer,
            self._rate,
            task.train_data,
            task.train_weights,
            task.train_valid,
        )
        self._validation = MeasuredData(task, task.validation_data)
        self._test = None if task.test_data is None else MeasuredData(task, task.test_data)
        self._pace = 1  # steps per call
        self._paused: dict[tuple[Candidate, int], tuple[int, list[jax.Array]]] = {}
        # Bounded: a comparison may take many seeds.
        self._initial = functools.lru_cache(maxsize=32)(self._initial_values)
        self._batches = functools.lru_cache(maxsize=4)(self._stacked_batches)
        self._advance = functools.lru_cache(maxsize=2)(self._compile)

    def evaluate(
        self, request: Request, check: Callable[[], None] = nothing_to_check
    ) -> Evaluation:
        """Trains a network with the request's candidate and measures its fitness.

        Args:
            request: What to train.
            check: Called several times a second; what it raises ends the training.

        Returns:
            The evaluation; a pure function of the request (up to `seconds`).

        Raises:
            ValueError: If a checkpoint lies beyond the training's end.
        """
        return next(self.evaluate_many([request], check))

    def evaluate_many(
        self, requests: Iterable[Request], check: Callable[[], None] = nothing_to_check
    ) -> Iterator[Evaluation]:
        """Trains as many of the requests side by side as there are lanes.

        A lane whose training has ended takes the next request, which is asked for only then.

        Args:
            requests: What to train.
            check: Called several times a second; what it raises ends the trainings.

        Yields:
            The evaluations, as trainings end.

        Raises:
            ValueError: If a checkpoint lies beyond the training's end.
        """
        waiting = iter(requests)
        log_y = bool(self.task.outputs.from_logits.any())
        programs = LanePrograms(self.lanes, log_y=log_y)
        running: dict[int, LaneTraining] = {}
        free = list(range(self.lanes))[::-1]
        lanes = self._loop.empty(self._initial(0), jnp.zeros(self.lanes))
        while True:
            while free and (request := next(waiting, None)) is not None:
                training, done, values = self._begun(request)
                lane = free.pop()
                running[lane] = training
                lanes = self._loop.put(lanes, lane, values, done)
                programs.set(lane, request.loss)
            if not running:
                return
            lanes = self._run(lanes, programs, running, check)
            steps, finite = np.asarray(lanes.step), np.asarray(lanes.finite)
            stopped = {
                lane: training
                for lane, training in running.items()
                if not finite[lane] or steps[lane] >= training.goal
            }
            # All that the device has to do, before the first answer is waited for.
            asked = {
                lane: self._ask(training, int(steps[lane]), self._loop.get(lanes, lane))
                for lane, training in stopped.items()
                if finite[lane]
            }
            for lane, training in stopped.items():
                evaluation = training.judged(asked.get(lane), int(steps[lane]))
                if evaluation is not None:
                    del running[lane]
                    free.append(lane)
                    yield evaluation

    def _begun(self, request: Request) -> tuple[LaneTraining, int, list[jax.Array]]:
        """A training, the step at which it begins or goes on, and the variables there."""
        total = min(request.train_steps or self.task.train_steps, self.task.train_steps)
        checkpoints = request.checkpoints
        if checkpoints and checkpoints[-1] > total:
            raise InvalidArgumentError(
                f"Expected checkpoints within {total} steps. Received: checkpoints={checkpoints}"
            )
        done, values = 0, None
        if not request.stop_at_chance and not checkpoints:
            done, values = self._paused.pop((request.candidate, request.seed), (0, None))
        if values is None or done > total:
            done, values = 0, list(self._initial(request.seed))
            rate = self._rate.value(request.candidate.hyperparameters.learning_rate)
            values[self._loop.place_of_rate] = jnp.float32(rate)
        training = LaneTraining(self.task, request, total, self._validation, self._test)
        return training, done, values

    def _run(
        self,
        lanes: Lanes,
        programs: LanePrograms,
        running: Mapping[int, LaneTraining],
        check: Callable[[], None],
    ) -> Lanes:
        """Trains until a lane has come to its goal, or has met a value that is not finite."""
        seeds = sorted({training.request.seed for training in running.values()})
        goals, which = np.zeros((2, self.lanes), np.int32)
        for lane, training in running.items():
            goals[lane], which[lane] = training.goal, seeds.index(training.request.seed)
        batches = self._batches(tuple(seeds))
        advance = self._advance(instruction_set())
        loss = programs.arrays(running)
        while True:
            check()
            began, before = time.perf_counter(), np.asarray(lanes.step)
            lanes = advance(lanes, goals, np.int32(self._pace), batches, which, loss)
            steps, finite = np.asarray(lanes.step), np.asarray(lanes.finite)
            done = max(1, int((steps - before).max()))
            self._pace = max(1, int(_SECONDS_PER_CALL * done / (time.perf_counter() - began)))
            if any(steps[lane] >= goals[lane] or not finite[lane] for lane in running):
                return lanes

    def _ask(self, training: LaneTraining, step: int, values: list[jax.Array]) -> Asked:
        """Asks the device what is to be known of a training that has come to a goal."""
        asked = Asked()
        if step == training.look:
            asked.looked, _ = self._loop.predict(values, self._validation.some)
        if step in training.measured_at:
            if step == training.total < self.task.train_steps:
                self._pause(training.request, step, values)
            finished = self._loop.finished(values)
            asked.validation, asked.sound = self._loop.predict(finished, self._validation.samples)
            if self._test is not None and step in training.request.checkpoints:
                asked.test, _ = self._loop.predict(finished, self._test.samples)
        return asked

    def _pause(self, request: Request, done: int, values: list[jax.Array]) -> None:
        """Keeps the state of a shorter training, for a longer one to go on from."""
        self._paused[request.candidate, request.seed] = done, values
        if len(self._paused) > _MOST_PAUSED * self.lanes:
            self._paused.pop(next(iter(self._paused)))

    def _initial_values(self, seed: int) -> list[jax.Array]:
        return [variable.value for variable in lane_variables(*begin(self.task, seed))]

    def _stacked_batches(self, seeds: tuple[int, ...]) -> jax.Array:
        task = self.task
        samples = len(task.train_data[1])
        orders = [batch_order(samples, task.batch_size, task.train_steps, s) for s in seeds]
        # Few sizes, as each is compiled for.
        size = 1 << (len(seeds) - 1).bit_length()
        return jnp.asarray(np.stack([*orders, *[orders[0]] * (size - len(orders))]))

    def _compile(self, _: tuple[Operation, ...]) -> Advance:
        """Trainings with any trees of the given operations."""
        return self._loop.compile(terms_and_slopes)
