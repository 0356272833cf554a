"""What fitness is: one metric, or one for each output of the model."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glo_tf.data.outputs import Outputs
from glo_tf.errors import InvalidArgumentError
from glo_tf.metrics.metric import Metric
from glo_tf.metrics.mode import Mode
from glo_tf.utils.choice import choice
from glo_tf.utils.statistics import mean_of

if TYPE_CHECKING:
    from glo_tf.data.held_out import HeldOut


@dataclasses.dataclass(frozen=True)
class Objective:
    """The mean fitness of the outputs that have a metric.

    Attributes:
        metrics: Of each output; None for one that does not count.
        outputs: Names of the outputs; their places if empty.
    """

    metrics: tuple[Metric | None, ...]
    outputs: tuple[str, ...] = ()

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
            metrics = [Metric.of(metric, direction, output) for output in outputs.each]
            return cls(tuple(metrics), outputs.names or ())
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
        each = [None if m is None else Metric.of(m, direction, out) for m, out in pairs]
        return cls(tuple(each), names)

    def in_units_of(self, data: HeldOut, outputs: Outputs) -> Objective:
        """The same, with fitness that does not depend on units where outputs are standardised.

        An error is divided there by that of predicting the mean of the training targets.

        Args:
            data: What fitness is measured on.
            outputs: Of the model.
        """
        none: list[np.ndarray | None] = [None] * len(self.metrics)
        weights = data.weights or none
        metrics = [
            metric.in_unit_of(rows, own, output.standardization.means)
            if metric is not None and output.standardization is not None
            else metric
            for metric, output, rows, own in zip(
                self.metrics, outputs.each, data.targets, weights, strict=True
            )
        ]
        return dataclasses.replace(self, metrics=tuple(metrics))

    def measure(
        self, targets: Sequence[np.ndarray], weights: Sequence[np.ndarray] | None = None
    ) -> Callable[[Sequence[np.ndarray]], list[float]]:
        """A function from the predictions of each output to the values of the metrics that count.

        Args:
            targets: Of each output, as metrics take them.
            weights: Of the samples, for each output; None if all count alike.
        """
        counted = [
            (place, metric.measure(targets[place], None if weights is None else weights[place]))
            for place, metric in enumerate(self.metrics)
            if metric is not None
        ]

        return lambda predictions: [measure(predictions[place]) for place, measure in counted]

    def fitness(self, found: Sequence[float]) -> float | None:
        """The mean of what the values of the metrics that count are worth.

        Args:
            found: See `measure`.

        Returns:
            A number that is not negative; None if a value is NaN or infinite.
        """
        if not all(map(math.isfinite, found)):
            return None
        pairs = zip(self._counted, found, strict=True)
        return mean_of(metric.fitness(value) for metric, value in pairs)

    def values(self, found: Sequence[float]) -> dict[str, float | None]:
        """By name what was measured; None is NaN or infinite.

        First what goes by `name`. Where several metrics count, it is followed by their own values,
        by the names that Keras gives them, such as `"digit_accuracy"` of the output `"digit"`.

        Args:
            found: See `measure`.
        """
        own = [value if math.isfinite(value) else None for value in found]
        if len(own) > 1:
            own.insert(0, self.fitness(found))
        return dict(zip(self.value_names, own, strict=True))

    @property
    def value_names(self) -> tuple[str, ...]:
        """The names of `values`."""
        if len(self._counted) == 1:
            return (self.name,)
        outputs = self.outputs or tuple(map(str, range(len(self.metrics))))
        pairs = zip(outputs, self.metrics, strict=True)
        return self.name, *(f"{of}_{metric.name}" for of, metric in pairs if metric is not None)

    @property
    def mode(self) -> Mode:
        """Whether what goes by `name` is to be large or small."""
        counted = self._counted
        return counted[0].mode if len(counted) == 1 else Mode.MAX

    @property
    def name(self) -> str:
        """Of what candidates are compared by: a single metric, or the fitness of several."""
        counted = self._counted
        return (
            counted[0].name
            if len(counted) == 1
            else f"fitness ({', '.join(dict.fromkeys(metric.name for metric in counted))})"
        )

    @property
    def goal(self) -> str:
        """What fitness is, in words and metrics."""
        of_each = [metric.goal for metric in self._counted]
        return of_each[0] if len(of_each) == 1 else f"mean of {', '.join(of_each)}"

    @property
    def description(self) -> dict[str, Any]:
        """All that decides what it measures beside users' code, as JSON-ready data."""
        return {
            "name": self.name,
            "mode": str(self.mode),
            "of_outputs": [None if metric is None else str(metric) for metric in self.metrics],
        }

    @property
    def code(self) -> str | None:
        """Hash of what the user's metrics compute; None if all are Keras's."""
        codes = [None if metric is None else metric.code for metric in self.metrics]
        return "; ".join(map(str, codes)) if any(codes) else None

    @property
    def _counted(self) -> list[Metric]:
        return [metric for metric in self.metrics if metric is not None]
