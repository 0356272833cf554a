"""The operations of expression trees: all that is known of each, in one place.

A new operation is one `Operation`. The tree, its text, its exports, the interpreter, the translator
and the screening read what they need from it. The built-in ones are at the end of this module; an
installed package adds its own by an entry point of the group `glo_tf.nodes`, named like the node,
which is loaded when an expression first uses it.

Derivatives are taken forward, as values that carry theirs along: a loss is element-wise in y, so
one pass gives both. The rules here are the only ones: the interpreter, the translator and the
screening run them in TensorFlow and in NumPy, and so agree on what is finite.

**Kinks.** Where a function has a kink, the derivative is the mean of those at either side: 0 for
`abs` at 0, and half of each operand's for `min` and `max` of equal operands. It does not depend on
the order of operands, and every Keras backend finds the same when it differentiates the values.
"""

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
