"""A loss for readers and other frameworks: simplified algebra, and NumPy source."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from glo_tf.data.outputs import LEAST_FREQUENCY, Activation
from glo_tf.expressions import operations
from glo_tf.expressions.leaves import LABEL_AND_PREDICTION, LEAVES, Surroundings, check_known
from glo_tf.expressions.prefix import arity
from glo_tf.expressions.printing import infix
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import is_log_of_scaled_y

if TYPE_CHECKING:
    from sympy import Expr

    from glo_tf.losses.expression_loss import ExpressionLoss
    from glo_tf.losses.inputs import Numbers


_NUMPY = "np"
_MAX_HEIGHT = 12  # levels of a tree that one line of source may have


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
        An expression in symbols of the leaves.
    """
    from glo_tf.expressions.symbolic import simplified

    return simplified(expression, probabilities=probabilities)


def python(loss: ExpressionLoss) -> str:
    """Source of a function `name(y_true, y_pred)` of NumPy arrays: one loss per sample.

    It needs nothing but NumPy. Its arguments are those of the loss's call, and where the loss sees
    them `progress` and `sample_weight`; frequencies are written into it. It reduces over the
    classes and not over the samples. It is named like the loss where that is a name in every
    Python, of ASCII letters, and of nothing else; else what cannot be in a name becomes `_`, and
    `loss_` stands before it.
    """
    lines = [
        "import numpy as np",
        "",
        "",
        f"def {_function_name(loss.name)}({', '.join(['y_true', 'y_pred', *_more(loss)])}):",
        f'    """{loss.expression} per class; one value per sample."""',
        "    z = np.asarray(y_pred, dtype=np.float64)",
        *_prediction_lines(loss),
        "    x = np.asarray(y_true, dtype=np.float64)",
        *_label_lines(loss),
        *_surroundings(loss),
        '    with np.errstate(all="ignore"):',
        *_term_lines(loss),
    ]
    total = "terms.sum(axis=-1)" if loss.two_sided else "terms"
    found = f"{total}.{loss.class_reduction}(axis=-1)"
    ignores = loss.ignore_class is not None
    lines.append(f"    return np.where(counts, {found}, 0.0)" if ignores else f"    return {found}")
    return "\n".join(lines) + "\n"


def _prediction_lines(loss: ExpressionLoss) -> list[str]:
    """What makes y of predictions z, and log(y) of logits."""
    lines = []
    if loss.two_sided:
        lines.append("    z = z[..., np.newaxis]  # each label is two classes")
    if loss.units:
        mean, deviation = (_numbers(part) for part in loss.units.values())
        lines.append(f"    y = (z - {mean}) / {deviation}")
    elif not loss.probabilities:
        lines.append("    y = z")
    elif loss.from_logits and loss.activation == Activation.SIGMOID:
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
    return lines


def _label_lines(loss: ExpressionLoss) -> list[str]:
    """What makes x of labels, and where a class is ignored `counts`, which is where it is not."""
    lines = []
    if loss.sparse:
        lines.append("    x = x.reshape((*y.shape[:-1], 1))")
        if loss.ignore_class is not None:
            lines += [
                f"    counts = x[..., 0] != {loss.ignore_class}",
                "    x = np.where(counts[..., np.newaxis], x, 0)",
            ]
        lines += [
            "    known = (x >= 0) & (x < y.shape[-1]) & (x == np.floor(x))",
            "    x = np.where(known, x == np.arange(y.shape[-1]), np.nan)",
        ]
    elif loss.two_sided:
        lines.append("    x = x.reshape((*z.shape[:-1], 1))")
    else:
        lines += ["    if x.ndim < z.ndim:", "        x = x[..., np.newaxis]"]
    if loss.probabilities and not loss.sparse:
        lines += [
            "    if x.shape[-1] == 1:",
            "        x = np.concatenate([1.0 - x, x], axis=-1)",
        ]
    if loss.units:
        mean, deviation = (_numbers(part) for part in loss.units.values())
        lines.append(f"    x = (x - {mean}) / {deviation}")
    if loss.label_smoothing:
        count = "2" if loss.activation == Activation.SIGMOID else "y.shape[-1]"
        lines.append(f"    x = x + {float(loss.label_smoothing)!r} * (1.0 / {count} - x)")
    return lines


def _term_lines(loss: ExpressionLoss) -> list[str]:
    """What makes the terms of the classes, of the shape of y."""
    *steps, last = _numpy_lines(loss.tree, loss.from_logits)
    lines = [f"        t{place} = {step}" for place, step in enumerate(steps)]
    if loss.tree.across or not set(LABEL_AND_PREDICTION) & set(loss.tree.nodes):
        last = f"np.broadcast_to({last}, y.shape)"
    return [*lines, f"        terms = {last}"]


def _numbers(numbers: Numbers) -> str:
    return f"np.array({list(numbers)!r})" if isinstance(numbers, Sequence) else repr(numbers)


def _more(loss: ExpressionLoss) -> list[str]:
    """Parameters beside labels and predictions."""
    own = None if loss.progress is None else repr(loss.progress)
    progress = ["progress" if own is None else f"progress={own}"] * loss.sees_progress
    return [*progress, *["sample_weight=1.0"] * loss.tree.needs("weights")]


def _surroundings(loss: ExpressionLoss) -> list[str]:
    """Lines that give leaves beside x and y their values."""
    if not loss.tree.surroundings:
        return []
    lines = []
    if loss.tree.needs("frequencies"):
        check_known(loss.tree.surroundings, Surroundings(loss.frequencies, 0.0, classes=1))
        lines.append(f"    frequencies = np.array({list(loss.frequencies or ())!r})")
        if loss.activation == Activation.SOFTMAX:
            lines.append("    frequencies = frequencies / frequencies.sum()")
        elif loss.two_sided:
            lines.append("    frequencies = np.stack([1.0 - frequencies, frequencies], axis=-1)")
        lines.append(f"    frequencies = np.maximum(frequencies, {LEAST_FREQUENCY!r})")
    if loss.tree.needs("weights"):
        lines += [
            "    sample_weight = np.asarray(sample_weight, dtype=np.float64)",
            "    missing = y.ndim - sample_weight.ndim",
            "    sample_weight = sample_weight.reshape(sample_weight.shape + (1,) * missing)",
        ]
    for name in loss.tree.surroundings:
        value = LEAVES[name].value
        assert value is not None
        source = value(_Source.surroundings())
        lines.append(f"    {name} = {source}")
    return lines


class _Source(str):
    """Source of what leaves are made of: arithmetic on it is written down."""

    @classmethod
    def surroundings(cls) -> Surroundings:
        names = ("frequencies", "progress", "sample_weight", "y.shape[-1]")
        return Surroundings(*map(cls, names))

    def _written(self, other: object, sign: str, *, swapped: bool = False) -> _Source:
        left, right = (other, self) if swapped else (self, other)
        return _Source(f"({left} {sign} {right})")

    def __add__(self, other: object) -> _Source:
        return self._written(other, "+")

    def __radd__(self, other: object) -> _Source:
        return self._written(other, "+", swapped=True)

    def __sub__(self, other: object) -> _Source:
        return self._written(other, "-")

    def __rsub__(self, other: object) -> _Source:
        return self._written(other, "-", swapped=True)

    def __mul__(self, other: object) -> _Source:
        return self._written(other, "*")

    def __rmul__(self, other: object) -> _Source:
        return self._written(other, "*", swapped=True)

    def __truediv__(self, other: object) -> _Source:
        return self._written(other, "/")

    def __rtruediv__(self, other: object) -> _Source:
        return self._written(other, "/", swapped=True)

    def __pow__(self, other: object) -> _Source:
        return self._written(other, "**")

    def __neg__(self) -> _Source:
        return _Source(f"(-{self})")


def _function_name(name: str) -> str:
    """A name that is neither Python's nor one that the source uses outside its function."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII)
    is_own = re.fullmatch(r"[A-Za-z]\w*", plain) and plain != _NUMPY
    is_python = keyword.iskeyword(plain) or keyword.issoftkeyword(plain) or hasattr(builtins, plain)
    return plain if is_own and not is_python else f"loss_{plain}"


def _numpy_lines(expression: Expression, from_logits: bool) -> list[str]:
    """Python's source of an expression: of its deep parts in turn, as t0, t1, ..., then of itself.

    Python refuses parentheses in parentheses beyond some depth.
    """

    def call(index: int, operands: Sequence[str]) -> str:
        if from_logits and is_log_of_scaled_y(expression, index):  # as the loss does, unclipped
            factor = expression.coefficients[index + 1]
            return "log_y" if factor == 1.0 else f"(log_y + np.log({factor!r}))"
        return operations.get(str(expression.nodes[index])).numpy.format(*operands)

    lines: list[str] = []

    def part(index: int, text: str) -> str | None:
        if index == 0 or heights[index] == 0 or heights[index] % _MAX_HEIGHT:
            return None
        lines.append(text)
        return f"t{len(lines) - 1}"

    heights = _heights(expression)
    # Python refuses 1/0, where IEEE has an infinity.
    exact = _has_operation_on_constants(expression)
    text = infix(expression, call, number="np.float64({})".format if exact else str, part=part)
    return [*lines, text]


def _heights(expression: Expression) -> dict[int, int]:
    """Edges from each node to the deepest leaf below it."""
    heights: dict[int, int] = {}

    def combine(index: int, operands: Sequence[int]) -> int:
        heights[index] = 1 + max(operands) if operands else 0
        return heights[index]

    expression.fold(combine)
    return heights


def _has_operation_on_constants(expression: Expression) -> bool:
    for start, node in enumerate(expression.nodes):
        subtree = expression.nodes[start : expression.subtree_end(start)]
        if arity(node) and not LEAVES.keys() & set(subtree):
            return True
    return False
