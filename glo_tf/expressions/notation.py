"""An expression as a formula: LaTeX and MathML, in the shape in which it was found.

Sums, products, fractions and coefficients are written here. An operation is written by SymPy, over
operands that are written already: SymPy never sees a whole tree, which it would rearrange.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any, NamedTuple

import sympy
from sympy.printing.mathml import MathMLPresentationPrinter
from sympy.printing.precedence import PRECEDENCE

from glo_tf.expressions import operations
from glo_tf.expressions.prefix import PrefixList

# How tightly a text binds, as SymPy counts. A call as the base of a power is put in parentheses.
_SUM, _PRODUCT, _CALL, _ATOM = PRECEDENCE["Add"], PRECEDENCE["Mul"], 55, PRECEDENCE["Atom"]
_TERM = (_SUM + _PRODUCT) // 2  # a product right of a sign


class Written(NamedTuple):
    """A part of a formula, and how tightly it binds."""

    text: str
    binds: int


def latex(expression: PrefixList) -> str:
    """LaTeX in SymPy's manner, with every number in full; a product has a dot where it needs one.

    The value is the expression's own, read in the usual order of operations.
    """
    return _write(expression, _Latex())


def mathml(expression: PrefixList) -> str:
    """Presentation MathML, with every number in full: what stands inside `<math>`."""
    return _write(expression, _MathML())


def _write(expression: PrefixList, notation: _Notation) -> str:
    def plain(index: int, operands: Sequence[Written]) -> Written:
        node = expression.nodes[index]
        if isinstance(node, int):
            return notation.number(node)
        if not operands:
            return Written(notation.name(node), _ATOM)
        if node not in operations.INFIX:
            return notation.call(node, operands)
        left, right = operands
        if node == "/":
            return Written(notation.fraction(left.text, right.text), _CALL)
        if node == "*":
            return notation.product(left, right)
        sides = notation.within(left, _SUM), node, notation.within(right, _TERM)
        return Written(notation.sum(*sides), _SUM)

    def combine(index: int, operands: Sequence[Written]) -> Written:
        factor = expression.coefficients[index]
        if expression.nodes[index] == 1:
            return notation.number(factor)
        written = plain(index, operands)
        if factor == 1.0:
            return written
        if factor == -1.0:
            return Written(notation.minus(notation.within(written, _TERM)), _SUM)
        scaled = notation.product(notation.number(abs(factor)), written)
        negative = str(factor).startswith("-")  # as -0.0 is
        return Written(notation.minus(scaled.text), _SUM) if negative else scaled

    written: Written = expression.fold(combine)
    return written.text


class _Notation(abc.ABC):
    """A language of formulas; all methods take and give text of it."""

    @abc.abstractmethod
    def name(self, text: str) -> str: ...

    @abc.abstractmethod
    def parentheses(self, text: str) -> str: ...

    @abc.abstractmethod
    def fraction(self, above: str, below: str) -> str: ...

    @abc.abstractmethod
    def sum(self, left: str, sign: str, right: str) -> str: ...

    @abc.abstractmethod
    def minus(self, text: str) -> str: ...

    @abc.abstractmethod
    def times(self, left: str, right: str) -> str: ...

    @abc.abstractmethod
    def digits(self, mantissa: str, exponent: int) -> str: ...

    @abc.abstractmethod
    def call(self, node: str, operands: Sequence[Written]) -> Written: ...

    def within(self, written: Written, least: int) -> str:
        """A part of something that binds: in parentheses, where it binds less than that."""
        return written.text if written.binds >= least else self.parentheses(written.text)

    def product(self, left: Written, right: Written) -> Written:
        """Products are read from the left, so that one to the right needs parentheses."""
        sides = self.within(left, _PRODUCT), self.within(right, _PRODUCT + 1)
        return Written(self.times(*sides), _PRODUCT)

    def number(self, value: float) -> Written:
        mantissa, _, exponent = repr(abs(value)).partition("e")
        if not exponent:
            mantissa = mantissa.removesuffix(".0")
        written = self.digits(mantissa, int(exponent or 0))
        if str(value).startswith("-"):
            return Written(self.minus(written), _SUM)
        return Written(written, _PRODUCT if exponent else _ATOM)


class _Latex(_Notation):
    def name(self, text: str) -> str:
        return text

    def parentheses(self, text: str) -> str:
        return rf"\left({text}\right)"

    def fraction(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def sum(self, left: str, sign: str, right: str) -> str:
        return f"{left} {sign} {right}"

    def minus(self, text: str) -> str:
        return f"- {text}"

    def times(self, left: str, right: str) -> str:
        # Without a dot, x(y + 1) is a function of y + 1, and 2 3 is one number.
        dotted = right[0].isdigit() or right.startswith(r"\left(")
        return rf"{left} \cdot {right}" if dotted else f"{left} {right}"

    def digits(self, mantissa: str, exponent: int) -> str:
        return rf"{mantissa} \cdot 10^{{{exponent}}}" if exponent else mantissa

    def call(self, node: str, operands: Sequence[Written]) -> Written:
        return Written(sympy.latex(_operation(node, operands), order="none"), _CALL)


class _MathML(_Notation):
    def name(self, text: str) -> str:
        return f"<mi>{text}</mi>"

    def parentheses(self, text: str) -> str:
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"

    def fraction(self, above: str, below: str) -> str:
        return f"<mfrac>{above}{below}</mfrac>"

    def sum(self, left: str, sign: str, right: str) -> str:
        return f"<mrow>{left}<mo>{'&minus;' if sign == '-' else sign}</mo>{right}</mrow>"

    def minus(self, text: str) -> str:
        return f"<mrow><mo>&minus;</mo>{text}</mrow>"

    def times(self, left: str, right: str) -> str:
        sign = "&#xB7;" if right.startswith("<mn>") else "&InvisibleTimes;"
        return f"<mrow>{left}<mo>{sign}</mo>{right}</mrow>"

    def digits(self, mantissa: str, exponent: int) -> str:
        if not exponent:
            return f"<mn>{mantissa}</mn>"
        power = f"<mn>{abs(exponent)}</mn>"
        power = self.minus(power) if exponent < 0 else power
        ten = f"<msup><mn>10</mn>{power}</msup>"
        return f"<mrow><mn>{mantissa}</mn><mo>&#xB7;</mo>{ten}</mrow>"

    def call(self, node: str, operands: Sequence[Written]) -> Written:
        text = MathMLPresentationPrinter({"order": "none"}).doprint(_operation(node, operands))
        for place, operand in enumerate(operands):
            text = text.replace(f"<operand{place}/>", operand.text)
        return Written(text.replace("<mo>-</mo>", "<mo>&minus;</mo>"), _CALL)


def _operation(node: str, operands: Sequence[Written]) -> sympy.Expr:
    """What SymPy writes: an operation over operands that it knows nothing of."""
    given = []
    for place, operand in enumerate(operands):
        symbol = _Placeholder(str(place))
        symbol.text, symbol.precedence = operand.text, operand.binds
        given.append(symbol)
    with sympy.evaluate(False):
        return operations.get(node).sympy(sympy, *given)


class _Placeholder(sympy.Dummy):
    """Written already."""

    is_Symbol = False  # noqa: N815 (SymPy's name; it has parentheses of its own for symbols' texts)
    text: str
    precedence: int

    def _latex(self, printer: Any) -> str:
        return self.text

    def _mathml_presentation(self, printer: Any) -> Any:
        return printer.dom.createElement(f"operand{self.name}")
