"""The forward pass of a model in training, as JAX lowers it."""

from __future__ import annotations

import keras

from glo_tf.data.arrays import Structure
from glo_tf.identity import fingerprint
from glo_tf.training.jax.call import traced


class JaxprForwardPass:
    """See `glo_tf.training.fresh_models.ForwardPass`."""

    def __init__(self, model: keras.Model, samples: Structure):
        def call(samples: Structure) -> object:
            return model(samples, training=True), list(model.losses)

        found, self._updated = traced(call, model, samples)
        self._model = model
        # For CPUs wherever it runs, so that it is the same there.
        text = found.lower(lowering_platforms=("cpu",)).as_text()
        self.digest = fingerprint.of_bytes([text.encode()])

    def changes(self) -> tuple[list[keras.Variable], list[str]]:
        """What the call gives a value to."""
        own = {id(v) for v in self._model.variables}
        updated = self._updated.values()
        return (
            [v for v in updated if id(v) in own],
            [v.path for v in updated if id(v) not in own],
        )
