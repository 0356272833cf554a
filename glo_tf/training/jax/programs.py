"""The losses of all lanes, as arguments of one compiled training."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import jax
import keras
import numpy as np

from glo_tf.data.outputs import Outputs
from glo_tf.expressions.leaves import Surroundings
from glo_tf.expressions.leaves_seen import leaves_seen
from glo_tf.expressions.over_outputs import over_outputs
from glo_tf.expressions.program import Layout, Program
from glo_tf.expressions.seen_by_loss import LogPrediction
from glo_tf.expressions.tree import Expression
from glo_tf.training.jax.interpreter import interpret

_CAPACITY = 64  # nodes of the largest tree that shares the first compilation


class LanePrograms:
    """The program of each lane.

    Args:
        lanes: How many there are.
        outputs: Of the model.
    """

    def __init__(self, lanes: int, outputs: Outputs):
        self._log_y = bool(outputs.from_logits.any())
        self._seen = leaves_seen(outputs)
        self._layouts = [Layout(log_y=self._log_y)] * lanes
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
        capacity = self._codes.shape[1]
        program = Program.of(loss, capacity=capacity, log_y=self._log_y, seen=self._seen)
        self._layouts[lane] = program.layout
        self._codes[lane], self._numbers[lane] = program.codes, program.numbers
        self._lengths[lane] = program.length

    def layouts(self, lanes: Iterable[int]) -> tuple[Layout, ...]:
        """Those of these lanes, in an order of their own."""
        found = {self._layouts[lane] for lane in lanes}
        return tuple(sorted(found, key=lambda layout: (layout.leaves, layout.across)))

    def arrays(self, lanes: Iterable[int]) -> tuple[Any, ...]:
        """What `terms_and_slopes` takes, long enough for these lanes."""
        lanes = list(lanes)
        longest = np.int32(max(self._lengths[lane] for lane in lanes))
        known = self.layouts(lanes)
        kinds = [known.index(layout) if layout in known else 0 for layout in self._layouts]
        return (
            self._codes.copy(),
            self._numbers.copy(),
            self._lengths.copy(),
            np.array(kinds, np.int32),
            longest,
        )


def terms_and_slopes(
    outputs: Outputs,
    layouts: tuple[Layout, ...],
    y_true: jax.Array,
    y_pred: jax.Array,
    programs: tuple[Any, ...],
    log_y: LogPrediction | None,
    surroundings: Surroundings | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Every lane's loss, of arrays `(lanes, batch, W)`.

    Each lane's program is run as its layout says, so its result does not depend on its neighbours.
    On a CPU lane by lane, each as long as it is, as then only the operations that are needed are
    computed; elsewhere all at once, as what is side by side costs next to nothing there.
    """
    *each, longest = programs
    one_by_one = jax.default_backend() == "cpu"
    frequencies, classes = (
        (None, None) if surroundings is None else (surroundings.frequencies, surroundings.classes)
    )

    def of_lane(lane: tuple[Any, ...]) -> tuple[jax.Array, jax.Array]:
        true, pred, log_y, of_lane, codes, numbers, length, kind = lane
        around = None
        if of_lane is not None:
            progress, weights = of_lane
            around = Surroundings(frequencies, progress, weights, classes)

        def run(layout: Layout) -> tuple[jax.Array, jax.Array]:
            def of_output(true: Any, pred: Any, log_y: Any, around: Any) -> Any:
                until = length if one_by_one else longest
                return interpret(true, pred, codes, numbers, length, until, log_y, layout, around)

            if layout.across:
                return over_outputs(outputs, keras.ops, of_output, true, pred, log_y, around)
            found: tuple[jax.Array, jax.Array] = of_output(true, pred, log_y, around)
            return found

        if len(layouts) == 1:
            return run(layouts[0])
        branches = [functools.partial(run, layout) for layout in layouts]
        found: tuple[jax.Array, jax.Array] = jax.lax.switch(kind, branches)
        return found

    of_lanes = surroundings and (surroundings.progress, surroundings.weights)
    lanes = (y_true, y_pred, log_y, of_lanes, *each)
    if one_by_one:
        found: tuple[jax.Array, jax.Array] = jax.lax.map(of_lane, lanes)
        return found
    return jax.vmap(of_lane)(lanes)
