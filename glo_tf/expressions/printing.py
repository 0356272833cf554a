"""Tree to text: as `glo_tf.expressions.parsing` reads it, and in other infix languages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from glo_tf.expressions.operations import INFIX
from glo_tf.expressions.prefix import PrefixList

# How tightly a text binds. _TERM stands between: fine right of "+", not left of "*".
_SUM, _TERM, _PRODUCT, _ATOM = 1, 2, 3, 4


def to_text(expression: PrefixList) -> str:
    """Infix text that `glo_tf.Expression.parse` turns back into the same expression, exactly."""

    def call(index: int, operands: Sequence[str]) -> str:
        return f"{expression.nodes[index]}({', '.join(operands)})"

    return infix(expression, call, number=str)


def infix(
    expression: PrefixList,
    call: Callable[[int, Sequence[str]], str],
    number: Callable[[str], str],
    part: Callable[[int, str], str | None] = lambda index, text: None,
) -> str:
    """Text of an expression in a language with the four infix operators.

    Args:
        expression: The tree.
        call: `call(index, operands)`: text of node `index`, which is not infix. It binds as tightly
            as a call.
        number: Text of a number that is not negative, given its decimal text.
        part: `part(index, text)`: a name to stand for the text of node `index`; None for none.
    """

    def signed(value: float) -> str:
        text = repr(value)
        return f"-{number(text[1:])}" if text.startswith("-") else number(text)

    def wrap(operand: tuple[str, int], least: int) -> str:
        text, precedence = operand
        return text if precedence >= least else f"({text})"

    def plain(index: int, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        node = expression.nodes[index]
        if isinstance(node, int):
            return signed(node), _ATOM if node >= 0 else _SUM
        if not operands:
            return node, _ATOM
        if node not in INFIX:
            return call(index, [text for text, _ in operands]), _ATOM
        left, right = operands
        if node in "+-":
            return f"{wrap(left, _SUM)} {node} {wrap(right, _TERM)}", _SUM
        return f"{wrap(left, _PRODUCT)}{node}{wrap(right, _ATOM)}", _PRODUCT

    def named(index: int, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        written = combine(index, operands)
        name = part(index, written[0])
        return written if name is None else (name, _ATOM)

    def combine(index: int, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        node, factor = expression.nodes[index], expression.coefficients[index]
        unscaled = plain(index, operands)
        if factor == 1.0:
            return unscaled
        if node == 1 and factor != -1.0:
            return signed(factor), _TERM if factor > 0 else _SUM
        if factor == -1.0:
            # "-1" would be the integer leaf, so an integer keeps its parentheses.
            body = f"({unscaled[0]})" if isinstance(node, int) else wrap(unscaled, _ATOM)
            return f"-{body}", _SUM
        return f"{signed(factor)}*{wrap(unscaled, _ATOM)}", _PRODUCT if factor > 0 else _SUM

    text, _ = expression.fold(named)
    return str(text)
