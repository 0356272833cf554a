"""The search space of TaylorGLO: a polynomial of third order, whose parameters CMA-ES searches.

Source: arXiv 2002.00059 (Gonzalez and Miikkulainen, GECCO 2021). A function f(x, y) is expanded at
the centre (θ0, θ1); terms whose slope in y is zero are left out, as they do not train::

    f(x, y) = θ2 (y - θ1) + 1/2 θ3 (y - θ1)² + 1/6 θ4 (y - θ1)³ + θ5 (x - θ0)(y - θ1)
              + 1/2 θ6 (x - θ0)(y - θ1)² + 1/2 θ7 (x - θ0)² (y - θ1)

The authors' program (github.com/cognizant-ai-labs/TaylorGLO) folds the factorials into its
parameters, which the paper allows; here they stand as in the formula.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.prefix import Node
from glo_tf.expressions.program import Program
from glo_tf.expressions.tree import Expression
from glo_tf.identity.stable_id import stable_id
from glo_tf.results.record import Phase
from glo_tf.search.coefficients.parameterization import Parameterization
from glo_tf.search.spaces.space import SearchSpace

_Tree = tuple[tuple[Node, float], ...]  # nodes in prefix order, each with its coefficient


def taylor() -> SearchSpace:
    """Taylor polynomials of third order: 8 parameters, CMA-ES alone (arXiv 2002.00059).

    Start at zeros, step size 1.2 and 28 candidates a generation are those of TaylorGLO on MNIST.
    """
    return SearchSpace(
        "taylor",
        "Taylor polynomials of third order in x and y",
        weights={},
        phases=(Phase.COEFFICIENTS,),
        parameterization=Parameterization(polynomial, (0.0,) * 8),
        invariant=lifts_the_label,
        coefficient_sigma0=1.2,
        coefficient_population_size=28,
    )


@stable_id("taylor_polynomial")
def polynomial(theta: Sequence[float]) -> Expression:
    """The tree f(x, y) with the parameters θ0 to θ7, factored so that each power is used once.

    With u = x - θ0 and v = y - θ1 it is
    v (θ2 + v (θ3/2 + θ4/6 v) + u (θ5 + θ6/2 v + θ7/2 u)).

    Args:
        theta: 8 numbers.

    Raises:
        ValueError: If they are not 8.
    """
    if len(theta) != 8:
        raise InvalidArgumentError(f"Expected 8 parameters. Received: {len(theta)} parameters")
    u = _operation("-", _leaf("x"), _leaf(1, theta[0]))
    v = _operation("-", _leaf("y"), _leaf(1, theta[1]))
    of_v = _operation("+", _leaf(1, theta[3] / 2), _scaled(theta[4] / 6, v))
    of_u = _operation(
        "+",
        _operation("+", _leaf(1, theta[5]), _scaled(theta[6] / 2, v)),
        _scaled(theta[7] / 2, u),
    )
    terms = (_leaf(1, theta[2]), _operation("*", v, of_v), _operation("*", u, of_u))
    factor = _operation("+", _operation("+", terms[0], terms[1]), terms[2])
    nodes, coefficients = zip(*_operation("*", v, factor), strict=True)
    return Expression(nodes, coefficients)


@stable_id("taylor_invariant")
def lifts_the_label(loss: Expression, num_classes: int) -> bool:
    """Whether a network that knows nothing learns to raise the output of the label.

    Such a network predicts y = 1/C everywhere. Through a softmax, a step of gradient descent on
    the loss -f changes the logit of class k by η/C (f'(x_k, 1/C) - the mean of these over the
    classes), where f' is df/dy. So the label's logit rises above the others if and only if
    f'(1, 1/C) > f'(0, 1/C); for a Taylor polynomial that is ::

        θ5 + θ6 (1/C - θ1) + θ7 (1/2 - θ0) > 0

    The idea of such an invariant of the parameters, and of refusing what violates it, is that of
    arXiv 2010.00788. The derivation above is ours, as is the inequality: the authors' program
    compares f'(1, 1/C) - f'(0, 1/C) with (C - 2) f'(0, 1/C), not with 0. Of 1000 random polynomials
    252 train an MLP on digits; the authors' inequality refuses 108 of these, the one above none
    (`benchmarks/taylor_invariant.py`).

    Args:
        loss: Of one class, the whole loss -f.
        num_classes: C.
    """
    labels, predictions = np.array([[1.0, 0.0]]), np.full((1, 2), 1.0 / num_classes)
    _, slopes = Program.of(loss, dtype=np.float64).run(labels, predictions)
    of_label, of_other = slopes[0]
    return bool(of_label < of_other)


def _leaf(node: Node, coefficient: float = 1.0) -> _Tree:
    return ((node, coefficient),)


def _operation(node: str, *operands: Iterable[tuple[Node, float]]) -> _Tree:
    return ((node, 1.0), *itertools.chain(*operands))


def _scaled(factor: float, tree: _Tree) -> _Tree:
    """The tree times a factor."""
    (node, coefficient), *operands = tree
    return ((node, factor * coefficient), *operands)
