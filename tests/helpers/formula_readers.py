"""LaTeX and MathML back to values: independent of what writes them.

Both readers know the notation of formulas, and nothing of trees or SymPy. A formula becomes Python
functions of x and y, which compute in IEEE arithmetic.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np

Value = Callable[[np.ndarray, np.ndarray], np.ndarray]

FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "atan": np.arctan,
    "arctan": np.arctan,
    "exp": np.exp,
    "min": np.minimum,
    "max": np.maximum,
    "Abs": np.abs,
    "sqrt": np.sqrt,
}


def number(text: str) -> Value:
    return lambda x, y: np.full_like(y, float(text))


def apply(function: Callable[..., np.ndarray], *operands: Value) -> Value:
    return lambda x, y: function(*(operand(x, y) for operand in operands))


def power(base: Value, exponent: Value) -> Value:
    def compute(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        found, raised = base(x, y), exponent(x, y)
        return found * found if raised.flat[0] == 2.0 else np.power(found, raised)

    return compute


LEAVES: dict[str, Value] = {"x": lambda x, y: x, "y": lambda x, y: y}


class LatexReader:
    """sum := ["-"] product (("+" | "-") product)*; product := power+, with or without a dot."""

    TOKEN = re.compile(
        r"\s*(?P<token>\\left[(|]|\\right[)|]|\\[a-z]+|\d+\.?\d*|[a-z]|[-+^{}(),|])", re.ASCII
    )

    def __init__(self, text: str):
        self.tokens, end = [], 0
        while end < len(text.rstrip()):
            match = self.TOKEN.match(text, end)
            assert match, text[end:]
            self.tokens.append(match["token"])
            end = match.end()
        self.place = 0

    def read(self) -> Value:
        value = self.sum()
        assert self.place == len(self.tokens), self.tokens[self.place :]
        return value

    @property
    def next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.next
        assert not expected or token in expected, (token, expected)
        self.place += 1
        return token

    def sum(self) -> Value:
        if self.next == "-":
            self.take()
            value = apply(np.negative, self.product())
        else:
            value = self.product()
        while self.next in ("+", "-"):
            sign = np.add if self.take() == "+" else np.subtract
            value = apply(sign, value, self.product())
        return value

    def product(self) -> Value:
        value = self.power()
        while self.next not in ("", "+", "-", ",", "}", r"\right)", r"\right|"):
            dotted = self.next == r"\cdot"
            if dotted:
                self.take()
            assert dotted or self.next[0] not in "0123456789", "digits side by side"
            assert dotted or self.next != r"\left(", "read as the argument of a function"
            value = apply(np.multiply, value, self.power())
        return value

    def power(self) -> Value:
        value = self.atom()
        if self.next == "^":
            self.take()
            value = power(value, self.braces())
            assert self.next != "^"
        return value

    def braces(self) -> Value:
        self.take("{")
        value = self.sum()
        self.take("}")
        return value

    def parentheses(self) -> list[Value]:
        self.take(r"\left(")
        values = [self.sum()]
        while self.next == ",":
            self.take()
            values.append(self.sum())
        self.take(r"\right)")
        return values

    def atom(self) -> Value:
        token = self.next
        if token == r"\left(":
            (value,) = self.parentheses()
            return value
        self.take()
        if token in LEAVES:
            return LEAVES[token]
        if token[0].isdigit():
            if self.tokens[self.place : self.place + 4] == [r"\cdot", "10", "^", "{"]:
                self.place += 4
                sign = self.take() if self.next == "-" else ""
                token = f"{token}e{sign}{self.take()}"  # one number, rounded once
                self.take("}")
            return number(token)
        if token == "e":
            self.take("^")
            return apply(np.exp, self.braces())
        if token == r"\frac":
            return apply(np.divide, self.braces(), self.braces())
        if token == r"\sqrt":
            return apply(np.sqrt, self.braces())
        if token == r"\left|":
            value = self.braces()
            self.take(r"\right|")
            return apply(np.abs, value)
        if token == r"\operatorname":
            self.take("{")
            letters = []
            while self.next != "}":
                letters.append(self.take())
            self.take("}")
            token = "\\" + "".join(letters)
        function = FUNCTIONS[token[1:]]
        if self.next == "{":
            self.take()
            values = self.parentheses()
            self.take("}")
        else:
            values = self.parentheses()
        return apply(function, *values)


def read_latex(text: str) -> Value:
    return LatexReader(text).read()


def read_mathml(text: str) -> Value:
    """What stands inside `<math>`."""
    return _element(ElementTree.fromstring(html.unescape(text).replace("&", "&amp;")))


def _element(element: ElementTree.Element) -> Value:
    parts = list(element)
    if element.tag == "mn":
        return number(element.text)
    if element.tag == "mi":
        return LEAVES[element.text]
    if element.tag == "msqrt":
        return apply(np.sqrt, _row(parts))
    if element.tag == "mfrac":
        return apply(np.divide, *map(_element, parts))
    if element.tag == "msup":
        base, exponent = parts
        if base.text == "\u2147":
            return apply(np.exp, _element(exponent))
        return power(_element(base), _element(exponent))
    assert element.tag == "mrow", element.tag
    return _row(parts)


def _row(parts: list[ElementTree.Element]) -> Value:
    """Signs bind less than products; what has brackets is a row of its own."""
    signs = [part.text if part.tag == "mo" else None for part in parts]
    if len(parts) == 3 and parts[2].tag == "msup" and parts[2][0].text == "10":
        exponent = "".join(parts[2][1].itertext()).replace("\u2212", "-")
        return number(f"{parts[0].text}e{exponent}")  # one number, rounded once
    if len(parts) == 1:
        return _element(parts[0])
    if signs[0] == "|":
        assert signs[-1] == "|"
        return apply(np.abs, _row(parts[1:-1]))
    if signs[0] == "(":
        assert signs[-1] == ")"
        return _row(parts[1:-1])
    if parts[0].text in FUNCTIONS:
        name, arguments = parts
        inside = list(arguments)
        assert (inside[0].text, inside[-1].text) == ("(", ")")
        rows, row = [], []
        for part in inside[1:-1]:
            if part.tag == "mo" and part.text == ",":
                rows.append(row)
                row = []
            else:
                row.append(part)
        return apply(FUNCTIONS[name.text], *map(_row, [*rows, row]))
    for split in (("+", "\u2212", "-"), ("\u00b7", "\u2062")):
        for place in range(len(parts) - 1, -1, -1):
            if signs[place] in split:
                right = _row(parts[place + 1 :])
                if place == 0:
                    return apply(np.negative, right)
                function = {"+": np.add, "\u00b7": np.multiply, "\u2062": np.multiply}.get(
                    signs[place], np.subtract
                )
                return apply(function, _row(parts[:place]), right)
    raise AssertionError(ElementTree.tostring(parts[0]))
