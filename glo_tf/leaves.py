"""The face of `glo_tf.expressions.leaves`, for users and plugins."""

from glo_tf.expressions import leaves
from glo_tf.expressions.leaves import (
    GROUP,
    LEAVES,
    Leaf,
    Surroundings,
    find,
    names,
    register,
)

__doc__ = leaves.__doc__

__all__ = [
    "GROUP",
    "LEAVES",
    "Leaf",
    "Surroundings",
    "find",
    "names",
    "register",
]
