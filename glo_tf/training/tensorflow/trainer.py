"""The candidate trainer: a whole shortened training in compiled functions, reused by the next."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from glo_tf.data.held_out import HeldOut
from glo_tf.expressions.leaves import LABEL_AND_PREDICTION, Surroundings
from glo_tf.expressions.leaves_seen import leaves_seen
from glo_tf.expressions.operations import Operation
from glo_tf.expressions.over_outputs import over_outputs
from glo_tf.expressions.prefix import Node
from glo_tf.expressions.program import Layout, Program, instruction_set
from glo_tf.expressions.seen_by_loss import LogPrediction
from glo_tf.expressions.tree import Expression
from glo_tf.training.batches import batch_order
from glo_tf.training.beginning import begin
from glo_tf.training.paused import PausedTrainings
from glo_tf.training.running import Found, MeasuredData, RunningTraining
from glo_tf.training.tensorflow.interpreter import interpret, tensors
from glo_tf.training.tensorflow.loop import Steps, TermsAndSlopes, TrainingLoop
from glo_tf.training.tensorflow.resident_data import ResidentData
from glo_tf.training.tensorflow.translator import translate
from glo_tf.training.trial import Evaluation, Request, nothing_to_check

if TYPE_CHECKING:
    from glo_tf.training.task import TrainingTask

_CAPACITY = 64  # nodes of the largest tree that shares the first compilation
_SECONDS_PER_CALL = 0.2
_MOST_PAUSED = 32  # trainings whose state is held in memory
_MOST_TRANSLATED = 32  # losses of other trees that are compiled; the library's take turns


class CandidateTrainer:
    """Trains one network per candidate and measures its fitness.

    Model and optimizer are built once. Every evaluation first resets all of their variables
    (weights, normalisation statistics, optimizer slots, dropout seeds) to the values that its seed
    gives, so a result depends on nothing but the arguments of `evaluate`. Layers that draw from
    TensorFlow's global generator instead of a `keras.random.SeedGenerator` escape this.

    Args:
        task: What to train, and how; see `TrainingTask.define`.
    """

    def __init__(self, task: TrainingTask):
        self.task = task
        self._model, self._optimizer, self._learning_rate = begin(task, seed=0)
        self._train_data = ResidentData.place(
            *task.train_data, task.train_weights, task.train_valid
        )
        self._validation = _HeldOut(task, task.validation_data)
        self._test = None if task.test_data is None else _HeldOut(task, task.test_data)
        self._loop = TrainingLoop(
            self._model,
            task.outputs,
            self._optimizer,
            self._train_data,
            self._validation.data,
            train_steps=task.train_steps,
            jit_compile=task.jit_compile,
        )
        self._batches_spec = tf.TensorSpec([task.train_steps, task.batch_size], tf.int32)
        self._pace = 1  # steps per call
        self._paused = PausedTrainings[list[tf.Tensor]](_MOST_PAUSED)
        # Bounded: a comparison may take many seeds, and a long search many trees.
        self._initial = functools.lru_cache(maxsize=8)(self._initial_values)
        self._batches = functools.lru_cache(maxsize=8)(self._batch_indices)
        self._translator = functools.lru_cache(maxsize=_MOST_TRANSLATED)(self._compile_translator)
        self._interpreter = functools.lru_cache(maxsize=4)(self._compile_interpreter)

    def evaluate(
        self, request: Request, check: Callable[[], None] = nothing_to_check
    ) -> Evaluation:
        """Trains a network with the request's candidate and measures its fitness.

        If no node of the loss but the root has a coefficient, or the task compiles no trees, the
        loss is interpreted, else translated. A training that is to be stopped at chance looks after
        `early_stopping.CHECK_AT` of the task's steps, if that has `early_stopping.FEWEST_STEPS`.
        One that goes on from a shorter one ends as if it had begun anew.

        Args:
            request: What to train.
            check: Called several times a second; what it raises ends the training.

        Returns:
            The evaluation; a pure function of the request (up to `seconds`).

        Raises:
            ValueError: If a checkpoint lies beyond the training's end.
        """
        training = RunningTraining(self.task, request, self._validation, self._test)
        paused = self._paused.take(request, training.total, training.look)
        if paused is not None:
            training.go_on(paused[0])
        done, state = paused or (0, self._initial(request.seed))
        self._loop.restore(state)
        self._learning_rate.set(request.candidate.hyperparameters.learning_rate)
        steps, arguments = self._compiled(request.loss)
        arguments = (self._batches(request.seed), *arguments)
        while True:
            done, finite = self._advance(steps, arguments, done, training.goal, check)
            evaluation = training.judged(self._found(training) if finite else None, done)
            if evaluation is not None:
                return evaluation

    def _found(self, training: RunningTraining) -> Found:
        """What is to be known of a training that has come to its goal."""
        found = Found()
        if training.looked_at:
            found.looked = self._loop.look().numpy()
        if training.pauses:
            self._paused.keep(training.request, training.look, training.goal, self._state())
        if training.measured:
            with self._finished(for_good=training.goal == training.total):
                columns, sound = self._loop.predict(self._validation.data)
                found.validation, found.sound = columns.numpy(), bool(sound)
                if self._test is not None and training.measures_test:
                    columns, _ = self._loop.predict(self._test.data)
                    found.test = columns.numpy()
        return found

    @contextlib.contextmanager
    def _finished(self, *, for_good: bool) -> Iterator[None]:
        """The network as it is if the training ends here.

        Unless that is for good, the training can then go on as if nothing had happened.
        """
        state = [] if for_good else self._state()
        self._loop.finish()
        yield
        if not for_good:
            self._loop.restore(state)

    def _advance(
        self,
        steps: Steps,
        arguments: tuple[tf.Tensor, ...],
        start: int,
        end: int,
        check: Callable[[], None],
    ) -> tuple[int, tf.Tensor | bool]:
        """Trains up to `end`, in calls short enough for Ctrl-C, which Python sees between them."""
        batches, *others = arguments
        while start < end:
            check()
            goal = min(end, start + self._pace)
            began = time.perf_counter()
            reached, finite = steps(batches, tf.constant(start), tf.constant(goal), *others)
            done = int(reached) - start
            self._pace = max(1, int(_SECONDS_PER_CALL * done / (time.perf_counter() - began)))
            start += done
            if not finite:
                return start, False
        return start, True

    def _state(self) -> list[tf.Tensor]:
        return [tf.identity(v.value) for v in self._loop.variables]

    def _initial_values(self, seed: int) -> list[tf.Tensor]:
        model, optimizer, _ = begin(self.task, seed)
        return [tf.identity(v.value) for v in (*model.variables, *optimizer.variables)]

    def _batch_indices(self, seed: int) -> tf.Tensor:
        task = self.task
        order = batch_order(len(self._train_data), task.batch_size, task.train_steps, seed)
        return tf.constant(order)

    def _compiled(self, loss: Expression) -> tuple[Steps, tuple[tf.Tensor, ...]]:
        """The compiled training that serves this loss, and what it takes beside the batches."""
        has_coefficients = any(factor != 1.0 for factor in loss.coefficients[1:])
        if has_coefficients and self.task.compiles_trees:
            coefficients = tf.constant(loss.coefficients, tf.float32)
            return self._translator(loss.nodes), (coefficients,)
        capacity = max(_CAPACITY, 1 << (loss.size - 1).bit_length())
        outputs = self.task.outputs
        log_y = bool(outputs.from_logits.any())
        program = Program.of(loss, capacity=capacity, log_y=log_y, seen=leaves_seen(outputs))
        # Compiled again if a node was registered since: the program may use it.
        operations = instruction_set(across=program.layout.across)
        return self._interpreter(capacity, program.layout, operations), tensors(program)

    def _compile_interpreter(
        self, capacity: int, layout: Layout, _: tuple[Operation, ...]
    ) -> Steps:
        """Any tree of at most `capacity` nodes, of the given operations and such registers."""
        interpreter = functools.partial(interpret, layout=layout)
        return self._loop.compile(
            self._by_output(interpreter) if layout.across else interpreter,
            self._batches_spec,
            tf.TensorSpec([capacity, 6], tf.int32),
            tf.TensorSpec([capacity, 3], tf.float32),
            tf.TensorSpec([], tf.int32),
            sees=layout.leaves != LABEL_AND_PREDICTION,
        )

    def _compile_translator(self, nodes: tuple[Node, ...]) -> Steps:
        """One tree, with any coefficients."""
        tree = Expression(nodes)
        leaves_seen(self.task.outputs, tree)
        translator = functools.partial(translate, tree)
        return self._loop.compile(
            self._by_output(translator) if tree.across else translator,
            self._batches_spec,
            tf.TensorSpec([len(nodes)], tf.float32),
            sees=bool(tree.surroundings),
        )

    def _by_output(self, loss: TermsAndSlopes) -> TermsAndSlopes:
        """A loss that looks across the classes of an output, as one of all columns."""

        def of_columns(
            y_true: tf.Tensor,
            y_pred: tf.Tensor,
            *arguments: tf.Tensor,
            log_y: LogPrediction | None,
            surroundings: Surroundings | None = None,
        ) -> tuple[tf.Tensor, tf.Tensor]:
            def of_output(
                y_true: tf.Tensor,
                y_pred: tf.Tensor,
                log_y: LogPrediction | None,
                around: Surroundings | None,
            ) -> tuple[tf.Tensor, tf.Tensor]:
                return loss(y_true, y_pred, *arguments, log_y=log_y, surroundings=around)

            return over_outputs(
                self.task.outputs, keras.ops, of_output, y_true, y_pred, log_y, surroundings
            )

        return of_columns


class _HeldOut(MeasuredData):
    """Held-out data with its samples on the device."""

    def __init__(self, task: TrainingTask, data: HeldOut):
        super().__init__(task, data)
        self.data = ResidentData.place(data.samples, data.labels[:, :0])  # only predicted
