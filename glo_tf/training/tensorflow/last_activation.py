"""How the outputs of a model end, read from the operations that it runs.

The graph of a forward pass shows the last activation of any model, functional, nested or
subclassed, wherever it stands: in the last layer, in one of its own, or as a `keras.ops.softmax`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from glo_tf.data import arrays
from glo_tf.data.arrays import Structure
from glo_tf.data.outputs import Activation, End
from glo_tf.training.tensorflow.specs import specs

_KEEPS_VALUES = re.compile(
    "Cast|CheckNumerics|EnsureShape|ExpandDims|Identity|IdentityN|PreventGradient|Reshape|Snapshot|"
    "Squeeze|StopGradient"
)
_GIVES_NUMBERS = re.compile("Elu|Exp|LeakyRelu|LogSoftmax|Relu|Selu|Softplus|Softsign|Tanh")
_AFFINE = re.compile(
    "BatchMatMul(V2|V3)?|BiasAdd|(Depthwise)?Conv.*|Einsum|FusedBatchNorm.*|MatMul"
)
_SUMS = re.compile("Add|AddN|AddV2|BiasAdd")
_PARTS = re.compile(f"{_KEEPS_VALUES.pattern}|StridedSlice|Transpose")
_JOINS = re.compile("Add|AddN|AddV2|ConcatV2|Max|Mean|Mul|StridedSlice|Sub|Sum|Transpose")


def ends(model: keras.Model, samples: Structure) -> list[End]:
    """How each output ends; see `glo_tf.training.backends.Backend`.

    An activation that is written in parts shows nothing.
    """
    found: list[End] = []

    def forward(samples: tf.Tensor) -> None:
        outputs = arrays.flat(model(samples, training=False))
        found[:] = [End(_activation(output), _gives_any_number(output)) for output in outputs]

    tf.function(forward, autograph=False).get_concrete_function(specs(samples))
    return found


def _gives_any_number(tensor: tf.Tensor) -> bool:
    """Whether it is a sum of products with weights, and nothing after."""
    while _PARTS.fullmatch(tensor.op.type) and tensor.dtype.is_floating:
        tensor = _kept(tensor)
    if _SUMS.fullmatch(tensor.op.type):
        # A bias is a variable; what a model adds to its numbers otherwise are units of its own.
        inputs = [part for part in tensor.op.inputs if not _is_variable(part)]
        return bool(inputs) and all(map(_gives_any_number, inputs))
    return _is_affine(tensor)


def _is_variable(tensor: tf.Tensor) -> bool:
    while _KEEPS_VALUES.fullmatch(tensor.op.type):
        tensor = _kept(tensor)
    return bool(tensor.op.type == "ReadVariableOp")


def _activation(output: tf.Tensor) -> Activation | None:
    tensor = output
    while _KEEPS_VALUES.fullmatch(tensor.op.type) and tensor.dtype.is_floating:
        tensor = _kept(tensor)
    kind = tensor.op.type
    if kind == "Softmax":
        # Reshaped, its last axis may no longer be that of the units.
        over_units = tensor.shape.rank and tensor.shape[-1] == output.shape[-1]
        return Activation.SOFTMAX if over_units else None
    if kind == "Sigmoid":
        return Activation.SIGMOID
    if _GIVES_NUMBERS.fullmatch(kind) or any(map(_is_affine, _joined(tensor))):
        return Activation.LINEAR
    return None


def _joined(tensor: tf.Tensor) -> Iterator[tf.Tensor]:
    """A tensor and those that it is a sum, a mean, a multiple or a part of."""
    waiting, seen = [tensor], set()
    while waiting:
        tensor = waiting.pop()
        if tensor.ref() in seen:
            continue
        seen.add(tensor.ref())
        yield tensor
        if _JOINS.fullmatch(tensor.op.type):
            waiting += tensor.op.inputs
        elif _KEEPS_VALUES.fullmatch(tensor.op.type):
            waiting.append(_kept(tensor))


def _is_affine(tensor: tf.Tensor) -> bool:
    return bool(_AFFINE.fullmatch(tensor.op.type))


def _kept(tensor: tf.Tensor) -> Any:
    return tensor.op.inputs[tensor.value_index]
