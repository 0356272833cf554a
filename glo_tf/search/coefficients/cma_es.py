"""The coefficient phase: CMA-ES, by pycma, over the parameters of one expression."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cma
import numpy as np

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.tree import Expression
from glo_tf.search.coefficients.parameterization import Parameterization


class CoefficientSearch:
    """Ask-and-tell search for the parameters of an expression.

    It is the (mu/mu_w, lambda)-CMA-ES with weighted rank-mu updates, as in Section 3 of
    arXiv 1905.11528.

    Args:
        parameterization: From parameters to trees, and where to start.
        sigma0: Initial step size.
        population_size: Candidates per generation; None is pycma's default, 4 + 3 ln(parameters).
        seed: Any non-negative integer.

    Raises:
        ValueError: If `sigma0` is not positive.
    """

    def __init__(
        self,
        parameterization: Parameterization,
        *,
        sigma0: float,
        population_size: int | None = None,
        seed: int,
    ):
        if not sigma0 > 0:
            raise InvalidArgumentError(f"Expected a positive sigma0. Received: sigma0={sigma0}")
        self._expression = parameterization.expression
        options = {
            # A generator of its own: pycma would seed and use NumPy's global one, so whatever else
            # draws from that between `ask` and `ask` would change the candidates.
            "seed": np.nan,
            "randn": np.random.RandomState(seed % (2**31 - 1) + 1).randn,
            "verbose": -9,
            # Accuracies tie often, above all where many candidates fail. A flat generation is no
            # sign of convergence then, so only the caller's budget and sigma end the search.
            "tolflatfitness": np.inf,
            "tolfun": 0,
            "tolfunhist": 0,
            "tolstagnation": np.inf,
        }
        if population_size is not None:
            options["popsize"] = population_size
        start = list(parameterization.start)
        self._strategy = cma.CMAEvolutionStrategy(start, sigma0, options)
        self._asked: list[np.ndarray] = []

    @property
    def stopped(self) -> bool:
        """Whether CMA-ES has converged or degenerated."""
        return bool(self._strategy.stop())

    def ask(self) -> list[Expression]:
        """The candidates of the next generation: trees with new parameters."""
        self._asked = self._strategy.ask()
        return [self._expression(vector.tolist()) for vector in self._asked]

    def tell(self, fitnesses: Sequence[float | None]) -> None:
        """Reports the fitnesses of the candidates of the last `ask`, in their order.

        Args:
            fitnesses: Higher is better. None, NaN or an infinity is a failed candidate, which ranks
                behind all others.

        Raises:
            ValueError: If there are not as many fitnesses as candidates.
        """
        if len(fitnesses) != len(self._asked):
            raise InvalidArgumentError(
                f"Expected {len(self._asked)} fitnesses. Received: {len(fitnesses)} fitnesses"
            )
        costs = [
            -value if value is not None and math.isfinite(value) else None for value in fitnesses
        ]
        # pycma would replace a missing value by the median. Explicit, it ranks last.
        largest = max((cost for cost in costs if cost is not None), default=0.0)
        worst = largest + max(1.0, abs(largest))  # 1e20 + 1 would be 1e20
        self._strategy.tell(self._asked, [worst if cost is None else cost for cost in costs])
