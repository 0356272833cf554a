"""The coefficient phase: CMA-ES, by pycma, over the parameters of one expression."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import cma
import numpy as np

from glo_tf.comparison.expected_rates import ExpectedRates
from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.tree import Expression
from glo_tf.search.ask_tell import AskTell, loss_of
from glo_tf.search.coefficients.parameterization import Parameterization
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.trial import Evaluation, Status

Passing: TypeAlias = Callable[[Sequence[Candidate]], Sequence[bool]]
"""Of candidates, which would not be rejected untrained."""

_MOST = 60.0  # octaves from the expected learning rate
_DRAWS = 20  # in the mean, of a candidate; to look at one takes a thousandth of a training


class CoefficientSearch(AskTell):
    """Search for the parameters of an expression.

    It is the (mu/mu_w, lambda)-CMA-ES with weighted rank-mu updates, as in Section 3 of
    arXiv 1905.11528. A candidate that was not trained to the end, or whose fitness is not finite,
    ranks behind all others. A candidate that would not be trained at all is drawn anew: around a
    loss with a pole, six of seven are such, and a generation of them alone teaches nothing.

    Args:
        parameterization: From parameters to trees, and where to start.
        sigma0: Initial step size.
        population_size: Candidates per generation; None is pycma's default, 4 + 3 ln(parameters).
        seed: Any non-negative integer.
        hyperparameters: Of all candidates; None leaves them to the task.
        expected: Where learning rates are looked for. The rate is a further parameter then: its
            logarithm to base 2, relative to what is expected of the candidate's loss, from that of
            `hyperparameters` on. Losses have scale 1, which is no matter of parameters any more.
        passing: Says which candidates it may give; None for all that it draws.

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
        hyperparameters: Hyperparameters | None = None,
        expected: ExpectedRates | None = None,
        passing: Passing | None = None,
    ):
        super().__init__(hyperparameters)
        self._expected = expected
        self._passing = passing
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
        if expected is not None:
            start.append(self._octaves(expected, parameterization))
        if parameterization.steps is not None:
            options["CMA_stds"] = [*parameterization.steps, 1.0][: len(start)]
        self._strategy = cma.CMAEvolutionStrategy(start, sigma0, options)
        self._vectors: list[np.ndarray] = []

    @property
    def stopped(self) -> bool:
        """Whether CMA-ES has converged or degenerated."""
        return bool(self._strategy.stop())

    def _trees(self) -> list[Expression]:
        self._vectors = self._strategy.ask()
        if self._passing is not None:
            self._draw_anew(self._passing)
        return [self._tree(vector) for vector in self._vectors]

    def _draw_anew(self, passing: Passing) -> None:
        """Draws vectors in place of those whose candidates would be rejected."""
        left = _DRAWS * len(self._vectors)
        places = list(range(len(self._vectors)))
        while True:
            drawn = [self._vectors[place] for place in places]
            passed = passing([self._candidate(loss_of(self._tree(one)), one) for one in drawn])
            places = [place for place, passes in zip(places, passed, strict=True) if not passes]
            left -= len(drawn)
            if not places or left < len(places):
                return
            for place, vector in zip(places, self._strategy.ask(len(places)), strict=True):
                self._vectors[place] = vector

    def _tree(self, vector: np.ndarray) -> Expression:
        of_loss = slice(None) if self._expected is None else slice(-1)
        return self._expression(vector[of_loss].tolist())

    def _candidates(self, losses: Sequence[Expression]) -> list[Candidate]:
        return list(map(self._candidate, losses, self._vectors))

    def _candidate(self, loss: Expression, vector: np.ndarray) -> Candidate:
        if self._expected is None:
            return Candidate(loss, self._hyperparameters)
        at_scale_1 = self._expected.at_scale_1(loss)
        rate = self._expected.of(at_scale_1, 2.0 ** float(np.clip(vector[-1], -_MOST, _MOST)))
        return Candidate(at_scale_1, Hyperparameters(rate))

    def _octaves(self, expected: ExpectedRates, start: Parameterization) -> float:
        """The learning rate to begin with, relative to what is expected there."""
        rate = self._hyperparameters.learning_rate
        loss = loss_of(self._expression(start.start))
        return 0.0 if rate is None else math.log2(rate / expected.of(loss))

    def _learn(self, evaluations: Sequence[Evaluation]) -> None:
        costs = [
            -one.fitness if one.status == Status.OK and math.isfinite(one.fitness) else None
            for one in evaluations
        ]
        # pycma would replace a missing value by the median. Explicit, it ranks last.
        largest = max((cost for cost in costs if cost is not None), default=0.0)
        worst = largest + max(1.0, abs(largest))  # 1e20 + 1 would be 1e20
        self._strategy.tell(self._vectors, [worst if cost is None else cost for cost in costs])
