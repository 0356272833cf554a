"""The value of an expression, in whichever array library is asked."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from glo_tf.expression import Expression

_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def evaluate(
    expression: Expression,
    y_true: Any,
    y_pred: Any,
    *,
    ops: Any,
    coefficients: Any = None,
) -> Any:
    """Evaluates f(x, y) element-wise, NaN and infinity as IEEE arithmetic gives them.

    Args:
        expression: The tree.
        y_true: Array x of true labels, any shape.
        y_pred: Array y of predictions, same shape and dtype as `y_true`.
        ops: The library that computes: `numpy`, `keras.ops` or `tensorflow.math`; anything with
            `log`, `square` and `sqrt` whose arrays know the four operators.
        coefficients: Vector with one factor per node (a tensor, say). The expression's own if None.

    Returns:
        Array of the common shape, or a scalar if the tree has neither x nor y.
    """
    own: Sequence[float] = expression.coefficients

    def combine(index: int, operands: Sequence[Any]) -> Any:
        node = expression.nodes[index]
        if isinstance(node, int):
            value: Any = float(node)
        elif node == "x":
            value = y_true
        elif node == "y":
            value = y_pred
        elif node in _BINARY:
            value = _BINARY[node](*operands)
        else:
            value = getattr(ops, node)(*operands)
        if coefficients is not None:
            return value * coefficients[index]
        return value if own[index] == 1.0 else value * own[index]

    return expression.fold(combine)
