"""Shorter trees with the same slope in y: like terms merged, what y is not in left out."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable, Mapping
from fractions import Fraction

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.normal_form import (
    Atom,
    NoNormalForm,
    NormalForms,
    Product,
    Sum,
    depends_on_y,
)
from glo_tf.expressions.prefix import Node
from glo_tf.expressions.tree import Expression

_MAX_NODES = 200  # of trees that are rearranged
_TRIED = 2  # atoms that are factored out of a sum, one instead of the other

Complexity = tuple[int, int, int]


def complexity(expression: Expression) -> Complexity:
    """What makes one tree less simple than another: nodes, then numbers, then their digits."""
    numbers = [abs(factor) for factor in expression.coefficients if abs(factor) != 1.0]
    return expression.size, len(numbers), len("".join(map(repr, numbers)))


def shorter_forms(expression: Expression, *, probabilities: bool) -> list[Expression]:
    """Trees with the slope of the given one up to rounding, the simplest first, itself the last.

    They differ at single points, where the value of one is not finite and that of the other is;
    that is left to the caller to check.

    Args:
        expression: The tree.
        probabilities: Whether predictions are, so that y is positive.
    """
    found = {expression}
    if expression.size <= _MAX_NODES:
        for expands, splits in itertools.product((False, True), repeat=2):
            try:
                form = NormalForms(probabilities, expands, splits).of(expression)
                kept = {p: factor for p, factor in form.items() if any(map(_moves, p))}
                if kept:
                    found.add(_of_loss(kept))
            except (NoNormalForm, ArithmeticError, RecursionError, InvalidArgumentError):
                continue
    shorter = [tree for tree in found if complexity(tree) < complexity(expression)]
    return [*sorted(shorter, key=lambda tree: (complexity(tree), str(tree))), expression]


def _moves(factor: tuple[Atom, Fraction]) -> bool:
    return depends_on_y(factor[0])


def _of_loss(form: Sum) -> Expression:
    content, tree = _with_content(form)
    nodes, coefficients = zip(*_scaled(tree, content), strict=True)
    return Expression(nodes, coefficients)


_Tree = tuple[tuple[Node, float], ...]  # nodes in prefix order, each with its coefficient


def _with_content(form: Mapping[Product, float]) -> tuple[float, _Tree]:
    """A factor and the tree of the rest, in which most numbers are 1."""
    sizes = collections.Counter(abs(factor) for factor in form.values())
    (most, _), *_ = sizes.most_common(1)
    ordered = sorted(form.items(), key=_order_of_term)
    content = next(factor for _, factor in ordered if abs(factor) == most)
    return content, _tree({product: factor / content for product, factor in form.items()})


def _order_of_term(term: tuple[Product, float]) -> tuple[int, str]:
    return len(term[0]), repr(term[0])


def _tree(form: Mapping[Product, float]) -> _Tree:
    trees = [_sum(form)]
    places = collections.Counter(
        (atom, power > 0) for product in form for atom, power in product if len(form) > 1
    )
    for (atom, above), count in places.most_common(_TRIED):
        if count > 1:
            trees.append(_factored(form, atom, above))
    return min(trees, key=lambda tree: (len(tree), sum(abs(c) != 1.0 for _, c in tree)))


def _factored(form: Mapping[Product, float], atom: Atom, above: bool) -> _Tree:
    """A common factor times what is left of the terms that have it, and the other terms."""
    powers = {product: dict(product).get(atom, Fraction(0)) for product in form}
    having = {product: p for product, p in powers.items() if p and (p > 0) == above}
    common = min(having.values(), key=abs)
    inner: Sum = {}
    for product, power in having.items():
        rest = {**dict(product), atom: power - common}
        inner[tuple(sorted(((a, p) for a, p in rest.items() if p), key=repr))] = form[product]
    content, tree = _with_content(inner)
    factor = _product([(atom, common)], tree)
    others = {product: of for product, of in form.items() if product not in having}
    terms = [(content, factor)]
    if others:
        terms.append(_split(others))
    return _added(terms)


def _split(form: Mapping[Product, float]) -> tuple[float, _Tree]:
    """One term with its coefficient; of several the tree, and 1."""
    if len(form) == 1:
        ((product, factor),) = form.items()
        return _term(product, factor)
    return 1.0, _tree(form)


def _term(product: Product, factor: float) -> tuple[float, _Tree]:
    if product:
        return factor, _product(product)
    whole = factor.is_integer() and abs(factor) < 2**31
    sign = -1.0 if factor < 0.0 else 1.0
    return sign, ((int(abs(factor)), 1.0),) if whole else ((1, abs(factor)),)


def _sum(form: Mapping[Product, float]) -> _Tree:
    return _added([_term(product, factor) for product, factor in form.items()] or [(1.0, _ZERO)])


def _added(terms: Iterable[tuple[float, _Tree]]) -> _Tree:
    """Terms with their coefficients, the positive ones first, the plain ones of these."""
    ordered = sorted(terms, key=lambda term: (term[0] < 0.0, abs(term[0]) != 1.0, repr(term[1])))
    if ordered[0][0] < 0.0:
        return _scaled(_added([(-factor, tree) for factor, tree in ordered]), -1.0)
    tree = _scaled(ordered[0][1], ordered[0][0])
    for factor, other in ordered[1:]:
        sign = "+" if factor > 0.0 else "-"
        tree = ((sign, 1.0), *tree, *_scaled(other, abs(factor)))
    return tree


def _product(powers: Iterable[tuple[Atom, Fraction]], *others: _Tree) -> _Tree:
    """Powers times further trees."""
    powers = list(powers)
    above = [_power(atom, power) for atom, power in powers if power > 0] + list(others)
    below = [_power(atom, -power) for atom, power in powers if power < 0]
    tree = _joined(above) if above else _ONE
    return (("/", 1.0), *tree, *_joined(below)) if below else tree


def _joined(trees: Iterable[_Tree]) -> _Tree:
    first, *others = sorted(trees, key=lambda tree: (len(tree), repr(tree)))
    for other in others:
        first = (("*", 1.0), *first, *other)
    return first


def _power(atom: Atom, power: Fraction) -> _Tree:
    base = _of_atom(atom)
    whole = int(power)
    parts = [_whole_power(base, whole)] if whole else []
    if power != whole:
        parts.append((("sqrt", 1.0), *base))
    return _joined(parts)


def _whole_power(base: _Tree, power: int) -> _Tree:
    if power == 1:
        return base
    if power % 2:
        return (("*", 1.0), *base, *_whole_power(base, power - 1))
    return (("square", 1.0), *_whole_power(base, power // 2))


def _of_atom(atom: Atom) -> _Tree:
    if isinstance(atom, str):
        return ((atom, 1.0),)
    node, *operands = atom
    if node == "+":
        return _tree(dict(operands[0]))
    return ((node, 1.0), *itertools.chain(*(_tree(dict(each)) for each in operands)))


def _scaled(tree: _Tree, factor: float) -> _Tree:
    """The tree times a factor, which goes to the numerator of what is 1 over something."""
    if factor == 1.0:
        return tree
    (node, coefficient), *others = tree
    if node == "/" and others[0] == _ONE[0]:
        return ((node, coefficient), (1, factor), *others[1:])
    return ((node, factor * coefficient), *others)


_ZERO: _Tree = ((0, 1.0),)
_ONE: _Tree = ((1, 1.0),)
