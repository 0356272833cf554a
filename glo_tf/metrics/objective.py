"""What fitness is: one metric, or one for each output of the model."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from glo_tf.data.outputs import Outputs
from glo_tf.errors import InvalidArgumentError
from glo_tf.metrics.metric import Metric
from glo_tf.metrics.mode import Mode
from glo_tf.utils.choice import choice


@dataclasses.dataclass(frozen=True)
class Objective:
    """The mean fitness of the outputs that have a metric.

    Attributes:
        metrics: Of each output; None for one that does not count.
    """

    metrics: tuple[Metric | None, ...]

    @classmethod
    def define(cls, metric: Any, mode: str, outputs: Outputs) -> Objective:
        """What a user asks for.

        Args:
            metric: See `Metric.of`; where there are several outputs one for all of them, or a list,
                or a dict by the outputs' names, as Keras takes `metrics`.
            mode: Its direction: `"max"`, `"min"`, or `"auto"` for Keras's own.
            outputs: Of the model.

        Raises:
            ValueError: If it is no metric, does not fit the outputs, or leaves out all of them.
        """
        direction = choice(Mode, "metric_mode", mode, none="auto")
        if not isinstance(metric, Mapping | list | tuple):
            return cls(tuple(Metric.of(metric, direction, output) for output in outputs.each))
        names = outputs.names or ()
        if isinstance(metric, Mapping):
            fits = bool(metric) and set(metric) <= set(names)
            given = [metric.get(name) for name in names]
        else:
            given = list(metric)
            fits = len(given) == len(outputs.each) and any(m is not None for m in given)
        if not fits:
            what = f"a dict with {', '.join(names)}" if names else f"{len(outputs.each)} of them"
            raise InvalidArgumentError(
                f"Expected one metric, or as the model's outputs {what}, not all None. "
                f"Received: metric={metric!r}"
            )
        pairs = zip(given, outputs.each, strict=True)
        return cls(tuple(None if m is None else Metric.of(m, direction, out) for m, out in pairs))

    def measure(
        self, targets: Sequence[np.ndarray]
    ) -> Callable[[Sequence[np.ndarray]], list[float] | None]:
        """A function from the predictions of each output to the values of the metrics that count.

        It gives None if one is NaN or infinite.

        Args:
            targets: Of each output, as metrics take them.
        """
        counted = [
            (place, metric.measure(targets[place]))
            for place, metric in enumerate(self.metrics)
            if metric is not None
        ]

        def values(predictions: Sequence[np.ndarray]) -> list[float] | None:
            found = [measure(predictions[place]) for place, measure in counted]
            return found if all(map(math.isfinite, found)) else None

        return values

    def fitness(self, values: Sequence[float]) -> float:
        """From the values of the metrics that count: the mean of what each is worth."""
        pairs = zip(self._counted, values, strict=True)
        return statistics.fmean(metric.fitness(value) for metric, value in pairs)

    def value(self, values: Sequence[float]) -> float:
        """What goes by `name` and `mode`: the value of a single metric, or else the fitness."""
        return values[0] if len(values) == 1 else self.fitness(values)

    def value_of(self, fitness: float) -> float | None:
        """What `fitness` makes of a `value`, undone; None if that is not finite."""
        counted = self._counted
        value = counted[0].value(fitness) if len(counted) == 1 else fitness
        return value if math.isfinite(value) else None

    @property
    def mode(self) -> Mode:
        """Whether `value` is to be large or small."""
        counted = self._counted
        return counted[0].mode if len(counted) == 1 else Mode.MAX

    @property
    def name(self) -> str:
        """What `shown` shows: a metric's name, or the fitness of several."""
        counted = self._counted
        return (
            counted[0].name
            if len(counted) == 1
            else f"fitness ({', '.join(dict.fromkeys(metric.name for metric in counted))})"
        )

    @property
    def goal(self) -> str:
        """What fitness is, in words and metrics."""
        of_each = [m.name if m.mode == Mode.MAX else f"1 / (1 + {m.name})" for m in self._counted]
        return of_each[0] if len(of_each) == 1 else f"mean of {', '.join(of_each)}"

    def shown(self, fitnesses: Sequence[float]) -> str:
        """Fitnesses for readers: several as their mean and standard deviation.

        Where a single metric gave them, its values are shown instead.
        """
        counted = self._counted
        values = np.array(fitnesses, float)
        if len(counted) == 1:
            values = np.array([counted[0].value(fitness) for fitness in fitnesses])
        if len(values) == 1:
            return f"{values[0]:.4f}"
        with np.errstate(invalid="ignore"):  # of an infinite error
            return f"{values.mean():.4f} ± {values.std(ddof=1):.4f}"

    @property
    def code(self) -> str | None:
        """Hash of what the user's metrics compute; None if all are Keras's."""
        codes = [None if metric is None else metric.code for metric in self.metrics]
        return "; ".join(map(str, codes)) if any(codes) else None

    @property
    def _counted(self) -> list[Metric]:
        return [metric for metric in self.metrics if metric is not None]

    def __str__(self) -> str:
        return "; ".join(str(metric) for metric in self.metrics)
