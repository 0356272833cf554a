"""Comparison and learning-rate tuning, on an evaluation whose values are known."""

import pytest

from glo_tf.compare import CROSS_ENTROPY, compare, tune_learning_rate
from glo_tf.expression import Expression
from glo_tf.fitness import Evaluation

BAIKAL = Expression.parse("-(log(y) - x/y)")


def evaluate(loss: Expression, seed: int, learning_rate: float | None) -> Evaluation:
    fitness = 0.5 + 0.01 * seed + (0.1 if loss == BAIKAL else 0.0) + (learning_rate or 0.0)
    return Evaluation(loss, seed, fitness, "ok", steps=1, seconds=0.0)


def test_every_loss_meets_the_same_seeds() -> None:
    rows = compare(evaluate, {"baikal": (BAIKAL, None), "ce": (CROSS_ENTROPY, 0.05)}, [1, 2, 3])
    assert [row.name for row in rows] == ["baikal", "ce"]
    assert [row.seeds for row in rows] == [(1, 2, 3)] * 2
    assert rows[0].fitnesses == pytest.approx((0.61, 0.62, 0.63))
    assert rows[0].mean == pytest.approx(0.62)
    assert rows[0].deviation == pytest.approx(0.01)
    assert rows[1].mean == pytest.approx(0.57)
    assert rows[1].as_dict()["loss"] == "-(x*log(y))"


def test_one_seed_has_no_deviation() -> None:
    assert compare(evaluate, {"ce": (CROSS_ENTROPY, None)}, [1])[0].deviation == 0.0


def test_the_best_learning_rate_wins_and_the_smallest_of_equals() -> None:
    def peaked(loss: Expression, seed: int, learning_rate: float | None) -> Evaluation:
        fitness = 0.9 if learning_rate in (0.2, 0.1) else 0.5
        return Evaluation(loss, seed, fitness, "ok", steps=1, seconds=0.0)

    assert tune_learning_rate(peaked, CROSS_ENTROPY, [0.5, 0.2, 0.1], seed=0) == 0.1
