"""The signatures of samples."""

from __future__ import annotations

import keras
import tensorflow as tf

from glo_tf.data.array_forms import Leaf
from glo_tf.data.arrays import Structure
from glo_tf.data.ragged import Ragged


def specs(structure: Structure) -> Structure:
    """`tf.TensorSpec`s of one sample in a batch; also of what `arrays.head` gives."""
    return keras.tree.map_structure(_spec, structure)


def _spec(leaf: Leaf | tf.RaggedTensor) -> tf.TypeSpec:
    if isinstance(leaf, Ragged | tf.RaggedTensor):
        return (leaf if isinstance(leaf, Ragged) else Ragged.of(leaf)).spec
    return tf.TensorSpec((1, *leaf.shape[1:]), tf.as_dtype(leaf.dtype))
