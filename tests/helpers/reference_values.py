"""Value and slope of a tree by the rules of calculus, written independently of the package."""

import numpy as np

from glo_tf.expressions.prefix import arity
from glo_tf.expressions.tree import Expression

_EPSILON = 1e-7
_LEAST_NORMAL = np.finfo(np.float64).tiny


def reference(
    expression: Expression, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value and d/dy by the rules of calculus, recursively; shares no code with the package.

    Also the largest magnitude on the way, which bounds what rounding can do; NaN where a value is
    subnormal, which TensorFlow takes for 0.
    """
    peak = np.ones_like(y)
    subnormal = np.zeros(y.shape, bool)

    def walk(index: int) -> tuple[np.ndarray, np.ndarray, int]:
        nonlocal peak, subnormal
        node, factor = expression.nodes[index], expression.coefficients[index]
        index += 1
        operands = []
        for _ in range(arity(node)):
            value, slope, index = walk(index)
            operands.append((value, slope))
        match node, operands:
            case "x", []:
                value, slope = x, 0 * y
            case "y", []:
                value, slope = y, 0 * y + 1
            case int(), []:
                value, slope = 0 * y + node, 0 * y
            case "log", [(a, da)]:
                value, slope = np.log(a), da / a
            case "square", [(a, da)]:
                value, slope = a * a, 2 * a * da
            case "exp", [(a, da)]:
                value, slope = np.exp(a), np.exp(a) * da
            case "sin", [(a, da)]:
                value, slope = np.sin(a), np.cos(a) * da
            case "cos", [(a, da)]:
                value, slope = np.cos(a), -np.sin(a) * da
            case "tanh", [(a, da)]:
                value, slope = np.tanh(a), (1 - np.tanh(a) ** 2) * da
            case "abs", [(a, da)]:
                value, slope = np.abs(a), np.sign(a) * da
            case "plog", [(a, da)]:
                shifted = np.abs(a) + _EPSILON
                value, slope = np.log(shifted), np.sign(a) * da / shifted
            case "psqrt", [(a, da)]:
                root = np.sqrt(np.abs(a) + _EPSILON)
                value, slope = root, np.sign(a) * da / (2 * root)
            case "min" | "max", [(a, da), (b, db)]:
                share = (1 + np.sign(b - a) * (1 if node == "min" else -1)) / 2
                share = np.where(a == b, 0.5, share)  # of equal infinities, too
                value = (np.minimum if node == "min" else np.maximum)(a, b)
                slope = np.where(share == 1, da, np.where(share == 0, db, (da + db) / 2))
            case "aq", [(a, da), (b, db)]:
                root = np.sqrt(1 + b * b)
                value, slope = a / root, da / root - a * b * db / root**3
            case "sqrt", [(a, da)]:
                value, slope = np.sqrt(a), da / (2 * np.sqrt(a))
            case "+", [(a, da), (b, db)]:
                value, slope = a + b, da + db
            case "-", [(a, da), (b, db)]:
                value, slope = a - b, da - db
            case "*", [(a, da), (b, db)]:
                value, slope = a * b, da * b + a * db
            case "/", [(a, da), (b, db)]:
                value, slope = a / b, (da - a / b * db) / b
                peak = np.fmax(peak, np.abs(1 / b))  # the graph multiplies by it
        peak = np.fmax(peak, np.fmax(np.abs(value), np.abs(slope)))
        value, slope = factor * value, factor * slope
        peak = np.fmax(peak, np.fmax(np.abs(value), np.abs(slope)))
        for part in (value, slope):
            subnormal |= (part != 0) & (np.abs(part) < _LEAST_NORMAL)
        return value, slope, index

    with np.errstate(all="ignore"):
        value, slope, _ = walk(0)
    return value, slope, np.where(subnormal, np.nan, peak)
