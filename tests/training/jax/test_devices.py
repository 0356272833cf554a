"""One process drives all devices; each has the same lanes as one device alone."""

from __future__ import annotations

import jax
import pytest

from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.study import Study
from glo_tf.expressions.tree import Expression
from glo_tf.strategies.base import Strategy
from glo_tf.strategies.devices import DevicesStrategy
from glo_tf.strategies.local import LocalStrategy
from glo_tf.testing.trainer import LABELS_HELD_OUT, X_HELD_OUT, X, with_dropout
from glo_tf.testing.trainer_models import ONE_HOT
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Request

LOSSES = ("-(x*log(y))", "square(x - y)", "sqrt(x - y)", "-(x*y)")


def test_a_lane_gives_the_same_bits_on_every_device() -> None:
    if len(jax.devices()) < 2:
        pytest.skip("one device; XLA_FLAGS=--xla_force_host_platform_device_count=4 makes more")
    task = TrainingTask.define(
        with_dropout,
        "sgd",
        (X, ONE_HOT),
        (X_HELD_OUT, LABELS_HELD_OUT),
        train_steps=40,
        batch_size=20,
        lanes=2,
    )
    requests = [
        Request(Candidate(Expression.parse(loss), Hyperparameters(rate)), seed)
        for seed in (0, 3)
        for loss in LOSSES
        for rate in (0.1, 0.5)
    ]

    def trained(strategy: Strategy) -> tuple[list[object], set[str]]:
        study = Study.in_memory({})
        workers = Dispatcher(task, strategy, study, FailurePolicy())
        found = list(workers.evaluate(requests))
        names = set(workers._strategy.workers())
        workers.close()
        return found, names

    names = [f"CPU:{number}" for number in range(2)]
    alone, lanes = trained(LocalStrategy())
    everywhere, of_devices = trained(DevicesStrategy(names))
    assert everywhere == alone
    assert lanes == {"lane 0", "lane 1"}
    assert of_devices == {f"{name} {lane}" for name in names for lane in lanes}
