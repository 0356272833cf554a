"""Expressions as sums of products of powers, in which like terms are one.

What a rule needs to hold everywhere, such as that y is positive, is known of probabilities alone;
what differs at single points, such as x/x at 0, is left to the caller to check. An operation that
is not known here stays as it is, with its operands in their own normal form.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from glo_tf.expressions import operations
from glo_tf.expressions.leaves import LEAVES
from glo_tf.expressions.prefix import PrefixList

Atom: TypeAlias = Any
"""The name of a leaf, or a tuple of an operation and its operands, as `Frozen`; `+` is a sum."""

Product: TypeAlias = tuple[tuple[Atom, Fraction], ...]
"""Atoms with their powers, in a fixed order; none is the number 1."""

Sum: TypeAlias = dict[Product, float]
"""Products, each with its coefficient; none is the number 0."""

Frozen: TypeAlias = tuple[tuple[Product, float], ...]
"""A sum as part of an atom."""

_ONE, _HALF = Fraction(1), Fraction(1, 2)
_MAX_TERMS = 64
_MAX_POWER = 8
_LARGEST = 1e30  # numbers are for float32, which ends at 3e38
_SAME = 1e-12  # of a sum, relative to its terms: what is left of terms that cancel
_EVEN = ("abs", "cos", "plog", "psqrt")
_ODD = ("sin", "tanh")
_HOMOGENEOUS = ("min", "max")  # f(c*a, c*b) = c*f(a, b) for c > 0


class NoNormalForm(Exception):  # noqa: N818 (no error: the tree stays as it is)
    """Raised of trees with numbers beyond those of float32, or with too many terms."""


def depends_on_y(atom: Atom) -> bool:
    """Whether the prediction is in it."""
    if isinstance(atom, str):
        return LEAVES[atom].depends
    return any(
        depends_on_y(part) for frozen in atom[1:] for product, _ in frozen for part, _ in product
    )


@dataclasses.dataclass(frozen=True)
class NormalForms:
    """Makes normal forms.

    Attributes:
        probabilities: Whether predictions are, so that y is positive.
        expands: Whether products of sums are multiplied out.
        splits: Whether logarithms of products become sums.
    """

    probabilities: bool
    expands: bool
    splits: bool

    def of(self, expression: PrefixList) -> Sum:
        """The normal form of a tree.

        Raises:
            NoNormalForm: If there is none.
        """

        def combine(index: int, operands: Sequence[Sum]) -> Sum:
            node = expression.nodes[index]
            if isinstance(node, int):
                value: Sum = {(): float(node)} if node else {}
            elif not operands:
                value = {((node, _ONE),): 1.0}
            elif all(map(_is_number, operands)) and not operations.is_across(node):
                value = _number_of(node, operands)
            else:
                value = self._of_operation(node, operands)
            return _scaled(value, expression.coefficients[index])

        with np.errstate(all="ignore"):
            form: Sum = expression.fold(combine)
        return form

    def _of_operation(self, node: str, operands: Sequence[Sum]) -> Sum:
        first, last = operands[0], operands[-1]
        match node:
            case "+":
                return _added(first, last)
            case "-":
                return _added(first, _scaled(last, -1.0))
            case "*":
                return self._times(first, last)
            case "/":
                return self._times(first, self._power(last, -_ONE))
            case "square":
                return self._times(first, first) if self.expands else self._power(first, 2 * _ONE)
            case "sqrt":
                return self._power(first, _HALF)
            case "log":
                return self._log(first)
            case "exp":
                return self._exp(first)
            case "aq":
                return self._analytic_quotient(first, last)
        if node in _EVEN:
            return self._even(node, first)
        if node in _ODD:
            sign = math.copysign(1.0, _leading(first))
            return _scaled(_atom(node, _scaled(first, sign)), sign)
        if node in _HOMOGENEOUS:
            return _homogeneous(node, first, last)
        return _atom(node, *operands)

    def _times(self, one: Sum, other: Sum) -> Sum:
        if not one or not other:
            return {}
        few = len(one) * len(other) <= _MAX_TERMS
        if len(one) == 1 or len(other) == 1 or (self.expands and few):
            found: Sum = {}
            for product, factor in one.items():
                for with_product, with_factor in other.items():
                    term = self._multiplied(
                        _nonzero(factor * with_factor), [*product, *with_product]
                    )
                    found = _added(found, term)
            return found
        (factor, product), (with_factor, with_product) = map(_as_product, (one, other))
        return self._multiplied(_nonzero(factor * with_factor), [*product, *with_product])

    def _multiplied(self, factor: float, powers: Sequence[tuple[Atom, Fraction]]) -> Sum:
        """The product of powers of atoms."""
        together: dict[Atom, Fraction] = {}
        exponent: Sum = {}  # exp(a)*exp(b) = exp(a + b)
        for atom, power in powers:
            if atom[0] == "exp":
                exponent = _added(exponent, _scaled(dict(atom[1]), float(power)))
            else:
                together[atom] = together.get(atom, Fraction(0)) + power
        if exponent:
            ((product, more),) = self._exp(exponent).items()
            factor = _nonzero(factor * more)
            for atom, power in product:
                together[atom] = together.get(atom, Fraction(0)) + power
        roots = [a for a, power in together.items() if a[0] == "sqrt" and abs(power) >= 2]
        for root in roots:  # sqrt(a)*sqrt(a) = a
            power = together.pop(root)
            twice = Fraction(int(power / 2))
            together[root] = power - 2 * twice
            inner_factor, inner = _as_product(dict(root[1]))
            factor = _nonzero(factor * inner_factor ** int(twice))
            for atom, inner_power in inner:
                together[atom] = together.get(atom, Fraction(0)) + inner_power * twice
        if any(abs(power) > _MAX_POWER for power in together.values()):
            raise NoNormalForm
        kept = sorted(((a, p) for a, p in together.items() if p), key=repr)
        if len(kept) == 1 and kept[0][0][0] == "+" and kept[0][1] == 1:
            return _scaled(dict(kept[0][0][1]), factor)
        return _scaled({tuple(kept): 1.0}, factor)

    def _power(self, base: Sum, power: Fraction) -> Sum:
        if not base:
            raise NoNormalForm  # 1/0
        if power.denominator == 1:
            factor, product = _as_product(base)
            scaled = [(atom, own * power) for atom, own in product]
            return self._multiplied(_nonzero(factor ** int(power)), scaled)
        return self._root(base)

    def _root(self, base: Sum) -> Sum:
        factor, product = _as_product(base)
        outside = [(atom, own / 2) for atom, own in product if self._is_positive(atom)]
        outside = [(atom, power) for atom, power in outside if (2 * power).denominator == 1]
        known = {atom for atom, _ in outside}
        inside = tuple((atom, own) for atom, own in product if atom not in known)
        if factor < 0.0 and not inside:
            raise NoNormalForm
        if inside:
            outside.append((("sqrt", ((inside, math.copysign(1.0, factor)),)), _ONE))
        return self._multiplied(math.sqrt(abs(factor)), outside)

    def _is_positive(self, atom: Atom) -> bool:
        if isinstance(atom, str):
            return self.probabilities and atom == "y"
        return atom[0] in ("exp", "psqrt")

    def _log(self, base: Sum) -> Sum:
        if not base:
            raise NoNormalForm
        if not self.splits:
            return _atom("log", base)
        factor, product = _as_product(base)
        found: Sum = {}
        inside = []
        for atom, power in product:
            if atom[0] == "exp":
                found = _added(found, _scaled(dict(atom[1]), float(power)))
            elif self._is_positive(atom) or (len(product) == 1 and power == -1 and factor > 0.0):
                found = _added(found, _scaled(_atom("log", {((atom, _ONE),): 1.0}), float(power)))
            else:
                inside.append((atom, power))
        sign = math.copysign(1.0, factor)
        if inside:
            (shape,) = [self._multiplied(sign, inside)]
            found = _added(found, _atom("log", shape))
        elif sign < 0.0:
            raise NoNormalForm
        return _added(found, _number(math.log(abs(factor))))

    def _exp(self, exponent: Sum) -> Sum:
        rest = dict(exponent)
        factor = _nonzero(float(np.exp(rest.pop((), 0.0))))
        powers: list[tuple[Atom, Fraction]] = []
        for product, times in list(rest.items()):  # exp(2*log(y)) = square(y)
            if len(product) == 1 and product[0][0][0] == "log" and product[0][1] == 1:
                of_log = dict(product[0][0][1])
                twice = 2.0 * times
                if (
                    twice.is_integer()
                    and 0 < abs(times) <= _MAX_POWER
                    and list(of_log.values()) == [1.0]
                    and self._is_base(next(iter(of_log)))
                ):
                    del rest[product]
                    powers.append((next(iter(of_log))[0][0], Fraction(int(twice), 2)))
        if rest:
            powers.append((("exp", _frozen(rest)), _ONE))
        kept = sorted(powers, key=repr)
        return _scaled({tuple(kept): 1.0}, factor)

    def _is_base(self, product: Product) -> bool:
        return len(product) == 1 and product[0][1] == 1 and self._is_positive(product[0][0])

    def _analytic_quotient(self, above: Sum, below: Sum) -> Sum:
        if not above:
            return {}
        if _is_number(below):
            return _scaled(above, 1.0 / math.sqrt(1.0 + below.get((), 0.0) ** 2))
        content = _leading(above)
        below = _scaled(below, math.copysign(1.0, _leading(below)))
        return _scaled(_atom("aq", _scaled(above, 1.0 / content), below), content)

    def _even(self, node: str, operand: Sum) -> Sum:
        if not operand:
            return _number_of(node, [operand])
        if node != "abs":
            return _atom(node, _scaled(operand, math.copysign(1.0, _leading(operand))))
        factor, product = _as_product(operand)
        outside: list[tuple[Atom, Fraction]] = []
        inside: list[tuple[Atom, Fraction]] = []
        for atom, power in product:
            known = self._is_positive(atom) or power % 2 == 0
            (outside if known else inside).append((atom, power))
        if inside:
            within = self._multiplied(1.0, inside)
            outside.append((("abs", _frozen(within)), _ONE))
        return self._multiplied(abs(factor), outside)


def _homogeneous(node: str, one: Sum, other: Sum) -> Sum:
    if one == other:
        return one
    operands = sorted([one, other], key=lambda operand: (_is_number(operand), repr(operand)))
    content = abs(_leading(operands[0]))
    parts = [_scaled(operand, 1.0 / content) for operand in operands]
    return _scaled(_atom(node, *parts), content)


def _number_of(node: str, operands: Sequence[Sum]) -> Sum:
    numbers = [np.float64(operand.get((), 0.0)) for operand in operands]
    return _number(float(operations.get(node).value(np, *numbers)))


def _number(value: float) -> Sum:
    return {(): value} if _finite(value) else {}


def _is_number(form: Sum) -> bool:
    return not form or list(form) == [()]


def _finite(value: float) -> float:
    if not abs(value) <= _LARGEST:
        raise NoNormalForm
    return value


def _nonzero(value: float) -> float:
    if not abs(value) >= 1.0 / _LARGEST:
        raise NoNormalForm
    return _finite(value)


def _leading(form: Sum) -> float:
    """The coefficient by which a form is divided to be like its multiples."""
    first = min((product for product in form if product), key=repr, default=())
    return form[first]


def _frozen(form: Mapping[Product, float]) -> Frozen:
    return tuple(sorted(form.items(), key=repr))


def _atom(node: str, *operands: Sum) -> Sum:
    return {(((node, *map(_frozen, operands)), _ONE),): 1.0}


def _as_product(form: Sum) -> tuple[float, Product]:
    """A number times a product; several terms are one atom, in which the first is plain."""
    if len(form) == 1:
        ((product, factor),) = form.items()
        return factor, product
    content = _leading(form)
    return content, ((("+", _frozen(_scaled(form, 1.0 / content))), _ONE),)


def _scaled(form: Sum, factor: float) -> Sum:
    if factor == 1.0:
        return form
    if factor == 0.0:
        return {}
    return {product: _nonzero(factor * own) for product, own in form.items()}


def _added(one: Sum, other: Sum) -> Sum:
    found = dict(one)
    for product, factor in other.items():
        before = found.get(product, 0.0)
        total = _finite(before + factor)
        if abs(total) <= _SAME * max(abs(before), abs(factor)):
            found.pop(product, None)
        else:
            found[product] = total
    if len(found) > _MAX_TERMS:
        raise NoNormalForm
    return found
