"""Expressions in SymPy: as they are, and simplified.

SymPy computes exactly and in the complex plane, a loss in IEEE arithmetic. So whatever SymPy makes
of a loss is compared with it on fixed points, and only taken where it agrees; and as its work may
grow without bound, it is only given trees for which it does not.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import sympy

from glo_tf.expressions import operations
from glo_tf.expressions.agreement import agree, points, values, values_of_form
from glo_tf.expressions.leaves import LEAVES
from glo_tf.expressions.prefix import PrefixList, arity

Step = Callable[[sympy.Expr], sympy.Expr]


def _expanded(form: sympy.Expr) -> sympy.Expr:
    return sympy.expand(sympy.expand_log(form))


_MAX_NODES = 24  # of trees that SymPy may rearrange, with steps that take milliseconds
_MAX_DEPTH = 12
_MAX_DEGREE = 64  # a tower of squares would become an integer with more digits than memory has
_MAX_SHORTENED = 16  # nodes of trees for which shorter forms are looked for
_MAX_POLYNOMIAL_NODES, _MAX_POLYNOMIAL_DEGREE = 100, 8  # few terms, whatever the tree looks like
_MAX_NESTING = 3  # functions in functions there; what SymPy asks of one, it asks of all inside
_MAX_REARRANGED = 6  # nodes under a function that SymPy may rearrange
_EXACT = 2**53  # whole numbers up to this one are exact
_TOLERANCE = 1e-6
_DIGITS = (6, 9, 15)  # significant digits of a simplified coefficient: the first that are enough
_POLYNOMIAL = ("+", "-", "*", "square")
_ARITHMETIC = (*_POLYNOMIAL, "/")
_STEPS: tuple[Step, ...] = (  # not sympy.simplify, which tries much, and takes seconds for 12 nodes
    _expanded,
    sympy.factor_terms,
    sympy.cancel,
    sympy.together,
    sympy.logcombine,
    sympy.powsimp,
)


def to_sympy(expression: PrefixList) -> sympy.Expr:
    """The expression as SymPy sees it, in symbols of its leaves; see `Expression.sympy`."""
    if expression.across:  # of which SymPy knows nothing
        return _build(expression, {name: sympy.Symbol(name) for name in LEAVES}, rearranged=0)
    at = points(probabilities=False)
    given = values(expression, *at)
    # Of real symbols, of which SymPy knows that the magnitude of exp(y) is exp(y).
    form = _rearranged(expression, {name: sympy.Symbol(name, real=True) for name in LEAVES})
    form = form if form is None else _plain(form)
    if form is not None and agree(given, values_of_form(form, *at), _TOLERANCE):
        return form
    plain = {name: sympy.Symbol(name) for name in LEAVES}
    return _build(expression, plain, rearranged=0)


def simplified(expression: PrefixList, *, probabilities: bool) -> sympy.Expr:
    """The shortest equal form that is found; see `glo_tf.losses.export.simplified`."""
    symbols = {
        name: sympy.Symbol(name, real=True, **(leaf.assumed if probabilities else {}))
        for name, leaf in LEAVES.items()
    }
    if expression.across:
        return to_sympy(expression)
    at = points(probabilities=probabilities)
    given = values(expression, *at)
    start = _rearranged(expression, symbols)
    found = set() if start is None else {start}
    is_small = expression.size <= _MAX_SHORTENED and _nesting(expression) <= _MAX_NESTING
    if start is not None and (is_small or _is_short_polynomial(expression)):
        for form in (start, _apply(_expanded, start)):
            found.update(_shortened(form))
    for digits in _DIGITS:
        rounded = {_apply(functools.partial(_rounded, digits=digits), form) for form in found}
        # Counted of real numbers: of complex ones, SymPy asks too much for that, too.
        for form in sorted(rounded, key=lambda form: (sympy.count_ops(form), str(form))):
            plain = _plain(form)
            if agree(given, values_of_form(plain, *at), 10.0 ** (1 - digits)):
                return plain
    return to_sympy(expression)


def _shortened(form: sympy.Expr) -> list[sympy.Expr]:
    """The forms on the way downhill, step by step, to one that no step makes shorter."""
    way = [form]
    while True:
        shortest = min((_apply(step, way[-1]) for step in _STEPS), key=sympy.count_ops)
        if sympy.count_ops(shortest) >= sympy.count_ops(way[-1]):
            return way
        way.append(shortest)


def _apply(step: Step, form: sympy.Expr) -> sympy.Expr:
    try:
        return step(form)
    except Exception:  # SymPy has many errors for what it cannot order or take apart
        return form


def _plain(form: sympy.Expr) -> sympy.Expr:
    """The same in symbols of which nothing is assumed.

    It is not evaluated again: of complex numbers, SymPy asks much more, for up to a minute.
    """
    if form.is_Symbol:
        return sympy.Symbol(form.name)
    if not form.args:
        return form
    return form.func(*map(_plain, form.args), evaluate=False)


def _rounded(form: sympy.Expr, digits: int) -> sympy.Expr:
    """With shorter numbers."""
    if form.is_number:
        return _short(form, digits)
    if not form.args:
        return form
    parts = [_rounded(part, digits) for part in form.args]
    return form.func(*parts, evaluate=form.is_Add or form.is_Mul or form.is_Pow)


def _short(number: sympy.Expr, digits: int) -> sympy.Expr:
    """A number of so many digits; a fraction of short numbers stays."""
    if number.is_Rational and max(abs(number.p), number.q) < 10**digits:
        return number
    value = _float(number)
    if not math.isfinite(value):
        return number
    short = float(f"{value:.{digits}g}")
    whole = short.is_integer() and abs(short) < 10**digits
    return sympy.Integer(int(short)) if whole else sympy.Float(short, digits)


def _rearranged(expression: PrefixList, symbols: Mapping[str, sympy.Symbol]) -> sympy.Expr | None:
    """The form that SymPy gives a tree on its own; None where it is not to be asked, or fails."""
    is_small = expression.size <= _MAX_NODES and expression.depth <= _MAX_DEPTH
    if not (is_small or _is_short_polynomial(expression)) or _degree(expression) > _MAX_DEGREE:
        return None
    try:
        return _build(expression, symbols, rearranged=_MAX_REARRANGED)
    except Exception:  # as in `_apply`
        return None


def _is_short_polynomial(expression: PrefixList) -> bool:
    operations = {node for node in expression.nodes if arity(node)}
    return (
        operations <= set(_POLYNOMIAL)
        and expression.size <= _MAX_POLYNOMIAL_NODES
        and _degree(expression) <= _MAX_POLYNOMIAL_DEGREE
    )


def _nesting(expression: PrefixList) -> int:
    """How many functions, which sums and products are not, stand in each other."""

    def combine(index: int, operands: Sequence[int]) -> int:
        is_function = bool(operands) and expression.nodes[index] not in _ARITHMETIC
        return max(operands, default=0) + is_function

    nesting: int = expression.fold(combine)
    return nesting


def _degree(expression: PrefixList) -> int:
    """Of the polynomial that multiplying out could give."""

    def combine(index: int, operands: Sequence[int]) -> int:
        node = expression.nodes[index]
        if node == "square":
            return 2 * operands[0]
        return sum(operands) if node in ("*", "/") else max(operands, default=1)

    degree: int = expression.fold(combine)
    return degree


class _Part(NamedTuple):
    """A subtree, its size, and its value if it has no leaf but numbers."""

    form: sympy.Expr
    size: int
    number: float | None


def _build(
    expression: PrefixList, symbols: Mapping[str, sympy.Symbol], *, rearranged: int
) -> sympy.Expr:
    """SymPy's form; subtrees of up to so many nodes as SymPy evaluates them, others as they are."""

    def plain(index: int, operands: Sequence[_Part]) -> _Part:
        node = expression.nodes[index]
        if isinstance(node, int):
            return _Part(sympy.Integer(node), 1, float(node))
        if not operands:
            return _Part(symbols[node], 1, None)
        operation = operations.get(node)
        size = 1 + sum(operand.size for operand in operands)
        # Sums and products cost little; for others SymPy asks what it can know of all below.
        evaluated = size <= rearranged or (rearranged > 0 and node in _ARITHMETIC)
        numbers = [operand.number for operand in operands]
        if any(operand.form is sympy.nan for operand in operands):  # which SymPy cannot order
            return _Part(sympy.nan, size, None if None in numbers else math.nan)
        with sympy.evaluate(evaluated):
            form = operation.sympy(sympy, *(operand.form for operand in operands))
        if None in numbers or operation.across:  # which depends on the number of classes
            return _Part(form, size, None)
        with np.errstate(all="ignore"):
            number = float(operation.value(np, *map(np.float64, numbers)))
        return _constant(form, size, number)

    def combine(index: int, operands: Sequence[_Part]) -> _Part:
        factor, part = expression.coefficients[index], plain(index, operands)
        if factor == 1.0 or part.form is sympy.nan:
            return part
        scale = _number(factor)
        with sympy.evaluate(rearranged > 0):
            form = sympy.Mul(scale, part.form)
        if part.number is None:
            return _Part(form, part.size, None)
        return _constant(form, part.size, factor * part.number)

    part: _Part = expression.fold(combine)
    return part.form


def _constant(form: sympy.Expr, size: int, number: float) -> _Part:
    """A number as the loss computes it; exact where that is short and no other number."""
    if not math.isfinite(number):
        form = sympy.nan if math.isnan(number) else sympy.oo if number > 0 else -sympy.oo
    elif form.is_Rational:
        if max(abs(form.p), form.q) > _EXACT or not math.isclose(form, number, rel_tol=1e-9):
            form = _number(number)
    elif size > 2 or not math.isclose(_float(form), number, rel_tol=1e-9):
        form = _number(number)
    return _Part(form, size, number)


def _number(value: float) -> sympy.Expr:
    whole = value.is_integer() and abs(value) <= _EXACT
    return sympy.Integer(int(value)) if whole else sympy.Float(value)


def _float(form: sympy.Expr) -> float:
    try:
        return float(form)
    except (OverflowError, TypeError):  # not real, or beyond floats
        return math.nan
