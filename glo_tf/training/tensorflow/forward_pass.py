"""The forward pass of a model in training, as a graph of TensorFlow."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from glo_tf.data.arrays import Structure
from glo_tf.identity import fingerprint
from glo_tf.training.fresh_models import first_sample
from glo_tf.training.tensorflow.specs import specs
from glo_tf.utils.seeding import seeded


class GraphForwardPass:
    """See `glo_tf.training.fresh_models.ForwardPass`.

    Attributes:
        graph: The `GraphDef`.
    """

    def __init__(self, model: keras.Model, samples: Structure):
        def forward(samples: tf.Tensor) -> tuple[Any, list[tf.Tensor]]:
            return model(samples, training=True), list(model.losses)

        self._model, self._samples = model, samples
        with seeded(0):  # TensorFlow's own random operations take it
            function = tf.function(forward, autograph=False)
            self._traced = function.get_concrete_function(specs(samples))
            # Held, as the graph does not, and a generator of the process's own ends with its seed.
            self._variables = list(self._traced.graph.variables)
        self.graph = self._traced.graph.as_graph_def()
        self.digest = fingerprint.of_graph(self.graph)

    def changes(self) -> tuple[list[keras.Variable], list[str]]:
        """Runs it; what it changes has its value back afterwards."""
        own = {id(v.value): v for v in self._model.variables}
        before = [np.copy(v.numpy()) for v in self._variables]
        with seeded(0):
            self._traced(first_sample(self._samples))
        changed, outside = [], []
        for variable, value in zip(self._variables, before, strict=True):
            if variable.numpy().tobytes() == value.tobytes():
                continue
            variable.assign(value)
            if id(variable) in own:
                changed.append(own[id(variable)])
            else:
                outside.append(variable.name)
        return changed, outside
