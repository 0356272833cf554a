"""What SymPy holds back to values, in IEEE arithmetic, without SymPy's own evaluation."""

from __future__ import annotations

import functools

import numpy as np
import sympy

_FUNCTIONS = {
    sympy.log: np.log,
    sympy.exp: np.exp,
    sympy.sin: np.sin,
    sympy.cos: np.cos,
    sympy.tanh: np.tanh,
    sympy.tan: np.tan,
    sympy.sinh: np.sinh,
    sympy.cosh: np.cosh,
    sympy.atanh: np.arctanh,
    sympy.atan: np.arctan,
    sympy.Abs: np.abs,
}
_MANY = {
    sympy.Add: np.add,
    sympy.Mul: np.multiply,
    sympy.Max: np.maximum,
    sympy.Min: np.minimum,
}


def read_sympy(form: sympy.Expr, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The value in the symbols x and y, NaN where it is not real."""
    if form.is_Symbol:
        return {"x": x, "y": y}[form.name]
    if form is sympy.zoo or form is sympy.I or (form.has(sympy.I) and form.is_number):
        return np.full_like(y, np.nan)
    if not form.args:
        return np.full_like(y, float(form))
    parts = [read_sympy(part, x, y) for part in form.args]
    if form.func in _FUNCTIONS:
        return _FUNCTIONS[form.func](*parts)
    if form.func in _MANY:
        return functools.reduce(_MANY[form.func], parts)
    assert form.func is sympy.Pow, form.func
    base, exponent = parts
    assert form.func is sympy.Pow, form.func
    return np.power(base, exponent)
