"""The operations of expression trees: all that is known of each, in one place.

A new operation is one `Operation`. The tree, its text, its exports, the interpreter, the translator
and the screening read what they need from it. The built-in ones are at the end of this module; an
installed package adds its own by an entry point of the group `glo_tf.nodes`, named like the node,
which is loaded when an expression first uses it.

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

import dataclasses
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from glo_tf import plugins
from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.leaves import SPELLINGS

GROUP = "glo_tf.nodes"
"""Entry points of operations."""

EPSILON = 1e-7
"""Keeps protected operations from their singularity; the project's default."""

INFIX = ("+", "-", "*", "/")
"""The operations that are written between their operands."""


class Dual(NamedTuple):
    """A value, its derivative with respect to y, and whether it has one.

    What does not depend on y has the derivative 0, and contributes none, rather than 0 times what
    may be infinite: the derivative of sqrt(x)*y at x = 0 is 0, as reverse-mode differentiation
    finds.
    """

    value: Any
    slope: Any
    depends: Any


@dataclasses.dataclass(frozen=True, eq=False)
class Operation:
    """A node with operands.

    Rules are written for any library with NumPy's functions (`ops`): they are run with `numpy` and
    with `keras.ops`, on arrays of any float dtype, and use nothing that one of them lacks.

    Attributes:
        name: Of the node: `+`, `-`, `*`, `/`, or a name for text such as `min(x, y)`, of at most 16
            characters.
        arity: Number of operands, 1 or 2.
        description: One line for `--mode=list`.
        value: `value(ops, *operands)`: the value of operands that are arrays.
        slope: `slope(ops, value, *duals)`: the derivative, of operands that are `Dual`, given the
            value. None for an operation across classes.
        pull: For an operation of arity 1 across the classes, the last axis of its operand:
            `pull(ops, adjoint, value, operand)`, the derivative of `sum(adjoint*value)` by the
            operand. Its value has the operand's shape. None for all others.
        sympy: `sympy(module, *operands)`: the value in SymPy, which is handed over.
        numpy: Python source of the value, for NumPy as `np`: `{0}` and `{1}` are the operands; a
            call or in parentheses. Empty for infix operators.
        gplearn: Name of the function in gplearn that is alike; empty if there is none.
        commutative: Whether the order of operands changes neither value nor slope, to the last bit.

    Raises:
        ValueError: If the name cannot be written in an expression, or the arity is not 1 or 2.

    Example:
        >>> import numpy as np
        >>> from glo_tf.nodes import Operation
        >>> cube = Operation(
        ...     name="cube",
        ...     arity=1,
        ...     description="Third power.",
        ...     value=lambda ops, a: a * a * a,
        ...     slope=lambda ops, value, a: 3.0 * a.value * a.value * a.slope,
        ...     sympy=lambda sympy, a: sympy.Pow(a, 3),
        ...     numpy="np.power({0}, 3)",
        ... )
        >>> float(cube.value(np, np.float32(2.0)))
        8.0
    """

    name: str
    arity: int
    description: str
    value: Callable[..., Any]
    slope: Callable[..., Any] | None
    sympy: Callable[..., Any]
    numpy: str = ""
    gplearn: str = ""
    commutative: bool = False
    pull: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        is_name = (
            re.fullmatch(r"[A-Za-z_]\w{0,15}", self.name, re.ASCII) and self.name not in SPELLINGS
        )
        if not is_name and self.name not in INFIX:
            raise InvalidArgumentError(
                "Expected a name of at most 16 letters, digits and underscores, and none of "
                f"{', '.join(SPELLINGS)}. "
                f"Received: name={self.name!r}"
            )
        if self.arity not in (1, 2):
            raise InvalidArgumentError(
                f"Expected one or two operands. Received: arity={self.arity!r}"
            )
        if (self.slope is None) == (self.pull is None) or (self.across and self.arity != 1):
            raise InvalidArgumentError(
                "Expected a slope, or else of one operand a pull. "
                f"Received: slope={self.slope}, pull={self.pull}, arity={self.arity}"
            )
        # Where plugins are described, a function shows its docstring.
        object.__setattr__(self, "__doc__", self.description)

    @property
    def across(self) -> bool:
        """Whether its value of a class depends on those of all classes of the sample."""
        return self.pull is not None

    def dual(self, ops: Any, *operands: Dual) -> tuple[Any, Any]:
        """Value and slope; the slope has no meaning if no operand depends on y.

        Not of an operation across classes.
        """
        assert self.slope is not None
        value = self.value(ops, *(operand.value for operand in operands))
        return value, self.slope(ops, value, *operands)

    def pulled(self, ops: Any, adjoint: Any, place: int, *operands: Any) -> Any:
        """The derivative of `sum(adjoint*value)` by one of the operands.

        Args:
            ops: The library that computes.
            adjoint: Of the shape of the value.
            place: Of the operand.
            *operands: Values of all operands, of one shape.
        """
        value = self.value(ops, *operands)
        if self.pull is not None:
            return self.pull(ops, adjoint, value, *operands)
        assert self.slope is not None
        one, zero = ops.ones_like(adjoint), ops.zeros_like(adjoint)
        duals = (
            Dual(operand, one if index == place else zero, index == place)
            for index, operand in enumerate(operands)
        )
        return adjoint * self.slope(ops, value, *duals)


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
    return list(dict.fromkeys([*_registry, *plugins.names(GROUP)]))


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
    if name not in _registry:
        if name not in plugins.names(GROUP):
            return None
        loaded = plugins.load(GROUP, name)
        if not isinstance(loaded, Operation) or loaded.name != name:
            raise plugins.PluginError(
                f"Expected {GROUP} '{name}' to be an Operation named '{name}'. Received: {loaded!r}"
            )
        register(loaded)
    return _registry[name]


def get(name: str) -> Operation:
    """The operation of this name, as `find`.

    Raises:
        ValueError: If there is none.
    """
    operation = _registry.get(name) or find(name)
    if operation is None:
        raise InvalidArgumentError(f"Expected one of {', '.join(names())}. Received: node={name!r}")
    return operation


def _multiply_slope(ops: Any, _: Any, a: Dual, b: Dual) -> Any:
    left = ops.where(a.depends, a.slope * b.value, 0.0)
    return left + ops.where(b.depends, a.value * b.slope, 0.0)


def _divide_slope(ops: Any, quotient: Any, a: Dual, b: Dual) -> Any:
    numerator = ops.where(a.depends, a.slope / b.value, 0.0)
    return numerator - ops.where(b.depends, quotient * b.slope / b.value, 0.0)


def _analytic_slope(ops: Any, quotient: Any, a: Dual, b: Dual) -> Any:
    squared = 1.0 + b.value * b.value
    numerator = ops.where(a.depends, a.slope / ops.sqrt(squared), 0.0)
    return numerator - ops.where(b.depends, quotient * (b.value / squared) * b.slope, 0.0)


def _select(ops: Any, first: Any, second: Any, values: tuple[Any, Any]) -> Any:
    """The first or second value, where that one is marked; their mean where neither is.

    Unlike NumPy's and TensorFlow's minimum it is the same to the last bit, sign of zero included,
    in either order; NaN stays NaN.
    """
    a, b = values
    return ops.where(first, a, ops.where(second, b, 0.5 * a + 0.5 * b))


def _magnitude(ops: Any, a: Any) -> Any:
    # Not by the library's own, of which JAX's has the slope 1 at 0.
    return _select(ops, a > 0.0, a < 0.0, (a, -a))


def _total(ops: Any, a: Any) -> Any:
    return ops.zeros_like(a) + ops.sum(a, axis=-1, keepdims=True)


def _order(sympy: Any, extreme: Callable[..., Any], a: Any, b: Any) -> Any:
    evaluated = sympy.core.parameters.global_parameters.evaluate
    try:
        # SymPy sorts the operands, which it cannot unless it may evaluate -oo < 0.
        with sympy.evaluate(True):
            return extreme(a, b, evaluate=evaluated)
    except ValueError:  # of what is not real, where the value is NaN
        return sympy.nan


_BUILT_IN = (
    Operation(
        "log",
        1,
        "Natural logarithm.",
        value=lambda ops, a: ops.log(a),
        slope=lambda ops, value, a: a.slope / a.value,
        sympy=lambda sympy, a: sympy.log(a),
        numpy="np.log({0})",
        gplearn="log",
    ),
    Operation(
        "square",
        1,
        "Square.",
        value=lambda ops, a: a * a,
        slope=lambda ops, value, a: 2.0 * a.value * a.slope,
        sympy=lambda sympy, a: sympy.Pow(a, 2),
        numpy="np.square({0})",
    ),
    Operation(
        "sqrt",
        1,
        "Square root.",
        value=lambda ops, a: ops.sqrt(a),
        slope=lambda ops, value, a: a.slope * 0.5 / value,
        sympy=lambda sympy, a: sympy.sqrt(a),
        numpy="np.sqrt({0})",
        gplearn="sqrt",
    ),
    Operation(
        "exp",
        1,
        "Exponential.",
        value=lambda ops, a: ops.exp(a),
        slope=lambda ops, value, a: value * a.slope,
        sympy=lambda sympy, a: sympy.exp(a),
        numpy="np.exp({0})",
    ),
    Operation(
        "sin",
        1,
        "Sine.",
        value=lambda ops, a: ops.sin(a),
        slope=lambda ops, value, a: ops.cos(a.value) * a.slope,
        sympy=lambda sympy, a: sympy.sin(a),
        numpy="np.sin({0})",
        gplearn="sin",
    ),
    Operation(
        "cos",
        1,
        "Cosine.",
        value=lambda ops, a: ops.cos(a),
        slope=lambda ops, value, a: -ops.sin(a.value) * a.slope,
        sympy=lambda sympy, a: sympy.cos(a),
        numpy="np.cos({0})",
        gplearn="cos",
    ),
    Operation(
        "tanh",
        1,
        "Hyperbolic tangent.",
        value=lambda ops, a: ops.tanh(a),
        # 1 - value*value has no digits left where float32 still has a slope.
        slope=lambda ops, value, a: a.slope / ops.square(ops.cosh(a.value)),
        sympy=lambda sympy, a: sympy.tanh(a),
        numpy="np.tanh({0})",
    ),
    Operation(
        "abs",
        1,
        "Magnitude.",
        value=_magnitude,
        slope=lambda ops, value, a: ops.sign(a.value) * a.slope,
        sympy=lambda sympy, a: sympy.Abs(a),
        numpy="np.abs({0})",
        gplearn="abs",
    ),
    Operation(
        "plog",
        1,
        "Protected logarithm: log(abs(a) + 1e-7).",
        value=lambda ops, a: ops.log(_magnitude(ops, a) + EPSILON),
        slope=lambda ops, value, a: ops.sign(a.value) * a.slope / (ops.abs(a.value) + EPSILON),
        sympy=lambda sympy, a: sympy.log(sympy.Add(sympy.Abs(a), sympy.Float(EPSILON))),
        numpy=f"np.log(np.abs({{0}}) + {EPSILON})",
    ),
    Operation(
        "psqrt",
        1,
        "Protected square root: sqrt(abs(a) + 1e-7).",
        value=lambda ops, a: ops.sqrt(_magnitude(ops, a) + EPSILON),
        slope=lambda ops, value, a: ops.sign(a.value) * a.slope * 0.5 / value,
        sympy=lambda sympy, a: sympy.sqrt(sympy.Add(sympy.Abs(a), sympy.Float(EPSILON))),
        numpy=f"np.sqrt(np.abs({{0}}) + {EPSILON})",
    ),
    Operation(
        "+",
        2,
        "Sum.",
        value=lambda ops, a, b: a + b,
        slope=lambda ops, value, a, b: a.slope + b.slope,
        sympy=lambda sympy, a, b: sympy.Add(a, b),
        gplearn="add",
        commutative=True,
    ),
    Operation(
        "-",
        2,
        "Difference.",
        value=lambda ops, a, b: a - b,
        slope=lambda ops, value, a, b: a.slope - b.slope,
        sympy=lambda sympy, a, b: sympy.Add(a, sympy.Mul(-1, b)),
        gplearn="sub",
    ),
    Operation(
        "*",
        2,
        "Product.",
        value=lambda ops, a, b: a * b,
        slope=_multiply_slope,
        sympy=lambda sympy, a, b: sympy.Mul(a, b),
        gplearn="mul",
        commutative=True,
    ),
    Operation(
        "/",
        2,
        "Quotient.",
        value=lambda ops, a, b: a / b,
        slope=_divide_slope,
        sympy=lambda sympy, a, b: sympy.Mul(a, sympy.Pow(b, -1)),
        gplearn="div",
    ),
    Operation(
        "aq",
        2,
        "Analytic quotient: a/sqrt(1 + b*b).",
        value=lambda ops, a, b: a / ops.sqrt(1.0 + b * b),
        slope=_analytic_slope,
        sympy=lambda sympy, a, b: sympy.Mul(
            a, sympy.Pow(sympy.sqrt(sympy.Add(1, sympy.Pow(b, 2))), -1)
        ),
        numpy="(({0})/np.sqrt(1.0 + np.square({1})))",
    ),
    Operation(
        "min",
        2,
        "Lesser one.",
        value=lambda ops, a, b: _select(ops, a < b, b < a, (a, b)),
        slope=lambda ops, value, a, b: _select(
            ops, a.value < b.value, b.value < a.value, (a.slope, b.slope)
        ),
        sympy=lambda sympy, a, b: _order(sympy, sympy.Min, a, b),
        numpy="np.minimum({0}, {1})",
        gplearn="min",
        commutative=True,
    ),
    Operation(
        "max",
        2,
        "Greater one.",
        value=lambda ops, a, b: _select(ops, a > b, b > a, (a, b)),
        slope=lambda ops, value, a, b: _select(
            ops, a.value > b.value, b.value > a.value, (a.slope, b.slope)
        ),
        sympy=lambda sympy, a, b: _order(sympy, sympy.Max, a, b),
        numpy="np.maximum({0}, {1})",
        gplearn="max",
        commutative=True,
    ),
    Operation(
        "total",
        1,
        "Sum over the classes of the sample, the same for each of them.",
        value=_total,
        slope=None,
        pull=lambda ops, adjoint, value, a: _total(ops, adjoint),
        sympy=lambda sympy, a: sympy.Function("total")(a),
        numpy="np.sum(np.broadcast_to({0}, y.shape), axis=-1, keepdims=True)",
    ),
)

_registry = {operation.name: operation for operation in _BUILT_IN}
