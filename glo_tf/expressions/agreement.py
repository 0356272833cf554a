"""Whether two forms of an expression have the same value, on fixed points."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from glo_tf.expressions import leaves
from glo_tf.expressions.leaves import LEAVES, Surroundings
from glo_tf.expressions.prefix import PrefixList
from glo_tf.expressions.value import value_of

if TYPE_CHECKING:
    from sympy import Expr

# Labels and predictions of classes, then numbers; odd ones, so that nothing agrees by chance.
_CLASSES = [(x, y) for x in (0.0, 1.0, 0.0413, 0.871) for y in (1e-6, 0.0317, 0.2931, 0.7193, 1.0)]
_NUMBERS = [(x, y) for x in (-2.7131, -0.4637, 0.6179, 3.1931) for y in (-1.8311, -0.2713, 0.7529)]


def points(*, probabilities: bool) -> tuple[np.ndarray, np.ndarray]:
    """Labels x and predictions y, float64: of classes, or any numbers."""
    pairs = _CLASSES if probabilities else [*_CLASSES, *_NUMBERS, (0.0, -1.5), (-1.5, 0.0)]
    x, y = np.array(pairs).T
    return x, y


def values(expression: PrefixList, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The expression in IEEE arithmetic."""
    with np.errstate(all="ignore"):
        found = value_of(expression, x, y, ops=np, surroundings=_surroundings(x))
        return np.broadcast_to(np.asarray(found, float), x.shape)


def _surroundings(x: np.ndarray) -> Surroundings:
    """Odd ones at every point."""
    places = np.arange(len(x))
    return Surroundings(
        frequencies=0.0173 + 0.9713 * np.modf(0.6180339887 * places)[0],
        progress=0.0119 + 0.9617 * np.modf(0.7548776662 * places)[0],
        weights=0.1071 + 2.0 * np.modf(0.5698402910 * places)[0],
        classes=2.0 + places % 7,
    )


def values_of_form(form: Expr, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """The same of what SymPy holds, in symbols of the leaves; None where NumPy cannot compute it.

    What is not real is NaN.
    """
    import sympy

    if form.has(sympy.re, sympy.im, sympy.arg, sympy.atan2, sympy.conjugate):
        return None  # of complex numbers, where the loss knows real ones
    try:
        at = leaves.values(x, y, _surroundings(x), LEAVES, zeros=np.zeros_like(x))
        symbols = [sympy.Symbol(name) for name in at]
        function = sympy.lambdify(symbols, form, "numpy", printer=_printer())
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python, about constants that are called
            # One by one: SymPy's source for the maximum stacks its operands.
            found = [complex(function(*pair)) for pair in zip(*at.values(), strict=True)]
    except Exception:  # 1/0 of integers; not in NumPy; nested too deeply for Python's compiler
        return None
    return np.array([value.real if value.imag == 0 else np.nan for value in found])


def _printer() -> Any:
    from sympy.printing.numpy import NumPyPrinter

    class Printer(NumPyPrinter):
        """Writes the numbers that are held, not their short decimals."""

        def _print_Float(self, number: Any) -> str:  # noqa: N802 (SymPy's name)
            return repr(float(number))

    return Printer()


def agree(given: np.ndarray, other: np.ndarray | None, tolerance: float) -> bool:
    """Whether `other` is as near to `given` as the tolerance says, wherever `given` is finite."""
    if other is None:
        return False
    finite = np.isfinite(given)
    expected = np.abs(given[finite])
    scale = expected + (np.median(expected) if expected.size else 0.0)
    return bool((np.abs(given[finite] - other[finite]) <= tolerance * scale).all())
