"""The value of an expression, in whichever array library is asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from glo_tf.expressions import operations
from glo_tf.expressions.leaves import Surroundings, values
from glo_tf.expressions.prefix import PrefixList


def value_of(
    expression: PrefixList,
    y_true: Any,
    y_pred: Any,
    *,
    ops: Any,
    log_y_pred: Any = None,
    surroundings: Surroundings | None = None,
) -> Any:
    """The value of f(x, y), element-wise, with NaN and infinity as IEEE arithmetic gives them.

    Args:
        expression: The tree.
        y_true: Array x of true labels, any shape; the last axis is that of the classes.
        y_pred: Array y of predictions, same shape and dtype as `y_true`.
        ops: The library that computes: `numpy` or `keras.ops`.
        log_y_pred: log(y) where it is known better than from y, as from logits.
        surroundings: What leaves beside x and y are made of.

    Returns:
        Array of the common shape.

    Raises:
        ValueError: If the expression has a leaf that needs what is not known.
    """
    own: Sequence[float] = expression.coefficients
    leaves = values(y_true, y_pred)
    if expression.surroundings or expression.across:
        # A sum over the classes counts each, whatever else its operand depends on.
        zeros = ops.zeros_like(y_pred)
        y_true = zeros + y_true
        leaves = values(y_true, y_pred, surroundings, expression.surroundings, zeros=zeros)

    def combine(index: int, operands: Sequence[Any]) -> Any:
        node = expression.nodes[index]
        if isinstance(node, int):
            # An array even alone: in Python, 1.0/0.0 is an error instead of an infinity.
            value: Any = ops.full_like(y_pred, node)
        elif node in leaves:
            value = leaves[node]
        elif log_y_pred is not None and is_log_of_scaled_y(expression, index):
            value = log_y_pred + math.log(own[index + 1])
        else:
            value = operations.get(node).value(ops, *operands)
        return value if own[index] == 1.0 else value * own[index]

    return expression.fold(combine)


def is_log_of_scaled_y(expression: PrefixList, index: int, *, any_scale: bool = False) -> bool:
    """Whether node `index` is the logarithm of y times a positive coefficient, or any one."""
    return expression.nodes[index : index + 2] == ("log", "y") and (
        any_scale or expression.coefficients[index + 1] > 0
    )
