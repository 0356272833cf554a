"""Seeded construction of models, in any thread."""

from __future__ import annotations

import contextlib
import random
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state

_LOCK = threading.RLock()  # the generators belong to the process
_OF_KERAS = ("global_random_seed", "global_seed_generator")


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds Python, NumPy, TensorFlow and Keras, and gives each its state back.

    One thread at a time is inside. Where anything in it draws from TensorFlow's generator,
    TensorFlow forgets how often an eager operation with a seed of its own was called, as it does
    for each `tf.random.set_seed`.
    """
    with _LOCK:
        python_state, numpy_state = random.getstate(), np.random.get_state()
        of_keras = {name: global_state.get_global_attribute(name) for name in _OF_KERAS}
        _seed(seed)
        of_tensorflow = _TensorFlow(seed) if _has_tensorflow() else None
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
            for name, value in of_keras.items():
                global_state.set_global_attribute(name, value)
            if of_tensorflow is not None:
                of_tensorflow.restore()


def _has_tensorflow() -> bool:
    return keras.backend.backend() == "tensorflow" or "tensorflow" in sys.modules


def _seed(seed: int) -> None:
    """As `keras.utils.set_random_seed`, which would import TensorFlow where it is installed."""
    random.seed(seed)
    np.random.seed(seed)
    for name, value in zip(_OF_KERAS, (seed, None), strict=True):
        global_state.set_global_attribute(name, value)


class _TensorFlow:
    """The seed, and the generator of what operations take beside it; TensorFlow has no way to ask.

    `tf.random.set_seed` replaces the generator, so it is kept as it is. And it forgets all kernels,
    so that every compiled training would be optimised again, for most of a second.
    """

    def __init__(self, seed: int) -> None:
        from tensorflow.python.eager import context

        self._state: dict[str, Any] = vars(context.context())
        self._kept = {"_seed": self._state["_seed"], "_rng": self._state.get("_rng")}
        watched = _Watched(seed, context.context().clear_kernel_cache)
        self._state.update(_seed=watched, _rng=random.Random(seed))

    def restore(self) -> None:
        self._state.update(self._kept)


class _Watched(int):
    """A seed; what is drawn first by it is drawn by new kernels, which have not counted yet.

    TensorFlow takes it modulo 2**31 - 1 for each operation that draws, and for nothing else.
    """

    _before: Callable[[], None] | None

    def __new__(cls, seed: int, before: Callable[[], None]) -> _Watched:
        watched = super().__new__(cls, seed)
        watched._before = before
        return watched

    def __mod__(self, other: int) -> int:
        before, self._before = self._before, None
        if before is not None:
            before()
        return int(self) % other
