"""Readable infix text to expression tree and back; the round trip is exact.

Grammar (whitespace is free between tokens)::

    sum      := product (("+" | "-") product)*
    product  := signed (("*" | "/") signed)*
    signed   := "-" signed | atom
    atom     := NUMBER | "x" | "y" | "y_true" | "y_pred"
              | ("log" | "square" | "sqrt") "(" sum ")" | "(" sum ")"

An integer is a leaf (`-1` is one token where an operand is expected). A number with a point or an
exponent is a coefficient: `1.5*log(y)` is the node `log` with coefficient 1.5, a bare `0.5` is the
leaf 1 with coefficient 0.5. A minus sign before anything else negates that node's coefficient, so
`-(log(y) - x/y)` is the six-node Baikal tree with -1 at its root, not a seventh node.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence

from glo_tf.expression import MAX_DEPTH, Expression, Node

MAX_TEXT_LENGTH = 10_000
"""Longest text, in characters, that the parser accepts."""

_MAX_INTEGER = 2**31 - 1
_LEAVES = {"x": "x", "y": "y", "y_true": "x", "y_pred": "y"}
_FUNCTIONS = ("log", "square", "sqrt")
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<symbol>[-+*/()])|(?P<end>$))",
    re.ASCII,
)


class ParseError(ValueError):
    """Text that is not an expression; the message shows the column (counted from 1)."""

    def __init__(self, expected: str, text: str, position: int):
        # One line of at most 60 characters around the position, however long the text is.
        start = max(0, position - 40)
        excerpt = text[start : start + 60].replace("\n", " ").replace("\t", " ")
        column = position + 1
        pointer = " " * (position - start) + "^"
        super().__init__(f"Expected {expected} at column {column}.\n  {excerpt}\n  {pointer}")
        self.column = column


@dataclasses.dataclass
class _Tree:
    nodes: list[Node]
    coefficients: list[float]
    is_bare_number: bool = False  # a decimal outside parentheses: a factor if "*" follows

    def scaled(self, factor: float) -> _Tree:
        self.coefficients[0] *= factor
        return self


def parse(text: str) -> Expression:
    """Parses infix text into an `Expression`.

    Args:
        text: Such as `log(y) - x/y` or `-2.7*(0.98*log(1.5*y) - 1.8*(x/y))`. `y_true` and `y_pred`
            are accepted for x and y.

    Returns:
        The tree, with coefficients where the text has decimal factors or minus signs.

    Raises:
        TypeError: If `text` is not a string.
        ParseError: (a `ValueError`) if the text is not an expression, is longer than
            `MAX_TEXT_LENGTH`, or nests deeper than `MAX_DEPTH`; the message points at the column.
    """
    if not isinstance(text, str):
        raise TypeError(f"Expected expression text. Received: {type(text).__name__}")
    if len(text) > MAX_TEXT_LENGTH:
        raise ParseError(
            f"at most {MAX_TEXT_LENGTH} characters (received {len(text)})", text, MAX_TEXT_LENGTH
        )
    return _Parser(text).expression()


class _Parser:
    def __init__(self, text: str):
        self.text = text
        self.nesting = 0
        self.end_of_last = 0
        self.advance()

    def fail(self, expected: str, position: int | None = None) -> ParseError:
        return ParseError(expected, self.text, self.start if position is None else position)

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.end_of_last)
        if match is None:
            rest = self.text[self.end_of_last :]
            position = self.end_of_last + len(rest) - len(rest.lstrip())
            raise self.fail("a number, a name, an operator or a parenthesis", position)
        self.kind = str(match.lastgroup)
        self.token = match.group(self.kind)
        self.start, self.end_of_last = match.span(self.kind)

    def expression(self) -> Expression:
        tree = self.sum()
        if self.kind != "end":
            raise self.fail("an operator or the end of the text")
        try:
            return Expression(tuple(tree.nodes), tuple(tree.coefficients))
        except ValueError as error:
            raise self.fail(f"an expression within limits ({error})", 0) from error

    def sum(self) -> _Tree:
        left = self.product()
        while self.token in ("+", "-"):
            left = self.operation(left, self.product)
        return left

    def product(self) -> _Tree:
        left = self.signed()
        while self.token in ("*", "/"):
            if self.token == "*" and left.is_bare_number:
                self.advance()
                left = self.signed().scaled(left.coefficients[0])
            else:
                left = self.operation(left, self.signed)
        return left

    def operation(self, left: _Tree, parse_right: Callable[[], _Tree]) -> _Tree:
        operator = self.token
        self.advance()
        right = parse_right()
        return _Tree(
            [operator, *left.nodes, *right.nodes],
            [1.0, *left.coefficients, *right.coefficients],
        )

    def signed(self) -> _Tree:
        if self.token != "-":
            return self.atom()
        self.advance()
        if self.kind == "number" and self.token.isdigit():
            tree = self.atom()
            tree.nodes[0] = -int(tree.nodes[0])
            return tree
        self.enter()
        tree = self.signed().scaled(-1.0)
        self.nesting -= 1
        return tree

    def enter(self) -> None:
        self.nesting += 1
        if self.nesting > MAX_DEPTH:
            raise self.fail(f"nesting of at most {MAX_DEPTH} levels")

    def atom(self) -> _Tree:
        kind, token, position = self.kind, self.token, self.start
        self.advance()
        if kind == "number":
            if not token.isdigit():
                return _Tree([1], [float(token)], is_bare_number=True)
            if int(token) > _MAX_INTEGER:
                raise self.fail(f"an integer of at most {_MAX_INTEGER}", position)
            return _Tree([int(token)], [1.0])
        if kind == "name" and token in _LEAVES:
            return _Tree([_LEAVES[token]], [1.0])
        if kind == "name" and token in _FUNCTIONS:
            if self.token != "(":
                raise self.fail(f"'(' after {token}")
            self.advance()
            tree = self.parenthesised()
            return _Tree([token, *tree.nodes], [1.0, *tree.coefficients])
        if token == "(":
            return self.parenthesised()
        names = ", ".join((*_LEAVES, *_FUNCTIONS))
        what = f"one of {names} (received '{token}')" if kind == "name" else "a number, name or '('"
        raise self.fail(what, position)

    def parenthesised(self) -> _Tree:
        self.enter()
        tree = self.sum()
        if self.token != ")":
            raise self.fail("')' or an operator")
        self.advance()
        self.nesting -= 1
        tree.is_bare_number = False
        return tree


# How tightly a text binds. _TERM stands between: fine right of "+", not left of "*".
_SUM, _TERM, _PRODUCT, _ATOM = 1, 2, 3, 4


def to_text(expression: Expression) -> str:
    """Infix text that `parse` turns back into the same expression."""

    def wrap(operand: tuple[str, int], least: int) -> str:
        text, precedence = operand
        return text if precedence >= least else f"({text})"

    def plain(node: Node, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        if isinstance(node, int):
            return str(node), _ATOM if node >= 0 else _SUM
        if not operands:
            return node, _ATOM
        if len(operands) == 1:
            return f"{node}({operands[0][0]})", _ATOM
        left, right = operands
        if node in "+-":
            return f"{wrap(left, _SUM)} {node} {wrap(right, _TERM)}", _SUM
        return f"{wrap(left, _PRODUCT)}{node}{wrap(right, _ATOM)}", _PRODUCT

    def combine(index: int, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        node, factor = expression.nodes[index], expression.coefficients[index]
        unscaled = plain(node, operands)
        if factor == 1.0:
            return unscaled
        if node == 1 and factor != -1.0:
            return repr(factor), _TERM if factor > 0 else _SUM
        if factor == -1.0:
            # "-1" would be the integer leaf, so an integer keeps its parentheses.
            body = f"({unscaled[0]})" if isinstance(node, int) else wrap(unscaled, _ATOM)
            return f"-{body}", _SUM
        return f"{factor!r}*{wrap(unscaled, _ATOM)}", _PRODUCT if factor > 0 else _SUM

    text, _ = expression.fold(combine)
    return str(text)
