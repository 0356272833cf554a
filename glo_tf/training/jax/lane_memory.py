"""How many networks a device has room for side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import keras
from jax.extend import core
from jax.extend.core import primitives

from glo_tf.data import arrays
from glo_tf.training.jax.call import in_training
from glo_tf.training.jax.convolutions import as_products
from glo_tf.utils import memory

if TYPE_CHECKING:
    from glo_tf.data.arrays import Structure
    from glo_tf.data.outputs import Outputs

_SHARE = 0.5  # of what is free; paused trainings, seeds and fragments take of the rest
_REGISTERS = 128  # arrays of a loss's interpreter, with their derivatives
_STATES = 4  # variables old and new, gradients, and a copy


def used_device() -> jax.Device:
    """That on which this thread computes."""
    (device,) = jnp.zeros(()).devices()
    return device


def free_bytes() -> int:
    """Of the device that this thread computes on; of the machine, where JAX does not say."""
    told = used_device().memory_stats() or {}
    if "bytes_limit" not in told:
        return memory.free_bytes()
    return max(0, int(told["bytes_limit"]) - int(told.get("bytes_in_use", 0)))


@dataclasses.dataclass(frozen=True)
class LaneSize:
    """Bytes that a lane takes.

    Attributes:
        state: Of its variables.
        work: Of what a step makes of them at most.
        convolves: Whether the model has convolutions.
    """

    state: int
    work: int
    convolves: bool

    @classmethod
    def of(
        cls,
        model: keras.Model,
        optimizer: keras.Optimizer,
        outputs: Outputs,
        samples: Structure,
        batch_size: int,
    ) -> LaneSize:
        """By the shapes of all that a step computes, of which XLA holds a part at a time.

        Args:
            model: Built.
            optimizer: Not built.
            outputs: Of the model.
            samples: Arrays such as it takes, at least a batch of them.
            batch_size: Of a step.
        """
        optimizer.build(model.trainable_variables)
        state = _bytes([v.value for v in (*model.variables, *optimizer.variables)])

        def forward(trained: list[Any], kept: list[Any], samples: Structure) -> Any:
            return model.stateless_call(
                trained, kept, samples, return_losses=True, **in_training(model, True)
            )

        variables = model.trainable_variables, model.non_trainable_variables
        arguments = [[v.value for v in part] for part in variables]
        batch = arrays.head(samples, batch_size)
        plain = _equations(jax.make_jaxpr(forward)(*arguments, batch).jaxpr)
        work = jax.make_jaxpr(as_products(forward))(*arguments, batch).jaxpr
        found = sum(n * _bytes([v.aval for v in e.outvars]) for e, n in _equations(work))
        registers = _REGISTERS * 4 * batch_size * outputs.width
        return cls(
            state,
            # What is found on the way forward waits for the way back.
            found + _STATES * state + registers,
            any(e.primitive is primitives.conv_general_dilated_p for e, _ in plain),
        )

    def fit_in(self, free: int) -> int:
        """How many have room, a power of two, at least 1."""
        room = int(_SHARE * free) // (self.state + self.work)
        return 1 << max(0, room.bit_length() - 1)


def _bytes(arrays: list[Any]) -> int:
    return sum(array.size * array.dtype.itemsize for array in arrays)


def _equations(jaxpr: Any, times: int = 1) -> Iterator[tuple[Any, int]]:
    """Those within calls and loops in their place, and how often what they give is kept.

    The way back through a loop, as of an LSTM over the steps of its samples, needs it of each step.
    """
    for equation in jaxpr.eqns:
        inner = list(core.jaxprs_in_params(equation.params))
        for one in inner:
            steps = equation.params["length"] if equation.primitive is primitives.scan_p else 1
            yield from _equations(one, times * steps)
        if not inner:
            yield equation, times
