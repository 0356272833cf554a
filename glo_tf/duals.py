"""Forward-mode differentiation: values that carry their derivative with respect to y along.

A loss is element-wise in y, so its exact derivative takes one pass beside the value. The rules here
are the only ones: the interpreter, the translator and the screening run them in TensorFlow and in
NumPy, and so agree on what is finite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Dual(NamedTuple):
    """A value, its derivative with respect to y, and whether it has one.

    What does not depend on y contributes no derivative, rather than 0 times what may be infinite:
    the derivative of sqrt(x)*y at x = 0 is 0, as reverse-mode differentiation finds.
    """

    value: Any
    slope: Any
    depends: Any


def _divide(ops: Any, a: Dual, b: Dual) -> tuple[Any, Any]:
    quotient = a.value / b.value
    numerator = ops.where(a.depends, a.slope / b.value, 0.0)
    return quotient, numerator - ops.where(b.depends, quotient * b.slope / b.value, 0.0)


def _multiply(ops: Any, a: Dual, b: Dual) -> tuple[Any, Any]:
    left = ops.where(a.depends, a.slope * b.value, 0.0)
    return a.value * b.value, left + ops.where(b.depends, a.value * b.slope, 0.0)


def _sqrt(ops: Any, a: Dual) -> tuple[Any, Any]:
    root = ops.sqrt(a.value)
    return root, a.slope * 0.5 / root


def _exp(ops: Any, a: Dual) -> tuple[Any, Any]:
    value = ops.exp(a.value)
    return value, value * a.slope


Operation = Callable[..., tuple[Any, Any]]

OPERATIONS: dict[str, Operation] = {
    "identity": lambda ops, a: (a.value, a.slope),
    "log": lambda ops, a: (ops.log(a.value), a.slope / a.value),
    "square": lambda ops, a: (a.value * a.value, 2.0 * a.value * a.slope),
    "sqrt": _sqrt,
    "exp": _exp,
    "sin": lambda ops, a: (ops.sin(a.value), ops.cos(a.value) * a.slope),
    "cos": lambda ops, a: (ops.cos(a.value), -ops.sin(a.value) * a.slope),
    "+": lambda ops, a, b: (a.value + b.value, a.slope + b.slope),
    "-": lambda ops, a, b: (a.value - b.value, a.slope - b.slope),
    "*": _multiply,
    "/": _divide,
}
"""Value and slope of every operation, in any library with NumPy's functions (`ops`)."""
