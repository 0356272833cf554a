"""Whether XLA compiles the trainings of a model: where it pays, and where it can.

An attempt that fails on text leaves TensorFlow in a state in which the next one ends the process,
so kernels are looked up first, and only what has them all is tried.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import kernels

from glo_tf.data import arrays
from glo_tf.data.arrays import Structure
from glo_tf.errors import InvalidArgumentError
from glo_tf.training.tensorflow.resident_data import ResidentData
from glo_tf.training.tensorflow.specs import specs

logger = logging.getLogger("glo_tf")

_SLOW = re.compile("Conv|Random|While|PyFunc")
_WITHOUT_KERNELS = {"Placeholder", "NoOp"}  # what a graph has of its arguments and its order
_LINE = 200  # characters of TensorFlow's reason

_known: dict[str, str] = {}


def decide(
    jit_compile: bool | str,
    forward: Any,
    model: keras.Model,
    make_optimizer: Callable[[], keras.Optimizer],
    samples: Structure,
    *,
    key: str,
) -> bool:
    """Whether XLA compiles the trainings.

    Args:
        jit_compile: What the user wants; `"auto"` for XLA where it pays and can.
        forward: The graph of the model's forward pass in training.
        model: Built model; one step of a training changes its weights.
        make_optimizer: Makes an optimizer.
        samples: Of one batch.
        key: What of model and optimizer decides; it is not tried twice in a process.

    Raises:
        ValueError: If the user wants what XLA cannot do.
    """
    wanted = jit_compile != "auto"
    if not (jit_compile if wanted else pays(forward)):
        return False
    key = f"{key} {specs(samples)} {arrays.count(samples)}"
    if key not in _known:
        _known[key] = _obstacle(model, make_optimizer(), samples)
    obstacle = _known[key]
    if obstacle and wanted:
        raise InvalidArgumentError(
            "Expected jit_compile to be False or 'auto' for a model that XLA cannot compile "
            f"({obstacle}). Received: jit_compile=True"
        )
    if obstacle:
        logger.warning("Trained without XLA, which cannot compile this model (%s)", obstacle)
    return not obstacle


def pays(forward: Any) -> bool:
    """Whether a training is faster under XLA: on a CPU, for models of dense algebra.

    XLA's convolutions on CPUs are tens of times slower than TensorFlow's, and so are its random
    numbers (`docs/performance.md`). On GPUs nothing was measured, and the answer is False.

    Args:
        forward: The `GraphDef` of the model's forward pass.
    """
    if tf.config.list_logical_devices("GPU"):
        return False
    return not any(_SLOW.search(node.op) for node in _nodes(forward))


def _obstacle(model: keras.Model, optimizer: keras.Optimizer, samples: Structure) -> str:
    """Why XLA cannot compile a step; empty where it can."""
    data = ResidentData.place(samples, np.zeros((arrays.count(samples), 1), np.float32))
    optimizer.build(model.trainable_variables)

    def step(indices: tf.Tensor) -> tf.Tensor:
        rows, _ = data.rows(indices)
        with tf.GradientTape() as tape:
            outputs = keras.tree.flatten(model(rows, training=True))
            parts = [tf.reduce_sum(tf.cast(part, tf.float32)) for part in outputs]
            total = tf.add_n([*parts, *(tf.cast(part, tf.float32) for part in model.losses)])
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(total, variables), variables)
        return total

    indices = tf.range(arrays.count(samples))
    traced = tf.function(step, autograph=False).get_concrete_function(indices)
    on_gpu = bool(tf.config.list_logical_devices("GPU"))
    missing = _without_kernel(
        traced.graph.as_graph_def(), "XLA_GPU_JIT" if on_gpu else "XLA_CPU_JIT"
    )
    if missing:
        return f"it has no kernel for {', '.join(missing)}"
    if not on_gpu:  # the model is on the CPU here
        try:
            # Not called directly: TensorFlow warns of functions that are traced again and again.
            compiled = tf.function(step, autograph=False, jit_compile=True)
            compiled.get_concrete_function(indices)(indices)
        except Exception as error:  # TensorFlow's, of many classes
            return " ".join(str(error).split())[:_LINE]
    return ""


def _without_kernel(graph: Any, device: str) -> list[str]:
    """Operations that XLA does not have, or not of their types."""
    # XLA registers its kernels when it is first used.
    one = tf.constant(1.0)
    first = tf.function(lambda x: x + x, autograph=False, jit_compile=True)
    first.get_concrete_function(one)(one)
    functions = {function.signature.name for function in graph.library.function}
    return sorted(
        {
            node.op
            for node in _nodes(graph)
            if node.op not in functions and not _has_kernel(node, device)
        }
    )


def _has_kernel(node: Any, device: str) -> bool:
    if node.op in _WITHOUT_KERNELS:
        return bool(node.attr["dtype"].type != tf.string.as_datatype_enum)
    found = kernels.get_registered_kernels_for_op(node.op).kernel
    return any(
        all(_fits(node.attr[c.name], c.allowed_values.list.type) for c in kernel.constraint)
        for kernel in found
        if kernel.device_type == device
    )


def _fits(attribute: Any, allowed: Any) -> bool:
    kind = attribute.WhichOneof("value")
    types = [attribute.type] if kind == "type" else attribute.list.type if kind == "list" else []
    return all(each in allowed for each in types)


def _nodes(graph: Any) -> Iterator[Any]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def
