"""The operations that come with the package; the order is that of their op-codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glo_tf.expressions.operation import Dual, Operation

EPSILON = 1e-7
"""Keeps protected operations from their singularity; the project's default."""


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


BUILT_IN = (
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
