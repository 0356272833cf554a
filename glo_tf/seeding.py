"""Seeded construction of models, in any thread."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator

import keras
import numpy as np

_LOCK = threading.RLock()  # the generators belong to the process


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds Python, NumPy and Keras, and gives Python and NumPy their states back.

    One thread at a time is inside.
    """
    with _LOCK:
        python_state, numpy_state = random.getstate(), np.random.get_state()
        keras.utils.set_random_seed(seed)
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
