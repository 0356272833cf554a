"""The known losses, of arrays and of parameters that are arrays too.

They are those of `glo_tf.losses`, as tests check: there a parameter is part of the expression, and
each value would be compiled anew.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.suite import measures

if TYPE_CHECKING:
    from glo_tf.expressions.leaves import Surroundings

Formula = Callable[..., Any]
"""`f(np, x, log_y, seen, parameters)`: the loss of samples, `(N,)`.

Of NumPy or `jax.numpy`, one-hot labels and log-probabilities `(N, C)`, what a loss may see beside
(the frequencies `(C,)` and the number of classes, the progress of the training), and parameters
`(P,)`. Numbers have targets `(N, 1)` as x and predictions in place of log_y.
"""


@dataclasses.dataclass(frozen=True)
class Range:
    """Where a parameter is looked for.

    Attributes:
        name: In `glo_tf.losses`.
        low: From
        high: to.
        scale: Whether by its logarithm.
        whole: Whether it is a whole number.
    """

    name: str
    low: float
    high: float
    scale: bool = False
    whole: bool = False

    def value(self, share: float) -> float:
        """At a share of the way."""
        if self.scale:
            return float(self.low * (self.high / self.low) ** share)
        found = self.low + share * (self.high - self.low)
        return float(round(found)) if self.whole else float(found)


@dataclasses.dataclass(frozen=True)
class Rival:
    """A loss that takes part.

    Attributes:
        name: How it is shown.
        formula: What is trained with.
        ranges: Of its parameters.
        decide: What is done with scores, fitted on validation data.
        expression: Of a found loss, its text.
    """

    name: str
    formula: Formula
    ranges: tuple[Range, ...] = ()
    decide: Callable[..., measures.Decision] = measures.as_they_are
    expression: str | None = None


def _cross_entropy(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    return -(x * log_y).sum(-1)


def _label_smoothing(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    return -((x * (1.0 - p[0]) + p[0] / x.shape[-1]) * log_y).sum(-1)


def _focal(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    rest = np.maximum(1.0000002 - np.exp(log_y), 1e-7)
    return -(x * np.exp(p[0] * np.log(rest)) * log_y).sum(-1)


def _poly1(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    return (p[0] * x * (1.0 - np.exp(log_y)) - x * log_y).sum(-1)


def _gce(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    return (x * (1.0 - np.exp(p[0] * log_y))).sum(-1) / p[0]


def _sce(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    reverse = np.exp(log_y) * np.log(np.maximum(x, 1e-4))
    return -(p[0] * x * log_y + reverse).sum(-1)


def _mae(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    return np.abs(x - np.exp(log_y)).sum(-1)


def _amse(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    return np.square(p[0] * x - np.exp(log_y)).sum(-1)


def _brier(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    return np.square(x - np.exp(log_y)).sum(-1)


def _taylor(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    rest = 1.0 - np.exp(log_y)
    term, total = np.ones_like(rest), np.zeros_like(rest)
    for order in range(1, 13):
        term = term * rest
        total = total + np.where(order <= p[0], term / order, 0.0)
    return (x * total).sum(-1)


def _clipped(np: Any, log_y: Any) -> Any:
    return np.maximum(np.exp(log_y), 1e-7)


def _baikal(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    return (x / _clipped(np, log_y) - log_y).sum(-1)


def _baikal_cma(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    inner = 0.9863 * (math.log(1.5352) + log_y) - 1.8158 * x / _clipped(np, log_y)
    return -2.7279 * inner.sum(-1)


def _ngl(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    y = np.exp(log_y)
    return (np.exp(2.4092 - y - y * x) - np.cos(np.cos(np.sin(y)))).mean(-1)


def _nce(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    return (x * log_y).sum(-1) / log_y.sum(-1)


def _nce_rce(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    reverse = -(np.exp(log_y) * np.log(np.maximum(x, 1e-4))).sum(-1)
    return p[0] * _nce(np, x, log_y, seen, p) + reverse


def _nce_amse(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    squares = np.square(p[1] * x - np.exp(log_y)).mean(-1)
    return _nce(np, x, log_y, seen, p) + p[0] * squares


def _bootstrapping(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    return -((p[0] * x + (1.0 - p[0]) * np.exp(log_y)) * log_y).sum(-1)


def _class_weighted(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    shares = seen.frequencies
    weights = np.exp(-p[0] * np.log(shares))
    return -(x * log_y * weights).sum(-1) / (shares * weights).sum()


def _logit_adjusted(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    return _softmax_cross_entropy(np, x, log_y + p[0] * np.log(seen.frequencies))


def _ldam(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
    shares = seen.frequencies
    margins = np.exp(-0.25 * np.log(shares / shares.min())) * p[0]
    return _softmax_cross_entropy(np, x, log_y - x * margins)


def _softmax_cross_entropy(np: Any, x: Any, logits: Any) -> Any:
    largest = logits.max(-1, keepdims=True)
    total = np.log(np.exp(logits - largest).sum(-1, keepdims=True)) + largest
    return -(x * (logits - total)).sum(-1)


def _squared(np: Any, x: Any, y: Any, seen: Surroundings, p: Any) -> Any:
    return np.square(x - y).sum(-1)


def _absolute(np: Any, x: Any, y: Any, seen: Surroundings, p: Any) -> Any:
    return np.abs(x - y).sum(-1)


def _huber(np: Any, x: Any, y: Any, seen: Surroundings, p: Any) -> Any:
    error = np.abs(x - y)
    near = np.minimum(error, p[0])
    return (near * (error - 0.5 * near)).sum(-1)


def _log_cosh(np: Any, x: Any, y: Any, seen: Surroundings, p: Any) -> Any:
    error = np.abs(x - y)
    return (error + np.log(0.5 + 0.5 * np.exp(-2.0 * error))).sum(-1)


def _quantile(np: Any, x: Any, y: Any, seen: Surroundings, p: Any) -> Any:
    return np.maximum(p[0] * (x - y), (p[0] - 1.0) * (x - y)).sum(-1)


def _asymmetric_squared(np: Any, x: Any, y: Any, seen: Surroundings, p: Any) -> Any:
    return (np.square(x - y) * np.where(x > y, p[0], 1.0 - p[0])).sum(-1)


def _cauchy(np: Any, x: Any, y: Any, seen: Surroundings, p: Any) -> Any:
    return (p[0] ** 2 / 2.0 * np.log(1.0 + np.square((x - y) / p[0]))).sum(-1)


def _tukey(np: Any, x: Any, y: Any, seen: Surroundings, p: Any) -> Any:
    rest = np.maximum(1.0 - np.square((x - y) / p[0]), 0.0)
    return (p[0] ** 2 / 6.0 * (1.0 - rest**3)).sum(-1)


CROSS_ENTROPY = Rival("cross_entropy", _cross_entropy)

OF_CLASSES = (
    CROSS_ENTROPY,
    Rival("label_smoothing", _label_smoothing, (Range("alpha", 0.0, 0.9),)),
    Rival("focal", _focal, (Range("gamma", 0.1, 10.0, scale=True),)),
    Rival("poly1", _poly1, (Range("epsilon_1", -1.0, 10.0),)),
    Rival("gce", _gce, (Range("q", 0.05, 1.0),)),
    Rival("sce", _sce, (Range("alpha", 0.01, 10.0, scale=True),)),
    Rival("mae", _mae),
    Rival("brier", _brier),
    Rival("amse", _amse, (Range("a", 1.0, 50.0, scale=True),)),
    Rival("taylor_cross_entropy", _taylor, (Range("order", 1, 12, whole=True),)),
    Rival("baikal", _baikal),
    Rival("baikal_cma", _baikal_cma),
    Rival("ngl", _ngl),
    Rival("nce", _nce),
    Rival("nce_rce", _nce_rce, (Range("alpha", 0.03, 100.0, scale=True),)),
    Rival(
        "nce_amse",
        _nce_amse,
        (Range("beta", 0.001, 10.0, scale=True), Range("a", 1.0, 50.0, scale=True)),
    ),
)

OF_WRONG_LABELS = (Rival("bootstrapping", _bootstrapping, (Range("beta", 0.2, 1.0),)),)
"""Soft bootstrapping (arXiv 1412.6596): cross-entropy with a bonus for sure predictions."""

OF_RARE_CLASSES = (
    Rival("class_weighted", _class_weighted, (Range("power", 0.0, 1.0),)),
    Rival("logit_adjusted", _logit_adjusted, (Range("tau", 0.0, 2.5),)),
    Rival("ldam", _ldam, (Range("max_margin", 0.1, 10.0, scale=True),)),
    Rival("cross_entropy, adjusted after", _cross_entropy, decide=measures.adjusted),
)

THRESHOLDED = Rival("cross_entropy, tuned threshold", _cross_entropy, decide=measures.thresholded)

OF_NUMBERS = (
    Rival("squared_error", _squared),
    Rival("absolute_error", _absolute),
    Rival("huber", _huber, (Range("delta", 0.03, 10.0, scale=True),)),
    Rival("log_cosh", _log_cosh),
    Rival("quantile", _quantile, (Range("q", 0.02, 0.98),)),
    Rival("asymmetric_squared", _asymmetric_squared, (Range("tau", 0.02, 0.98),)),
    Rival("cauchy", _cauchy, (Range("c", 0.1, 10.0, scale=True),)),
    Rival("tukey", _tukey, (Range("c", 0.3, 30.0, scale=True),)),
)


def found(name: str, expression: str, terms: Sequence[tuple[Range, str]] = ()) -> Rival:
    """What a search found, of clipped probabilities, as it was searched for and Keras trains it.

    Args:
        name: How it is shown.
        expression: Its text.
        terms: What is added to it, each times its parameter.
    """
    from glo_tf.expressions.tree import Expression
    from glo_tf.expressions.value import value_of

    trees = [Expression.parse(text) for text in (expression, *(term for _, term in terms))]

    def of_classes(np: Any, x: Any, log_y: Any, seen: Surroundings, p: Any) -> Any:
        y = _clipped(np, log_y)
        first, *others = (value_of(tree, x, y, ops=np, surroundings=seen).sum(-1) for tree in trees)
        return first + sum(p[place] * each for place, each in enumerate(others))

    return Rival(name, of_classes, tuple(each for each, _ in terms), expression=expression)


def found_of_numbers(name: str, expression: str) -> Rival:
    """The same of numbers."""
    from glo_tf.expressions.tree import Expression
    from glo_tf.expressions.value import value_of

    tree = Expression.parse(expression)

    def of_numbers(np: Any, x: Any, y: Any, seen: Surroundings, p: Any) -> Any:
        return value_of(tree, x, y, ops=np, surroundings=seen).sum(-1)

    return Rival(name, of_numbers, expression=expression)
