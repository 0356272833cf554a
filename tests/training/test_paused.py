"""Which shorter training a longer one may go on from."""

from __future__ import annotations

import dataclasses

from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate
from glo_tf.training.paused import PausedTrainings
from glo_tf.training.trial import Request

ASKED = Request(Candidate(Expression.parse("square(x - y)")), seed=1)


def test_a_training_goes_on_from_a_shorter_one_once() -> None:
    paused = PausedTrainings[str](4)
    paused.keep(ASKED, None, 10, "ten")
    assert paused.take(ASKED, 9, None) is None
    assert paused.take(dataclasses.replace(ASKED, seed=2), 20, None) is None
    assert paused.take(dataclasses.replace(ASKED, checkpoints=(5,)), 20, None) is None
    assert paused.take(ASKED, 10, None) == (10, "ten")
    assert paused.take(ASKED, 20, None) is None


def test_one_that_has_to_be_looked_at_goes_on_from_before_that_or_from_one_that_was() -> None:
    paused = PausedTrainings[str](4)
    paused.keep(ASKED, None, 30, "not looked at")
    assert paused.take(ASKED, 100, 25) is None
    assert paused.take(ASKED, 100, 30) == (30, "not looked at")
    paused.keep(ASKED, None, 30, "not looked at")
    paused.keep(ASKED, 25, 33, "looked at")
    assert paused.take(ASKED, 100, 25) == (33, "looked at")
    assert paused.take(ASKED, 100, None) == (30, "not looked at")


def test_only_the_last_are_kept() -> None:
    paused = PausedTrainings[int](2)
    asked = [dataclasses.replace(ASKED, seed=seed) for seed in range(3)]
    for one in asked:
        paused.keep(one, None, 5, one.seed)
    assert [paused.take(one, 9, None) for one in asked] == [None, (5, 1), (5, 2)]
