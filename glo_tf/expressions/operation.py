"""What an operation of expression trees is, and a value with its derivative."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.leaves import SPELLINGS

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
