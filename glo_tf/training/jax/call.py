"""Calls of a model as functions of its variables, for JAX to trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras

from glo_tf.data.arrays import Structure
from glo_tf.errors import InvalidArgumentError
from glo_tf.utils.seeding import seeded


class Recording(keras.StatelessScope):
    """Keeps variables as they are, and notes those that are given a value.

    Args:
        values: Of the variables inside.
    """

    def __init__(self, values: list[tuple[keras.Variable, jax.Array]]):
        super().__init__(state_mapping=values, collect_losses=True)
        self.updated: dict[int, keras.Variable] = {}

    def add_update(self, update: tuple[keras.Variable, jax.Array]) -> None:
        """Called by Keras's variables."""
        super().add_update(update)
        self.updated[id(update[0])] = update[0]


def traced(
    call: Callable[[Structure], Any], model: keras.Model, samples: Structure
) -> tuple[Any, dict[int, keras.Variable]]:
    """A call with one sample, traced by JAX.

    Args:
        call: From samples to a structure of arrays.
        model: Built; its variables are arguments of what is traced.
        samples: Arrays such as it takes.

    Returns:
        What `jax.jit` gives for a `trace`, and the variables that the call changes, by their ids.

    Raises:
        ValueError: If JAX cannot trace it.
    """
    updated: dict[int, keras.Variable] = {}

    def function(values: list[jax.Array], samples: Structure) -> Any:
        with Recording(list(zip(model.variables, values, strict=True))) as scope:
            outputs = call(samples)
        updated.update(scope.updated)
        return outputs, [scope.get_current_value(v) for v in model.variables]

    one = keras.tree.map_structure(lambda part: jnp.asarray(part[:1]), samples)
    try:
        with seeded(0):
            found = jax.jit(function).trace([v.value for v in model.variables], one)
    except Exception as error:  # a model raises what it likes
        first: BaseException = error
        while first.__context__ is not None:  # Keras fails as it words errors of JAX
            first = first.__context__
        line = str(first).strip().partition("\n")[0][:250]
        raise InvalidArgumentError(
            "Expected a model whose call JAX can trace, with random numbers from a "
            f"keras.random.SeedGenerator of its own. Received: {type(first).__name__}: {line}"
        ) from error
    return found, updated


def in_training(model: keras.Model, training: bool) -> dict[str, bool]:
    """What a model's `call` is told of it, where it takes it: `stateless_call` hands on all."""
    return {"training": training} if model._call_has_training_arg else {}
