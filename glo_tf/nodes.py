"""The face of `glo_tf.expressions.operations`, for users and plugins."""

from glo_tf.expressions import operations
from glo_tf.expressions.operations import (
    EPSILON,
    GROUP,
    INFIX,
    Dual,
    Operation,
    find,
    get,
    names,
    register,
    registered,
)

__doc__ = operations.__doc__

__all__ = [
    "EPSILON",
    "GROUP",
    "INFIX",
    "Dual",
    "Operation",
    "find",
    "get",
    "names",
    "register",
    "registered",
]
