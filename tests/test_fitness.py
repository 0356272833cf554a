"""The rule that no loss is trained twice, with a trainer that counts."""

import logging

import pytest

from glo_tf.expression import Expression
from glo_tf.fitness import Evaluation, FitnessCache

CROSS_ENTROPY = Expression.parse("-(x*log(y))")
BAIKAL = Expression.parse("-(log(y) - x/y)")


class CountingTrainer:
    def __init__(self, status: str = "ok") -> None:
        self.status = status
        self.calls: list[tuple[Expression, int, float | None]] = []

    def evaluate(
        self, loss: Expression, *, seed: int, learning_rate: float | None = None, **_
    ) -> Evaluation:
        self.calls.append((loss, seed, learning_rate))
        fitness = len(self.calls) / 100 if self.status == "ok" else 0.0
        return Evaluation(loss, seed, fitness, self.status, steps=5, seconds=0.1)


def test_each_loss_seed_and_learning_rate_is_trained_once() -> None:
    trainer = CountingTrainer()
    cache = FitnessCache(trainer)
    asked = [
        (loss, seed, rate)
        for loss in (CROSS_ENTROPY, BAIKAL, BAIKAL.negated(), BAIKAL.with_coefficients([0.5] * 6))
        for seed in (0, 1)
        for rate in (None, 0.1, 0.2)
    ]
    first = [cache.evaluate(loss, seed=seed, learning_rate=rate) for loss, seed, rate in asked]
    again = [cache.evaluate(loss, seed=seed, learning_rate=rate) for loss, seed, rate in asked]
    assert trainer.calls == asked
    assert first == again
    assert [evaluation.fitness for evaluation in first] == [
        pytest.approx(number / 100) for number in range(1, len(asked) + 1)
    ]


def test_equal_losses_share_their_fitness() -> None:
    trainer = CountingTrainer()
    cache = FitnessCache(trainer)
    evaluation = cache.evaluate(BAIKAL, seed=0)
    assert cache.evaluate(Expression.parse(str(BAIKAL)), seed=0) is evaluation
    assert len(trainer.calls) == 1


def test_caches_share_nothing() -> None:
    trainer = CountingTrainer()
    for _ in range(2):
        FitnessCache(trainer).evaluate(BAIKAL, seed=0)
    assert len(trainer.calls) == 2


@pytest.mark.parametrize("text", ["log(y)", "x*x", "3", "x - 0.5", "square(y) + y"])
def test_a_loss_without_x_or_y_is_not_trained(text: str) -> None:
    trainer, loss = CountingTrainer(), Expression.parse(text)
    cache = FitnessCache(trainer)
    for _ in range(2):
        evaluation = cache.evaluate(loss, seed=7)
        assert (evaluation.loss, evaluation.seed, evaluation.fitness) == (loss, 7, 0.0)
        assert (evaluation.status, evaluation.steps) == ("untrained", 0)
    assert not trainer.calls


def test_a_failed_training_is_not_repeated() -> None:
    trainer = CountingTrainer("non_finite")
    cache = FitnessCache(trainer)
    evaluation = cache.evaluate(BAIKAL, seed=0)
    assert evaluation.status == "non_finite"
    assert cache.evaluate(BAIKAL, seed=0) is evaluation
    assert len(trainer.calls) == 1


def test_a_training_that_was_stopped_can_be_asked_for_in_full() -> None:
    trainer = CountingTrainer("stopped")
    cache = FitnessCache(trainer)
    assert cache.evaluate(BAIKAL, seed=0, stop_at_chance=True).status == "stopped"
    trainer.status = "ok"
    assert cache.evaluate(BAIKAL, seed=0).status == "ok"


def test_an_interrupted_training_is_not_cached() -> None:
    trainer = CountingTrainer()
    cache, evaluate = FitnessCache(trainer), trainer.evaluate

    def interrupted(*_, **__) -> Evaluation:
        raise KeyboardInterrupt

    trainer.evaluate = interrupted
    with pytest.raises(KeyboardInterrupt):
        cache.evaluate(BAIKAL, seed=0)
    trainer.evaluate = evaluate
    assert cache.evaluate(BAIKAL, seed=0).status == "ok"


def test_only_trainings_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    cache = FitnessCache(CountingTrainer())
    with caplog.at_level(logging.INFO, "glo_tf"):
        for loss in (BAIKAL, BAIKAL, Expression.parse("y")):
            cache.evaluate(loss, seed=0)
    assert caplog.messages == ["-(log(y) - x/y)  fitness 0.0100  ok  5 steps  0.10 s"]
