"""A number that may change between two calls of what is compiled with it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from keras.src.backend.common.stateless_scope import get_stateless_scope


class ChangingNumber:
    """A number that compiled code reads at each call, on all backends of Keras.

    TensorFlow and PyTorch read a variable whenever they run. JAX holds one fast when it compiles,
    unless it is among the arguments, which it cannot become from within a loss; so there the
    number is asked for, by a callback of the compiled code.

    Args:
        value: At first.
        name: Of the variable.

    Attributes:
        variable: What holds it.
    """

    def __init__(self, value: float, name: str):
        self._value = np.float32(value)
        self.variable = keras.Variable(value, trainable=False, dtype="float32", name=name)

    def assign(self, value: float) -> None:
        """What calls that begin from now on read."""
        if keras.backend.backend() == "jax":
            _jax().effects_barrier()  # calls that began before may not have read it yet
        self._value = np.float32(value)
        self.variable.assign(value)

    def read(self, dtype: str) -> Any:
        """The number, a tensor of this dtype."""
        scope = get_stateless_scope()
        held = scope is not None and scope.get_current_value(self.variable) is not None
        if held or keras.backend.backend() != "jax":
            return ops.cast(self.variable, dtype)
        jax = _jax()
        of_host = jax.ShapeDtypeStruct((), np.float32)
        return ops.cast(jax.experimental.io_callback(lambda: self._value, of_host), dtype)


def _jax() -> Any:
    """JAX, most of which has no types."""
    import jax.experimental

    return jax
