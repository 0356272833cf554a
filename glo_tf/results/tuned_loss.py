"""What a loss is worth at its best: every setting that was tried with it, and the best one."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

from glo_tf.expressions.tree import Expression
from glo_tf.results.rate_curve import RateCurve
from glo_tf.training.trial import Status


@dataclasses.dataclass(frozen=True)
class Trial:
    """A loss with values of its parameters, at one learning rate.

    Attributes:
        name: Of the loss with its parameters, as `GCE(q=0.7)`.
        parameters: By name.
        expression: The whole loss, per class.
        learning_rate: Per step; of a schedule its peak.
        fitness: Mean over the seeds, from validation data; of one that ended early, after its heat.
            The best setting of a contender has had more seeds than others.
        status: `"ok"`; `"stopped"` of a trial that its heat showed to be hopeless; else what became
            of a training that failed.
        steps: Training steps that it cost.
    """

    name: str
    parameters: Mapping[str, float] = dataclasses.field(hash=False)
    expression: str
    learning_rate: float
    fitness: float
    status: Status
    steps: int

    @functools.cached_property
    def loss(self) -> Expression:
        """The expression as a tree."""
        return Expression.parse(self.expression)

    @property
    def order(self) -> tuple[bool, float, float]:
        """The best is the least; of equals that with the smallest learning rate."""
        return self.status != Status.OK, -self.fitness, self.learning_rate


@dataclasses.dataclass(frozen=True)
class TunedLoss:
    """A loss and all trials of it.

    Attributes:
        name: Of the loss, without parameters.
        trials: In the order in which they were made, at least one.
        dropped: Whether it had fewer trials than the others, as it was behind.
        at_edge: Whether the best learning rate is the smallest or the largest that was tried.
    """

    name: str
    trials: tuple[Trial, ...]
    dropped: bool
    at_edge: bool

    @functools.cached_property
    def best(self) -> Trial:
        """The best trial, of equals the first."""
        return min(self.trials, key=lambda trial: trial.order)

    @property
    def curve(self) -> RateCurve:
        """Fitness against learning rate, of the trials with the parameters of the best."""
        rates = {t.learning_rate: t.fitness for t in self.trials if t.name == self.best.name}
        return RateCurve(
            name=self.best.name,
            train_fraction=1.0,
            learning_rates=tuple(sorted(rates)),
            fitnesses=tuple(rates[rate] for rate in sorted(rates)),
            learning_rate=self.best.learning_rate,
        )
