"""The trainer in JAX: as many networks side by side as it has lanes, each with its own loss."""

from __future__ import annotations

import collections
import functools
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from glo_tf.errors import is_out_of_memory
from glo_tf.expressions.leaves import LABEL_AND_PREDICTION
from glo_tf.expressions.operations import Operation
from glo_tf.expressions.program import Layout, instruction_set
from glo_tf.training.batches import batch_order
from glo_tf.training.beginning import begin
from glo_tf.training.jax.lane_memory import free_bytes
from glo_tf.training.jax.lanes import Lanes, LaneVariables
from glo_tf.training.jax.loop import Advance, LaneLoop
from glo_tf.training.jax.prediction import LanePrediction, PredictedData
from glo_tf.training.jax.programs import LanePrograms, terms_and_slopes
from glo_tf.training.paused import PausedTrainings
from glo_tf.training.running import Found, RunningTraining
from glo_tf.training.trial import Evaluation, Request, nothing_to_check

if TYPE_CHECKING:
    from glo_tf.data.arrays import Structure
    from glo_tf.training.task import TrainingTask

_SECONDS_PER_CALL = 0.2
_MOST_PREDICTED = 64  # networks in one call
_MOST_PAUSED = 32  # trainings a lane whose state is held in memory
_SHARE_OF_PAUSED = 0.125  # of what memory is free

logger = logging.getLogger("glo_tf")


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
        outputs = task.outputs
        self._variables = LaneVariables(model, optimizer, self._rate)
        self._loop = LaneLoop(
            model,
            outputs,
            optimizer,
            self._variables,
            task.train_data,
            task.train_weights,
            task.train_valid,
            train_steps=task.train_steps,
        )
        self._prediction = LanePrediction(model, outputs, optimizer, self._variables)
        self._validation = PredictedData(task, task.validation_data)
        self._test = None if task.test_data is None else PredictedData(task, task.test_data)
        self._pace = 1  # steps per call
        self._forget()

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
        _, evaluation = next(self.evaluate_many(iter([request]), check))
        return evaluation

    def evaluate_many(
        self,
        requests: Iterator[Request | None],
        check: Callable[[], None] = nothing_to_check,
    ) -> Iterator[tuple[Request, Evaluation]]:
        """Trains as many of the requests side by side as there are lanes.

        A lane whose training has ended takes the next request, which is asked for only then.

        Args:
            requests: What to train; None stands for none at present, and is asked again as long as
                a lane is free, several times a second.
            check: Called several times a second; what it raises ends the trainings.

        Yields:
            Requests with their evaluations, as trainings end. It ends where nothing trains and
            nothing is asked for. Where memory is all taken, trainings under way begin again in half
            as many lanes, from then on.

        Raises:
            ValueError: If a checkpoint lies beyond the training's end.
        """
        waiting: collections.deque[Request] = collections.deque()

        def next_requests() -> Iterator[Request | None]:
            while True:
                yield waiting.popleft() if waiting else next(requests, None)

        while True:
            running: dict[int, RunningTraining] = {}
            try:
                yield from self._trained(next_requests(), running, check)
                return
            except Exception as error:
                if self.lanes == 1 or not is_out_of_memory(error):
                    raise
                reason = str(error).partition("\n")[0]
            # Only now nothing holds what the lanes held.
            waiting.extendleft(reversed([training.request for training in running.values()]))
            self._halve(reason)

    def _trained(
        self,
        requests: Iterator[Request | None],
        running: dict[int, RunningTraining],
        check: Callable[[], None],
    ) -> Iterator[tuple[Request, Evaluation]]:
        """As `evaluate_many`; `running` is what trains, by lane."""
        programs = LanePrograms(self.lanes, self.task.outputs)
        free = list(range(self.lanes))[::-1]
        lanes = self._variables.empty(self.lanes)
        while True:
            begun = {}
            while free and (request := next(requests, None)) is not None:
                lane = free.pop()
                running[lane] = begun[lane] = self._training(request)
                programs.set(lane, request.loss)
            if not running:
                return
            lanes = self._begin(lanes, begun)
            lanes = self._run(lanes, programs, running, check)
            steps, finite = np.asarray(lanes.step), np.asarray(lanes.finite)
            stopped = {
                lane: training
                for lane, training in running.items()
                if not finite[lane] or steps[lane] >= training.goal
            }
            found = self._found(lanes, {at: t for at, t in stopped.items() if finite[at]})
            for lane, training in stopped.items():
                evaluation = training.judged(found.get(lane), int(steps[lane]))
                if evaluation is not None:
                    del running[lane]
                    free.append(lane)
                    yield training.request, evaluation

    def _halve(self, reason: str) -> None:
        before, self.lanes = self.lanes, self.lanes // 2
        logger.warning(
            "Out of memory with %d trainings side by side; from here on %d (%s)",
            before,
            self.lanes,
            reason,
        )
        self._forget()

    def _forget(self) -> None:
        """What is kept to save time."""
        self._paused = PausedTrainings[list[jax.Array]](self._most_paused())
        # Bounded: a comparison may take many seeds.
        self._initial = functools.lru_cache(maxsize=32)(self._initial_values)
        self._stacked_initial = functools.lru_cache(maxsize=2)(self._stack_initial)
        self._batches = functools.lru_cache(maxsize=4)(self._stacked_batches)
        self._advance = functools.lru_cache(maxsize=8)(self._compile)

    def _most_paused(self) -> int:
        """Trainings whose states take no more than their share of the memory."""
        state = max(1, self._variables.bytes)
        return max(1, min(_MOST_PAUSED * self.lanes, int(_SHARE_OF_PAUSED * free_bytes()) // state))

    def _training(self, request: Request) -> RunningTraining:
        return RunningTraining(self.task, request, self._validation, self._test)

    def _begin(self, lanes: Lanes, begun: Mapping[int, RunningTraining]) -> Lanes:
        """Puts trainings into their lanes, as they begin or as they were paused."""
        seeds = tuple(sorted({training.request.seed for training in begun.values()}))
        begins, which = np.zeros(self.lanes, bool), np.zeros(self.lanes, np.int32)
        rates, paused = np.zeros(self.lanes, np.float32), {}
        for lane, training in begun.items():
            request = training.request
            shorter = self._paused.take(request, training.total, training.look)
            if shorter is not None:
                paused[lane] = shorter
                training.go_on(shorter[0])
                continue
            begins[lane], which[lane] = True, seeds.index(request.seed)
            rates[lane] = self._rate.value(request.candidate.hyperparameters.learning_rate)
        if begins.any():
            lanes = self._variables.begin(lanes, begins, which, self._stacked_initial(seeds), rates)
        for lane, (done, values) in paused.items():
            lanes = self._variables.put(lanes, lane, values, done)
        return lanes

    def _run(
        self,
        lanes: Lanes,
        programs: LanePrograms,
        running: Mapping[int, RunningTraining],
        check: Callable[[], None],
    ) -> Lanes:
        """Trains until a lane has come to its goal, or has met a value that is not finite.

        Where a lane is free, for one call only.
        """
        seeds = sorted({training.request.seed for training in running.values()})
        goals, which = np.zeros((2, self.lanes), np.int32)
        for lane, training in running.items():
            goals[lane], which[lane] = training.goal, seeds.index(training.request.seed)
        batches = self._batches(tuple(seeds))
        advance = self._advance(instruction_set(across=True), programs.layouts(running))
        loss = programs.arrays(running)
        while True:
            check()
            began, before = time.perf_counter(), np.asarray(lanes.step)
            lanes = advance(lanes, goals, np.int32(self._pace), batches, which, loss)
            steps, finite = np.asarray(lanes.step), np.asarray(lanes.finite)
            done = max(1, int((steps - before).max()))
            self._pace = max(1, int(_SECONDS_PER_CALL * done / (time.perf_counter() - began)))
            if len(running) < self.lanes or any(
                steps[lane] >= goals[lane] or not finite[lane] for lane in running
            ):
                return lanes

    def _found(self, lanes: Lanes, stopped: Mapping[int, RunningTraining]) -> dict[int, Found]:
        """What is to be known of trainings that have come to their goals."""
        found = {lane: Found() for lane in stopped}
        looked = [lane for lane, training in stopped.items() if training.looked_at]
        measured = [lane for lane, training in stopped.items() if training.measured]
        for lane, columns, _ in self._predicted(lanes, looked, self._validation.some, False):
            found[lane].looked = columns
        for lane, columns, sound in self._predicted(
            lanes, measured, self._validation.samples, True
        ):
            found[lane].validation, found[lane].sound = columns, sound
        if self._test is not None:
            tested = [lane for lane in measured if stopped[lane].measures_test]
            for lane, columns, _ in self._predicted(lanes, tested, self._test.samples, True):
                found[lane].test = columns
        for lane in measured:
            training = stopped[lane]
            if training.pauses:
                state = self._variables.get(lanes, lane)
                self._paused.keep(training.request, training.look, training.total, state)
        return found

    def _predicted(
        self, lanes: Lanes, wanted: Sequence[int], samples: Structure, finished: bool
    ) -> list[tuple[int, np.ndarray, bool]]:
        """Lanes with their predictions, and whether their weights are finite."""
        most = min(self.lanes, _MOST_PREDICTED)
        asked = []  # all that the device has to do, before the first answer is waited for
        for start in range(0, len(wanted), most):
            part = wanted[start : start + most]
            chosen = np.zeros(most, np.int32)
            chosen[: len(part)] = part
            answer = self._prediction.predict(lanes.variables, chosen, len(part), samples, finished)
            asked.append((part, answer))
        return [
            (lane, columns, bool(sound))
            for part, answer in asked
            for lane, columns, sound in zip(part, *map(np.asarray, answer), strict=False)
        ]

    def _initial_values(self, seed: int) -> list[jax.Array]:
        variables = LaneVariables(*begin(self.task, seed))
        return [variable.value for variable in variables.all]

    def _stack_initial(self, seeds: tuple[int, ...]) -> list[jax.Array]:
        of_seeds = [self._initial(seed) for seed in _filled(seeds)]
        return [jnp.stack(parts) for parts in zip(*of_seeds, strict=True)]

    def _stacked_batches(self, seeds: tuple[int, ...]) -> jax.Array:
        task = self.task
        samples = len(task.train_data[1])
        return jnp.stack(
            [
                jnp.asarray(batch_order(samples, task.batch_size, task.train_steps, seed))
                for seed in _filled(seeds)
            ]
        )

    def _compile(self, _: tuple[Operation, ...], layouts: tuple[Layout, ...]) -> Advance:
        """Trainings with any trees of the given operations, for registers of such layouts."""
        loss = functools.partial(terms_and_slopes, self.task.outputs, layouts)
        return self._loop.compile(
            loss, sees=any(layout.leaves != LABEL_AND_PREDICTION for layout in layouts)
        )


def _filled(seeds: tuple[int, ...]) -> tuple[int, ...]:
    """As many as a power of two, as each number of them is compiled for."""
    return (*seeds, *[seeds[0]] * ((1 << (len(seeds) - 1).bit_length()) - len(seeds)))
