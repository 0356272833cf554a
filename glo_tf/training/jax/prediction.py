"""What networks in lanes predict."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import keras

from glo_tf.data.outputs import Outputs
from glo_tf.training import early_stopping
from glo_tf.training.jax.call import in_training
from glo_tf.training.jax.lanes import LaneVariables
from glo_tf.training.running import MeasuredData

if TYPE_CHECKING:
    from glo_tf.data.arrays import Structure
    from glo_tf.data.held_out import HeldOut
    from glo_tf.training.task import TrainingTask


class PredictedData(MeasuredData):
    """Held-out data with its samples on the device.

    Args:
        task: What is trained.
        data: Samples and labels.
    """

    def __init__(self, task: TrainingTask, data: HeldOut):
        super().__init__(task, data)
        part = early_stopping.looked_at(len(data.labels), task.outputs.samples_at_once)
        self.samples = keras.tree.map_structure(jnp.asarray, data.samples)
        self.some = keras.tree.map_structure(lambda array: array[part], self.samples)


class LanePrediction:
    """Predicts with the networks of lanes.

    Args:
        model: Built model.
        outputs: What its outputs are.
        optimizer: Built for the model's variables.
        variables: Of a lane.
    """

    def __init__(
        self,
        model: keras.Model,
        outputs: Outputs,
        optimizer: keras.Optimizer,
        variables: LaneVariables,
    ):
        self._model, self._outputs, self._optimizer = model, outputs, optimizer
        self._variables = variables

    @functools.partial(jax.jit, static_argnums=(0, 5))
    def predict(
        self,
        variables: list[jax.Array],
        chosen: jax.Array,
        count: jax.Array,
        samples: Structure,
        finished: bool,
    ) -> tuple[jax.Array, jax.Array]:
        """Predictions of some networks, one after the other.

        Args:
            variables: Of all lanes.
            chosen: Lanes, int32 `(most,)`.
            count: How many of them are wanted; what is found of the others has no meaning.
            samples: What is predicted, N of them.
            finished: Whether the optimizer is to do first what it does after the last step, such as
                setting averaged weights.

        Returns:
            Columns, `(most, N, W)`, and whether all weights are finite, bool `(most,)`.
        """
        samples_count = len(jax.tree.leaves(samples)[0])
        shape = len(chosen), samples_count, self._outputs.width

        def add(place: jax.Array, found: tuple[jax.Array, jax.Array]) -> Any:
            columns, sound = found
            values = [part[chosen[place]] for part in variables]
            trained, kept, stepped = self._variables.parts(values)
            if finished:
                trained, _ = self._variables.after(
                    lambda: self._optimizer.finalize_variable_values(self._variables.trained),
                    trained,
                    stepped,
                )
            finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(part)) for part in trained]))
            of_lane = self._columns(trained, kept, samples)
            return columns.at[place].set(of_lane), sound.at[place].set(finite)

        empty = jnp.zeros(shape, jnp.float32), jnp.zeros(len(chosen), bool)
        found: tuple[jax.Array, jax.Array] = jax.lax.fori_loop(0, count, add, empty)
        return found

    def _columns(self, trained: list[Any], kept: list[Any], samples: Structure) -> jax.Array:
        """Predictions of one network, `(N, W)`."""

        def forward(part: Structure) -> jax.Array:
            predictions, _ = self._model.stateless_call(
                trained, kept, part, **in_training(self._model, False)
            )
            return jnp.asarray(self._outputs.columns(predictions))

        count = len(jax.tree.leaves(samples)[0])
        at_once = self._outputs.samples_at_once
        whole = count - count % at_once

        def batches(part: jax.Array) -> jax.Array:
            return part[:whole].reshape(-1, at_once, *part.shape[1:])

        found = []
        if whole:
            of_batches = jax.lax.map(forward, keras.tree.map_structure(batches, samples))
            found.append(of_batches.reshape(whole, -1))
        if whole < count:
            found.append(forward(keras.tree.map_structure(lambda part: part[whole:], samples)))
        return jnp.concatenate(found)
