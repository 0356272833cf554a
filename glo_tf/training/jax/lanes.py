"""The state of networks that train side by side: what a lane holds, how it is filled and read."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras

from glo_tf.training.schedules import LearningRate


class Lanes(NamedTuple):
    """The state of networks that train side by side; arrays begin with the dimension of lanes.

    Attributes:
        variables: Weights, statistics, dropout seeds, optimizer slots; see `LaneVariables`.
        step: int32 `(lanes,)`: steps done.
        finite: bool `(lanes,)`: whether every loss was finite.
    """

    variables: list[jax.Array]
    step: jax.Array
    finite: jax.Array


class LaneVariables:
    """All variables of a training: weights, others of the model, then the optimizer's.

    Args:
        model: Built model.
        optimizer: Built for the model's variables.
        rate: What sets its learning rate.
    """

    def __init__(self, model: keras.Model, optimizer: keras.Optimizer, rate: LearningRate):
        self.trained = model.trainable_variables
        self._kept = model.non_trainable_variables
        self.stepped = list(optimizer.variables)
        if not any(variable is rate.variable for variable in self.stepped):
            self.stepped.append(rate.variable)
        self._place_of_rate = [v is rate.variable for v in self.all].index(True)

    @property
    def all(self) -> list[keras.Variable]:
        """In the order of `Lanes.variables`."""
        return [*self.trained, *self._kept, *self.stepped]

    @property
    def bytes(self) -> int:
        """Of one lane."""
        return sum(variable.value.nbytes for variable in self.all)

    def parts(self, values: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Values of weights, of the model's other variables, and of the optimizer's."""
        first, second = len(self.trained), len(self.trained) + len(self._kept)
        return values[:first], values[first:second], values[second:]

    def after(
        self,
        function: Callable[[], None],
        trained: list[jax.Array],
        stepped: list[jax.Array],
    ) -> tuple[list[jax.Array], list[jax.Array]]:
        """Values of weights and of the optimizer's variables after what a function does to them."""
        variables = [*self.trained, *self.stepped]
        with keras.StatelessScope(zip(variables, [*trained, *stepped], strict=True)) as scope:
            function()
        found = [scope.get_current_value(variable) for variable in variables]
        return found[: len(trained)], found[len(trained) :]

    def empty(self, lanes: int) -> Lanes:
        """So many lanes, in which nothing trains."""
        return Lanes(
            [jnp.broadcast_to(v.value, (lanes, *v.shape)) for v in self.all],
            jnp.zeros(lanes, jnp.int32),
            jnp.ones(lanes, bool),
        )

    @functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
    def put(self, lanes: Lanes, lane: jax.Array, values: list[jax.Array], step: jax.Array) -> Lanes:
        """Gives one lane these variables."""
        return Lanes(
            [all_.at[lane].set(one) for all_, one in zip(lanes.variables, values, strict=True)],
            lanes.step.at[lane].set(step),
            lanes.finite.at[lane].set(True),
        )

    @functools.partial(jax.jit, static_argnums=0)
    def get(self, lanes: Lanes, lane: jax.Array) -> list[jax.Array]:
        """The variables of one lane."""
        return [part[lane] for part in lanes.variables]

    @functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
    def begin(
        self,
        lanes: Lanes,
        begins: jax.Array,
        which: jax.Array,
        initial: list[jax.Array],
        rates: jax.Array,
    ) -> Lanes:
        """Lets trainings begin in some of the lanes.

        Args:
            lanes: All of them; given up.
            begins: In which, bool `(lanes,)`.
            which: The place of their seed in `initial`, int32 `(lanes,)`.
            initial: Variables as each seed gives them, `(seeds, ...)`.
            rates: Of the variable that holds the learning rate, float32 `(lanes,)`.
        """
        given = [part[which] for part in initial]
        given[self._place_of_rate] = rates.astype(given[self._place_of_rate].dtype)
        return Lanes(
            [
                jnp.where(begins.reshape(-1, *[1] * (new.ndim - 1)), new, old)
                for new, old in zip(given, lanes.variables, strict=True)
            ],
            jnp.where(begins, 0, lanes.step),
            lanes.finite | begins,
        )
