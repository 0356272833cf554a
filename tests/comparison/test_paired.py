"""Losses beside each other, on an evaluation whose values are known."""

from collections.abc import Sequence

import pytest

from glo_tf.comparison.paired import compare
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import CROSS_ENTROPY
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.trial import Evaluation, Request

BAIKAL = Expression.parse("-(log(y) - x/y)")


def evaluate(requests: Sequence[Request]) -> list[Evaluation]:
    return [
        Evaluation(
            request.candidate,
            request.seed,
            0.5
            + 0.01 * request.seed
            + (0.1 if request.loss == BAIKAL else 0.0)
            + (request.candidate.hyperparameters.learning_rate or 0.0),
            "ok",
            steps=1,
            seconds=0.0,
        )
        for request in requests
    ]


def test_every_loss_meets_the_same_seeds() -> None:
    slow = Candidate(CROSS_ENTROPY, Hyperparameters(0.05))
    rows = compare(evaluate, {"baikal": Candidate(BAIKAL), "ce": slow}, [1, 2, 3])
    assert [row.name for row in rows] == ["baikal", "ce"]
    assert [row.seeds for row in rows] == [(1, 2, 3)] * 2
    assert rows[0].fitnesses == pytest.approx((0.61, 0.62, 0.63))
    assert rows[0].mean == pytest.approx(0.62)
    assert rows[1].mean == pytest.approx(0.57)
    assert rows[1].as_dict()["loss"] == "-(x*log(y))"
