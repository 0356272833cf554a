"""What the trainer of every backend has to do."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, ClassVar

import keras
import numpy as np
import pytest

from glo_tf.data.held_out import HeldOut
from glo_tf.data.split import Split
from glo_tf.expressions.tree import Expression
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.losses.progress import TrainingProgress
from glo_tf.metrics.calibration import ECE
from glo_tf.metrics.meter import Meter
from glo_tf.testing.trainer_models import (
    LABELS,
    LABELS_HELD_OUT,
    WEIGHTS,
    X_HELD_OUT,
    Penalized,
    X,
    convolutional,
    dense,
    falling,
    logits,
    normalized,
    number,
    several,
    several_targets,
    with_dropout,
)
from glo_tf.training import fresh_models
from glo_tf.training.batches import batch_order
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.config import TrainingKeywords
from glo_tf.training.in_units import in_units
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import WORTHLESS, Evaluation, Request, Status, Trainer

STEPS, BATCH, SEED = 12, 20, 3
CROSS_ENTROPY = Expression.parse("-(x*log(y))")
WITH_COEFFICIENTS = Expression.parse("-0.5*(2*x*log(y))")
SQUARED_ERROR = Expression.parse("square(x - y)")

optimizers, schedules = keras.optimizers, keras.optimizers.schedules


class TrainerTestCase:
    """Tests of what `TrainingTask.make_trainer` gives with Keras's own backend.

    The reference is `keras.Model.fit`, with the same batches from the same weights.

    Attributes:
        settings: Of all trainings, such as `{"jit_compile": False}`.
    """

    settings: ClassVar[TrainingKeywords] = {}
    _made: ClassVar[dict[Any, Trainer]] = {}

    def task(
        self,
        model: Callable[[], keras.Model] = dense,
        optimizer: Any = "adam",
        targets: Any = (LABELS, LABELS_HELD_OUT),
        **settings: Any,
    ) -> TrainingTask:
        """What is trained.

        Args:
            model: Its builder.
            optimizer: As users give it.
            targets: Of the training and of the validation data.
            **settings: Of `TrainingTask.define`; `weights` are those of the training samples.
        """
        weights = settings.pop("weights", None)
        train_data = (X, targets[0]) if weights is None else (X, targets[0], weights)
        given = {"train_steps": STEPS, "batch_size": BATCH, **self.settings, **settings}
        return TrainingTask.define(model, optimizer, train_data, (X_HELD_OUT, targets[1]), **given)

    @pytest.fixture
    def trainer(self) -> Trainer:
        """One for many tests: what it did before changes nothing. It measures to the last bit."""
        kind = type(self)
        if kind not in self._made:
            metric = "categorical_crossentropy"
            self._made[kind] = self.task(with_dropout, metric=metric).make_trainer()
        return self._made[kind]

    def check(
        self,
        task: TrainingTask,
        optimizer: keras.Optimizer,
        loss: Expression = WITH_COEFFICIENTS,
        *,
        targets: Any = LABELS,
        sample_weight: np.ndarray | None = None,
        rate: float | None = None,
        steps: int = 4,
    ) -> None:
        """Compares some steps of a training with those of Keras.

        Args:
            task: What is trained.
            optimizer: Of the reference.
            loss: That both train with.
            targets: Of the reference, as the task has them.
            sample_weight: Of the reference.
            rate: Of the candidate.
            steps: How many.
        """
        candidate = Candidate(loss, Hyperparameters(rate))
        request = Request(candidate, SEED, train_steps=steps, checkpoints=(1, steps))
        ours = task.make_trainer().evaluate(request)
        model = fresh_models.build(task.model, X, SEED)
        held_out = {Split.VALIDATION: task.validation_data}
        if task.test_data is not None:
            held_out[Split.TEST] = task.test_data
        before = {split: _measured(task, data, model) for split, data in held_out.items()}
        outputs = task.outputs
        options = outputs.options_with(frequencies=loss.needs("frequencies"))
        losses = [ExpressionLoss(loss, **of_one) for of_one in options]
        callbacks = [TrainingProgress(STEPS)] if loss.needs("progress") else []
        eagerly = keras.backend.backend() == "tensorflow"  # which takes longer to trace it
        compiled = in_units(model, outputs)  # of the same weights
        compiled.compile(optimizer, outputs.restore(losses), run_eagerly=eagerly)
        order = batch_order(len(X), BATCH, STEPS, SEED)[:steps].ravel()
        x, y, weights = keras.tree.map_structure(
            lambda part: None if part is None else part[order], (X, targets, sample_weight)
        )
        compiled.fit(
            x, y, BATCH, shuffle=False, verbose=0, sample_weight=weights, callbacks=callbacks
        )
        assert ours.status == Status.OK
        for split, data in held_out.items():
            theirs = _measured(task, data, model)
            found = {name: ours.measured[split][name][-1] for name in theirs}
            assert found == pytest.approx(theirs, rel=2e-4, abs=1e-6)
            assert theirs != pytest.approx(before[split], rel=2e-3, abs=1e-5)

    @pytest.mark.parametrize(
        ("model", "make"),
        [
            (dense, lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.5)),
            (dense, lambda: optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)),
            (dense, lambda: optimizers.Adam(0.01, amsgrad=True)),
            (dense, lambda: optimizers.Nadam(0.01)),
            (normalized, lambda: optimizers.AdamW(0.01, weight_decay=0.1)),
            (convolutional, lambda: optimizers.RMSprop(0.01, centered=True)),
            (Penalized, lambda: optimizers.Adamax(0.01)),
        ],
    )
    def test_models_and_optimizers_train_as_in_keras(
        self, model: Callable[[], keras.Model], make: Callable[[], keras.Optimizer]
    ) -> None:
        """Models with statistics, and terms of the loss; optimizers with slots, averages, clipping.

        They are measured on their way, and on test data, too.
        """
        test_data = X_HELD_OUT[::2], LABELS_HELD_OUT[::2]
        self.check(self.task(model, make(), test_data=test_data), make())

    def test_outputs_of_all_kinds_are_trained_as_in_keras(self) -> None:
        """Classes, a flag and a number, which is standardised, in one model."""
        targets = several_targets(LABELS), several_targets(LABELS_HELD_OUT)
        task = self.task(several, optimizers.SGD(0.05), targets)
        self.check(task, optimizers.SGD(0.05), SQUARED_ERROR, targets=targets[0])

    def test_logits_are_trained_as_in_keras(self) -> None:
        """With the loss of their probabilities."""
        task = self.task(logits, optimizers.SGD(0.1), from_logits=True)
        self.check(task, optimizers.SGD(0.1))

    @pytest.mark.parametrize(
        ("given", "decay", "expected"),
        [(0.1, "cosine", schedules.CosineDecay(0.5, STEPS)), (falling(0.1), "none", falling(0.5))],
    )
    def test_learning_rates_are_the_candidates_own_and_fall(
        self, given: Any, decay: str, expected: Any
    ) -> None:
        """A number or a schedule, which a candidate's rate multiplies, and the decay over it."""
        task = self.task(dense, optimizers.SGD(given), learning_rate_decay=decay)
        self.check(task, optimizers.SGD(expected), rate=0.5, steps=STEPS)

    def test_samples_are_weighted_as_in_keras(self) -> None:
        """By weights of their own, and of their classes."""
        of_classes = {0: 2.0, 2: 0.5}
        task = self.task(dense, optimizers.SGD(0.1), weights=WEIGHTS, class_weight=of_classes)
        of_labels = np.array([of_classes.get(int(label), 1.0) for label in LABELS], np.float32)
        self.check(task, optimizers.SGD(0.1), sample_weight=WEIGHTS * of_labels)

    @pytest.mark.parametrize(
        "text",
        [
            "-(x*log(y*n/total(y*n))*(1 + t))",
            "-2.0*(x*log(y*n/total(1.5*(y*n)))*(1 + t/C))",
            "-(x*log(y)*w/n)",
        ],
    )
    def test_losses_see_what_surrounds_them_as_in_keras(self, text: str) -> None:
        """Frequencies of classes, progress, weights and the number of classes; sums over these."""
        loss, labels = Expression.parse(text), np.where(np.arange(len(X)) % 4, 0, LABELS)
        weights = WEIGHTS if loss.needs("weights") else None
        make = functools.partial(optimizers.SGD, 0.05)
        task = self.task(dense, make(), (labels, LABELS_HELD_OUT), weights=weights)
        assert task.outputs.frequencies == pytest.approx(np.bincount(labels) / len(X), abs=0.02)
        self.check(task, make(), loss, targets=labels, sample_weight=weights)

    def test_losses_of_several_outputs_see_the_classes_of_each(self) -> None:
        """A sum ends with the classes of an output, also beside numbers."""
        targets = several_targets(LABELS), several_targets(LABELS_HELD_OUT)
        task = self.task(several, optimizers.SGD(0.05), targets)
        loss = Expression.parse("square(x - y)*total(1)/C + total(square(x - y))")
        self.check(task, optimizers.SGD(0.05), loss, targets=targets[0])
        with pytest.raises(ValueError, match=r"frequencies.*Received: frequencies=None"):
            task.make_trainer().evaluate(Request(Candidate(Expression.parse("n*x*y")), SEED))

    def test_an_evaluation_depends_on_its_request_alone(self, trainer: Trainer) -> None:
        """Not on what was trained before, with other losses, seeds and rates, or how it ended."""
        request = Request(Candidate(CROSS_ENTROPY), SEED, checkpoints=(1, STEPS))
        first = trainer.evaluate(request)
        others = [
            Request(Candidate(Expression.parse("-(log(y) - x/y)")), SEED),
            Request(Candidate(WITH_COEFFICIENTS), SEED),
            Request(Candidate(Expression.parse("log(x - y)")), SEED),
            Request(Candidate(CROSS_ENTROPY), SEED + 1),
            Request(Candidate(CROSS_ENTROPY, Hyperparameters(0.5)), SEED),
            Request(Candidate(CROSS_ENTROPY), SEED, train_steps=5),
            Request(Candidate(Expression.parse("-(x*log(y*n/total(y*n))*(1 + t))")), SEED),
        ]
        results = [trainer.evaluate(other) for other in others]
        assert len({first.fitness, *(result.fitness for result in results)}) == 8 - (
            first.fitness == results[1].fitness
        )
        assert trainer.evaluate(request) == first
        metric = "categorical_crossentropy"
        assert self.task(with_dropout, metric=metric).make_trainer().evaluate(request) == first

    def test_coefficients_make_no_other_loss(self, trainer: Trainer) -> None:
        """A loss with them is the same function, however it is compiled."""
        first, second = (
            trainer.evaluate(Request(Candidate(loss), SEED))
            for loss in (CROSS_ENTROPY, WITH_COEFFICIENTS)
        )
        assert first.fitness == pytest.approx(second.fitness, rel=1e-4)

    def test_large_trees_are_trained_too(self, trainer: Trainer) -> None:
        """Larger than what most candidates are compiled for."""
        large = Expression.parse("-(x*log(y))" + " + 0*y" * 40)
        first, second = (
            trainer.evaluate(Request(Candidate(loss), SEED)) for loss in (CROSS_ENTROPY, large)
        )
        assert first.fitness == pytest.approx(second.fitness, rel=1e-4)

    def test_a_longer_training_goes_on_where_a_shorter_one_ended(self, trainer: Trainer) -> None:
        """With the same bits, whatever is trained in between; and the shorter is its beginning."""
        whole = Request(Candidate(CROSS_ENTROPY), SEED + 5)
        steps = (STEPS // 3, STEPS // 2)
        measured = dataclasses.replace(whole, checkpoints=(*steps, STEPS))
        expected = trainer.evaluate(measured)
        ends = expected.measured[Split.VALIDATION]["categorical_crossentropy"]
        for place, until in enumerate(steps):
            shorter = trainer.evaluate(dataclasses.replace(whole, train_steps=until))
            assert shorter.values == {"categorical_crossentropy": ends[place]}
            assert shorter.steps == until
            trainer.evaluate(Request(Candidate(SQUARED_ERROR), SEED))
        ended = trainer.evaluate(whole)
        assert (ended.steps, ended.values) == (STEPS, expected.values)

    def test_measuring_on_the_way_changes_no_bit_of_a_training(self, trainer: Trainer) -> None:
        """And the last of what is measured is what the training ends with."""
        plain = Request(Candidate(CROSS_ENTROPY), SEED)
        expected = trainer.evaluate(plain)
        measured = trainer.evaluate(dataclasses.replace(plain, checkpoints=(1, 7, STEPS)))
        assert expected.measured == {}
        assert dataclasses.replace(measured, measured={}) == expected
        assert list(measured.measured) == ["validation"]
        found = measured.measured[Split.VALIDATION]
        assert list(found) == ["categorical_crossentropy", "nll", "ece"]
        assert found["categorical_crossentropy"][-1] == expected.values["categorical_crossentropy"]
        assert all(len(set(values)) == 3 for values in found.values())

    @pytest.mark.parametrize("text", ["log(x - y)", "sqrt(y - y)*x", "x*y/(y - y)"])
    def test_a_loss_that_is_not_finite_ends_the_training(self, trainer: Trainer, text: str) -> None:
        """With fitness 0, before its time."""
        ended = trainer.evaluate(Request(Candidate(Expression.parse(text)), SEED))
        _check_failed(ended)
        assert ended.steps < STEPS

    def test_weights_that_are_not_finite_end_it_though_the_loss_is_finite(
        self, trainer: Trainer
    ) -> None:
        """`sqrt(y - y)` is 0, with an infinite slope, so the loss of the only step is finite."""
        loss = Expression.parse("x + sqrt(y - y)")
        _check_failed(trainer.evaluate(Request(Candidate(loss), SEED, train_steps=1)))

    def test_what_was_measured_before_a_training_failed_is_kept(self) -> None:
        """None where it had failed by then."""
        numbers = LABELS + 0.5, LABELS_HELD_OUT + 0.5
        trainer = self.task(number, optimizers.SGD(1e7), numbers).make_trainer()
        ended = trainer.evaluate(Request(Candidate(SQUARED_ERROR), SEED))
        _check_failed(ended)
        assert 1 < ended.steps < STEPS
        checkpoints = (1, ended.steps + 1, STEPS)
        again = trainer.evaluate(Request(Candidate(SQUARED_ERROR), SEED, checkpoints=checkpoints))
        assert (again.status, again.steps) == (ended.status, ended.steps)
        assert [len(values) for values in again.measured[Split.VALIDATION].values()] == [1]

    def test_a_training_at_chance_is_ended_early_if_asked(self) -> None:
        """After a quarter of its steps, in one go or not; one that learns is what it is without."""
        trainer = self.task(dense, optimizers.SGD(0.3), train_steps=100).make_trainer()
        hopeless, learning = Candidate(Expression.parse("x*log(y)")), Candidate(CROSS_ENTROPY)
        stopped = trainer.evaluate(Request(hopeless, SEED, stop_at_chance=True))
        assert (stopped.status, stopped.steps, stopped.fitness) == (Status.STOPPED, 25, WORTHLESS)
        assert trainer.evaluate(Request(hopeless, SEED)).steps == 100
        plain = trainer.evaluate(Request(learning, SEED))
        assert trainer.evaluate(Request(learning, SEED, stop_at_chance=True)) == plain

        def train(steps: int, candidate: Candidate) -> tuple[Status, int]:
            request = Request(candidate, SEED + 1, train_steps=steps, stop_at_chance=True)
            ended = trainer.evaluate(request)
            return ended.status, ended.steps

        # One that goes on from a shorter training does as a whole one.
        assert [train(steps, hopeless) for steps in (11, 33)] == [
            (Status.OK, 11),
            (Status.STOPPED, 25),
        ]
        assert [train(steps, learning) for steps in (11, 33)] == [(Status.OK, 11), (Status.OK, 33)]

    def test_what_a_check_raises_ends_a_training_and_the_trainer_goes_on(
        self, trainer: Trainer
    ) -> None:
        """Such as a limit of time, or Ctrl-C."""

        class _OverError(Exception):
            pass

        def check() -> None:
            raise _OverError

        expected = trainer.evaluate(Request(Candidate(CROSS_ENTROPY), SEED))
        with pytest.raises(_OverError):
            trainer.evaluate(Request(Candidate(CROSS_ENTROPY), SEED), check)
        assert trainer.evaluate(Request(Candidate(CROSS_ENTROPY), SEED)) == expected

    def test_checkpoints_after_the_end_are_refused(self, trainer: Trainer) -> None:
        """With their numbers."""
        request = Request(Candidate(CROSS_ENTROPY), SEED, checkpoints=(STEPS, STEPS + 1))
        with pytest.raises(ValueError, match=f"within {STEPS} steps. Received: checkpoints="):
            trainer.evaluate(request)


def _measured(task: TrainingTask, data: HeldOut, model: keras.Model) -> dict[str, float | None]:
    columns = keras.ops.convert_to_numpy(task.outputs.columns(model(data.samples)))
    values = Meter(task.objective, task.outputs, data).values(columns)
    return {name: value for name, value in values.items() if name != ECE}  # it leaps, with its bins


def _check_failed(ended: Evaluation) -> None:
    assert (ended.fitness, ended.status) == (WORTHLESS, Status.NON_FINITE)
