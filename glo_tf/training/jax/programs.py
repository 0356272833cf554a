"""The losses of all lanes, as arguments of one compiled training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from glo_tf.expressions.program import Program
from glo_tf.expressions.seen_by_loss import LogPrediction
from glo_tf.expressions.tree import Expression
from glo_tf.training.jax.interpreter import interpret

_CAPACITY = 64  # nodes of the largest tree that shares the first compilation


class LanePrograms:
    """The program of each lane.

    Args:
        lanes: How many there are.
        log_y: Whether programs take log(y) beside y.
    """

    def __init__(self, lanes: int, *, log_y: bool):
        self._log_y = log_y
        self._codes = np.zeros((lanes, _CAPACITY, 6), np.int32)
        self._numbers = np.zeros((lanes, _CAPACITY, 3), np.float32)
        self._lengths = np.zeros(lanes, np.int32)

    def set(self, lane: int, loss: Expression) -> None:
        """Gives a lane another loss; larger trees than before make room for themselves."""
        capacity = self._codes.shape[1]
        if loss.size > capacity:
            more = (1 << (loss.size - 1).bit_length()) - capacity
            self._codes = np.pad(self._codes, [(0, 0), (0, more), (0, 0)])
            self._numbers = np.pad(self._numbers, [(0, 0), (0, more), (0, 0)])
        program = Program.of(loss, capacity=self._codes.shape[1], log_y=self._log_y)
        self._codes[lane], self._numbers[lane] = program.codes, program.numbers
        self._lengths[lane] = program.length

    def arrays(self, lanes: Iterable[int]) -> tuple[Any, ...]:
        """What `terms_and_slopes` takes, long enough for these lanes."""
        longest = np.int32(max(self._lengths[lane] for lane in lanes))
        return self._codes.copy(), self._numbers.copy(), self._lengths.copy(), longest


def terms_and_slopes(
    y_true: jax.Array, y_pred: jax.Array, programs: tuple[Any, ...], log_y: LogPrediction | None
) -> tuple[jax.Array, jax.Array]:
    """Every lane's loss, of arrays `(lanes, batch, W)`.

    On a CPU lane by lane, as then only the operation that is needed is computed; elsewhere all at
    once, as what is side by side costs next to nothing there.
    """
    *each, longest = programs

    def of_lane(lane: tuple[Any, ...]) -> tuple[jax.Array, jax.Array]:
        true, pred, log_y, codes, numbers, length = lane
        return interpret(true, pred, codes, numbers, length, longest, log_y)

    lanes = (y_true, y_pred, log_y, *each)
    if jax.default_backend() == "cpu":
        found: tuple[jax.Array, jax.Array] = jax.lax.map(of_lane, lanes)
        return found
    return jax.vmap(of_lane)(lanes)
