"""Readable infix text to expression tree; `str` of an expression is the way back.

Grammar (whitespace is free between tokens)::

    sum      := product (("+" | "-") product)*
    product  := signed (("*" | "/") signed)*
    signed   := "-" signed | atom
    atom     := NUMBER | LEAF | "(" sum ")" | NAME "(" sum ("," sum)* ")"

LEAF is one of `glo_tf.leaves`, by either of its names: x or `y_true`. NAME is an
operation of `glo_tf.nodes` and has as many operands as that: `log(y)`, `min(x, y)`.

An integer is a leaf (`-1` is one token where an operand is expected). A number with a point or an
exponent is a coefficient: `1.5*log(y)` is the node `log` with coefficient 1.5, a bare `0.5` is the
leaf 1 with coefficient 0.5. A minus sign before anything else negates that node's coefficient, so
`-(log(y) - x/y)` is the six-node Baikal tree with -1 at its root, not a seventh node.
"""

from __future__ import annotations

import dataclasses
import re

from glo_tf.errors import InvalidArgumentTypeError
from glo_tf.errors import ParseError as ParseError
from glo_tf.expressions import leaves, operations
from glo_tf.expressions.leaves import SPELLINGS
from glo_tf.expressions.prefix import MAX_DEPTH, MAX_INTEGER, MAX_NODES, Node, PrefixList
from glo_tf.utils.alike import did_you_mean

MAX_TEXT_LENGTH = 100_000
"""Longest text, in characters, that the parser accepts; the largest tree's text is shorter."""

_MAX_NESTING = 4 * MAX_DEPTH  # of the text: a node is printed with at most three
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<symbol>[-+*/(),])|(?P<end>$))",
    re.ASCII,
)


@dataclasses.dataclass
class _Tree:
    nodes: list[Node]
    coefficients: list[float]
    is_bare_number: bool = False  # a decimal outside parentheses: a factor if "*" follows

    def scale(self, factor: float) -> None:
        self.coefficients[0] *= factor


def parse(text: str) -> PrefixList:
    """Parses infix text into a tree; see `glo_tf.Expression.parse`.

    Args:
        text: Such as `log(y) - x/y` or `-2.7*(0.98*log(1.5*y) - 1.8*(x/y))`. `y_true` and `y_pred`
            are accepted for x and y.

    Returns:
        The tree, with coefficients where the text has decimal factors or minus signs.

    Raises:
        TypeError: If `text` is not a string.
        ParseError: (a `ValueError`) if the text is not an expression, is longer than
            `MAX_TEXT_LENGTH`, or exceeds the limits of an expression; the message points at the
            column.
        PluginError: (a `ValueError`) if an installed package has an operation of the text, and it
            cannot be loaded.
    """
    if not isinstance(text, str):
        raise InvalidArgumentTypeError(f"Expected expression text. Received: {type(text).__name__}")
    if len(text) > MAX_TEXT_LENGTH:
        raise ParseError(
            f"at most {MAX_TEXT_LENGTH} characters (received {len(text)})", text, MAX_TEXT_LENGTH
        )
    return _Parser(text).expression()


class _Parser:
    """Operator-precedence parser with a stack of its own, so that no input exhausts Python's.

    `trees` holds finished operands, `pending` what waits for one: "(" or a function with its
    parenthesis, as "log(", "," for the next operand of a function, "neg" for a minus sign, an infix
    operator, or "factor" for the last of `factors`.
    """

    def __init__(self, text: str):
        self.text = text
        self.end_of_last = 0
        self.nesting = 0
        self.trees: list[_Tree] = []
        self.pending: list[str] = []
        self.factors: list[float] = []
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

    def expression(self) -> PrefixList:
        self.operand()
        while self.kind != "end":
            if self.token == ")":
                self.close()
            elif self.token == ",":
                self.separate()
                self.operand()
            elif self.token in operations.INFIX:
                self.operator()
                self.operand()
            else:
                raise self.fail(self.missing())
        self.reduce("+", "-")
        if self.pending:
            raise self.fail(self.missing())
        (tree,) = self.trees
        try:
            return PrefixList(tuple(tree.nodes), tuple(tree.coefficients))
        except ValueError as error:
            raise self.fail(f"an expression within limits ({error})", 0) from error

    def missing(self) -> str:
        to_come = self.operands_to_come()
        if to_come is None:
            return "an operator or the end of the text"
        return "',' or an operator" if to_come else "')' or an operator"

    def operands_to_come(self) -> int | None:
        """How many more the innermost open parenthesis asks for; None if none is open."""
        given = 1
        for item in reversed(self.pending):
            if item.endswith("("):
                function = item[:-1]
                return operations.get(function).arity - given if function else 0
            given += item == ","
        return None

    def operand(self) -> None:
        """Reads opening parentheses, functions and signs up to a leaf, and the leaf."""
        while True:
            kind, token, position = self.kind, self.token, self.start
            self.advance()
            if token == "-" and self.kind == "number" and self.token.isdigit():
                position, digits = self.start, self.token
                self.advance()
                return self.finish(_Tree([-self.integer(digits, position)], [1.0]))
            if kind == "number" and token.isdigit():
                return self.finish(_Tree([self.integer(token, position)], [1.0]))
            if kind == "number":
                return self.finish(_Tree([1], [float(token)], is_bare_number=True))
            if token in SPELLINGS or (
                kind == "name" and not operations.is_known(token) and leaves.find(token) is not None
            ):
                return self.finish(_Tree([SPELLINGS[token]], [1.0]))
            if kind == "name" and operations.find(token) is not None:
                if self.token != "(":
                    raise self.fail(f"'(' after {token}")
                self.advance()
                token = f"{token}("
            elif kind == "name" and (leaf := leaves.spelled(token)) is not None:
                return self.finish(_Tree([leaf], [1.0]))
            elif kind == "name":
                names = (*SPELLINGS, *_functions())
                alike = did_you_mean(token[:20], names)
                expected = f"one of {', '.join(names)} (received '{token:.20}'){alike}"
                raise self.fail(expected, position)
            elif token not in ("-", "("):
                raise self.fail("a number, name or '('", position)
            self.nesting += 1
            if self.nesting > _MAX_NESTING:
                raise self.fail(f"nesting of at most {_MAX_NESTING} levels", position)
            self.pending.append("neg" if token == "-" else token)

    def integer(self, token: str, position: int) -> int:
        digits = token.lstrip("0") or "0"
        # Their number first: Python refuses to convert thousands of digits.
        if len(digits) > len(str(MAX_INTEGER)) or int(digits) > MAX_INTEGER:
            raise self.fail(f"an integer of at most {MAX_INTEGER}", position)
        return int(digits)

    def finish(self, tree: _Tree) -> None:
        """Takes a complete operand: what binds as tightly as a sign, a factor, * or / is done."""
        while self.pending and self.pending[-1] == "neg":
            self.pending.pop()
            self.nesting -= 1
            tree.scale(-1.0)
        if self.pending and self.pending[-1] == "factor":
            self.pending.pop()
            tree.scale(self.factors.pop())
        self.trees.append(tree)
        self.reduce("*", "/")

    def operator(self) -> None:
        if self.token in ("+", "-"):
            self.reduce("+", "-")
        if self.token == "*" and self.trees[-1].is_bare_number:
            self.factors.append(self.trees.pop().coefficients[0])
            self.pending.append("factor")
        else:
            self.pending.append(self.token)
        self.advance()

    def reduce(self, *operators: str) -> None:
        """Joins the last two operands if one of `operators` waits for the second."""
        if self.pending and self.pending[-1] in operators:
            self.trees.append(self.join(self.pending.pop(), operand_count=2))

    def join(self, node: str, operand_count: int) -> _Tree:
        """A node over the last trees."""
        operands = self.trees[-operand_count:]
        del self.trees[-operand_count:]
        nodes: list[Node] = [node]
        coefficients = [1.0]
        for operand in operands:
            nodes += operand.nodes
            coefficients += operand.coefficients
        if len(nodes) > MAX_NODES:
            raise self.fail(f"at most {MAX_NODES} nodes")
        return _Tree(nodes, coefficients)

    def separate(self) -> None:
        """Takes the "," after an operand of a function."""
        self.reduce("+", "-")
        if not self.operands_to_come():
            raise self.fail(self.missing())
        self.pending.append(",")
        self.advance()

    def close(self) -> None:
        self.reduce("+", "-")
        if self.operands_to_come() != 0:
            raise self.fail(self.missing())
        operand_count = 1
        while self.pending[-1] == ",":
            self.pending.pop()
            operand_count += 1
        function = self.pending.pop()[:-1]
        tree = self.join(function, operand_count) if function else self.trees.pop()
        self.nesting -= 1
        self.advance()
        tree.is_bare_number = False
        self.finish(tree)


def _functions() -> list[str]:
    return [name for name in operations.names() if name not in operations.INFIX]
