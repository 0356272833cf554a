"""A loss for readers and other frameworks: simplified algebra, and NumPy source."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from glo_tf import nodes
from glo_tf.evaluation import is_log_of_scaled_y
from glo_tf.expression import Expression, arity
from glo_tf.printing import infix

if TYPE_CHECKING:
    from sympy import Expr

    from glo_tf.losses import ExpressionLoss


def simplified(expression: Expression, *, probabilities: bool = True) -> Expr:
    """The shortest equal form that is found with SymPy in bounded work, mostly in milliseconds.

    Forms are compared with the expression on fixed points, and those that differ are left out; if
    none is left, as for trees that are too large to be rearranged, the result is that of
    `Expression.sympy`. Numbers are rounded to six significant digits, or to as many as keep the
    value to that precision. Terms that have no derivative with respect to y stay: they change the
    loss, though not the training.

    Args:
        expression: The tree.
        probabilities: Whether x is at least 0 and y positive, as labels and predictions of classes
            are; else both are any real numbers.

    Returns:
        An expression in the symbols x and y.
    """
    from glo_tf.symbolic import simplified

    return simplified(expression, probabilities=probabilities)


def python(loss: ExpressionLoss) -> str:
    """Source of a function `name(y_true, y_pred)` of NumPy arrays: one loss per sample.

    It needs nothing but NumPy. Its arguments are those of the loss's call; it reduces over the
    classes and not over the samples.
    """
    name = re.sub(r"\W", "_", loss.name)
    name = (
        f"_{name}" if not name.isidentifier() or keyword.iskeyword(name) or name == "np" else name
    )
    lines = [
        "import numpy as np",
        "",
        "",
        f"def {name}(y_true, y_pred):",
        f'    """{loss.expression} per class; one value per sample."""',
        "    z = np.asarray(y_pred, dtype=float)",
    ]
    independent = loss.activation == "sigmoid"
    if loss.epsilon is None:
        lines.append("    y = z")
    elif loss.from_logits and independent:
        lines += [
            "    if z.shape[-1] == 1:",
            "        z = np.concatenate([-z, z], axis=-1)",
            "    log_y = -np.logaddexp(0.0, -z)",
            f"    y = np.maximum(np.exp(log_y), {loss.epsilon!r})",
        ]
    elif loss.from_logits:
        lines += [
            "    if z.shape[-1] == 1:",
            "        z = np.concatenate([np.zeros_like(z), z], axis=-1)  # softmax is a sigmoid",
            "    z = z - z.max(axis=-1, keepdims=True)",
            "    log_y = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))",
            f"    y = np.maximum(np.exp(log_y), {loss.epsilon!r})",
        ]
    else:
        lines += [
            "    if z.shape[-1] == 1:",
            "        z = np.concatenate([1.0 - z, z], axis=-1)",
            f"    y = np.clip(z, {loss.epsilon!r}, 1.0)",
        ]
    if loss.sparse:
        lines += [
            "    x = np.asarray(y_true, dtype=int)",
            "    x = x.reshape(y.shape[:-1])",
            "    x = np.eye(y.shape[-1])[x]",
        ]
    elif loss.epsilon is None:
        lines.append("    x = np.asarray(y_true, dtype=float)")
    else:
        lines += [
            "    x = np.asarray(y_true, dtype=float)",
            "    if x.shape[-1] == 1:",
            "        x = np.concatenate([1.0 - x, x], axis=-1)",
        ]
    if loss.label_smoothing:
        count = "2" if independent else "y.shape[-1]"
        lines.append(f"    x = x + {loss.label_smoothing!r} * (1.0 / {count} - x)")
    lines += [
        '    with np.errstate(all="ignore"):',
        f"        terms = {_numpy_text(loss.tree, loss.from_logits)} + 0.0 * y",
        f"    return terms.{loss.class_reduction}(axis=-1)",
    ]
    return "\n".join(lines) + "\n"


def _numpy_text(expression: Expression, from_logits: bool) -> str:
    """The expression's own text, which is also Python but for functions and constants."""

    def call(index: int, operands: Sequence[str]) -> str:
        if from_logits and is_log_of_scaled_y(expression, index):  # as the loss does, unclipped
            factor = expression.coefficients[index + 1]
            return "log_y" if factor == 1.0 else f"(log_y + np.log({factor!r}))"
        return nodes.get(str(expression.nodes[index])).numpy.format(*operands)

    # Python refuses 1/0, where IEEE has an infinity.
    exact = _has_operation_on_constants(expression)
    return infix(expression, call, number="np.float64({})".format if exact else str)


def _has_operation_on_constants(expression: Expression) -> bool:
    for start, node in enumerate(expression.nodes):
        subtree = expression.nodes[start : expression.subtree_end(start)]
        if arity(node) and not {"x", "y"} & set(subtree):
            return True
    return False
