"""The operations of expression trees: all that is known of each, in one place.

A new operation is one `Operation`. The tree, its text, its exports, the interpreter, the translator
and the screening read what they need from it. The built-in ones are in
`built_in_operations`; an installed package adds its own by an entry point of the group
`glo_tf.nodes`, named like the node, which is loaded when an expression first uses it.

Derivatives are taken forward, as values that carry theirs along: most losses are element-wise in y,
so one pass gives both. An operation across the classes of a sample, such as `total`, says how
derivatives are pulled back through it; expressions with one are differentiated backward, by the
same rules for all others (`Operation.pulled`). The rules here are the only ones: interpreters,
translator and screening run them in TensorFlow, JAX and NumPy, and so agree on what is finite.

**Kinks.** Where a function has a kink, the derivative is the mean of those at either side: 0 for
`abs` at 0, and half of each operand's for `min` and `max` of equal operands. It does not depend on
the order of operands, and every Keras backend finds the same when it differentiates the values.
"""

from __future__ import annotations

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.built_in_operations import BUILT_IN
from glo_tf.expressions.built_in_operations import EPSILON as EPSILON
from glo_tf.expressions.operation import INFIX as INFIX
from glo_tf.expressions.operation import Dual as Dual
from glo_tf.expressions.operation import Operation as Operation
from glo_tf.plugins.on_use import all_names, find_on_use

GROUP = "glo_tf.nodes"
"""Entry points of operations."""


def registered() -> tuple[Operation, ...]:
    """The operations in use so far, in the order in which they were registered."""
    return tuple(_registry.values())


def is_known(name: str) -> bool:
    """Whether an operation of this name is in use."""
    return name in _registry


def is_across(node: str | int) -> bool:
    """Whether a node is an operation across classes; see `Operation.pull`."""
    return node in _registry and _registry[str(node)].across


def names() -> list[str]:
    """Names of all operations, those of installed packages included."""
    return all_names(_registry, GROUP)


def register(operation: Operation) -> None:
    """Makes an operation known to this process.

    A search on several processes, and the files of its results, need more: a package that
    registers an entry point, by which every process finds the operation.

    Raises:
        ValueError: If another operation has the name.
    """
    if _registry.setdefault(operation.name, operation) is not operation:
        raise InvalidArgumentError(f"Expected a new name. Received: name='{operation.name}'")


def find(name: str) -> Operation | None:
    """The operation of this name, loaded if an installed package has it; None if there is none.

    Raises:
        PluginError: If several packages register the name, or what one registers is no such
            operation.
    """
    return find_on_use(name, _registry, GROUP, Operation, register)


def get(name: str) -> Operation:
    """The operation of this name, as `find`.

    Raises:
        ValueError: If there is none.
    """
    operation = _registry.get(name) or find(name)
    if operation is None:
        raise InvalidArgumentError(f"Expected one of {', '.join(names())}. Received: node={name!r}")
    return operation


_registry = {operation.name: operation for operation in BUILT_IN}
