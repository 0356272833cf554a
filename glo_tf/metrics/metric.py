"""The metric that a training is judged by: any Keras metric, as data, with its direction."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from glo_tf.data.outputs import Activation, Output
from glo_tf.errors import InvalidArgumentError
from glo_tf.identity.code_identity import code_of
from glo_tf.metrics.by_name import metric_by_name
from glo_tf.metrics.mode import Mode

_MODE_OF_DIRECTION = {"up": Mode.MAX, "down": Mode.MIN}

_AT_ONCE = 1 << 22  # predictions that are measured together; bounds the memory that it takes

Measure = Callable[[np.ndarray], float]
"""From the predictions `(N, units)` of an output to the value of a metric."""


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric of one output.

    Attributes:
        name: Keras's name of it.
        mode: Whether it is to be large or small.
        source: Class of the Keras metric, or a function; None for the
            accuracy of classes, which is counted exactly.
        config: Arguments of the class; empty for a function.
        code: Hash of what a user's class or function computes; None for Keras's own.
        unit: What a value that is to be small is divided by in the fitness, so that this does not
            depend on the units of the data.
    """

    name: str
    mode: Mode
    source: Any = None
    config: dict[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    code: str | None = None
    unit: float = 1.0

    @classmethod
    def of(cls, metric: Any, mode: Mode | None, output: Output) -> Metric:
        """A metric as users name it.

        Args:
            metric: Name of a Keras metric or of one of glo_tf, such as `glo_tf.QuantileLoss`, maybe
                with arguments in parentheses, a `keras.metrics.Metric`, or a function of `y_true`
                and `y_pred` that returns a value for each sample. `"accuracy"` is the share of the
                samples of which the largest prediction is that of the label; where outputs are
                sigmoids, the share of the predictions on the right side of 0.5. None is accuracy,
                or the mean absolute error of a linear output.
            mode: None for Keras's own direction.
            output: What it judges.

        Raises:
            ValueError: If it is no metric, does not fit, or its direction is not known.
        """
        if metric is None:
            metric = "mean_absolute_error" if output.activation == Activation.LINEAR else "accuracy"
        if isinstance(metric, str):
            if metric in ("accuracy", "acc"):
                if output.activation == Activation.SOFTMAX:
                    return cls("accuracy", Mode.MAX)
                if output.activation == Activation.LINEAR:
                    raise InvalidArgumentError(
                        "Expected a metric for numbers, such as 'mean_absolute_error', as the "
                        f"model's output is {output}. Received: metric='{metric}'"
                    )
                metric = keras.metrics.BinaryAccuracy(name="accuracy")
            else:
                metric = metric_by_name(metric)
        if isinstance(metric, keras.metrics.Metric):
            name = re.sub(r"_\d+$", "", metric.name)  # Keras numbers them through a process
            own = _MODE_OF_DIRECTION.get(getattr(metric, "_direction", None) or "")
            source: Any = type(metric)
            config = {**metric.get_config(), "name": name}
            _check_fits(metric, config, output)
        elif inspect.isfunction(metric):
            name, own, source, config = metric.__name__, None, metric, {}
        else:
            raise InvalidArgumentError(
                "Expected a Keras metric, its name, or a function (y_true, y_pred). "
                f"Received: metric={metric!r}"
            )
        found = mode or own
        if found is None:
            raise InvalidArgumentError(
                f"Expected metric_mode to be 'max' or 'min', as Keras does not say which of them "
                f"{name} is. Received: metric_mode='auto'"
            )
        return cls(name, found, source, config, code_of(metric))

    def measure(self, targets: np.ndarray, weights: np.ndarray | None = None) -> Measure:
        """A function from predictions to the metric's value.

        Keras's metrics are given class indices or one-hot labels, whichever they take; others get
        the targets as they are.

        Args:
            targets: `(N, ..., units)`, or class indices `(N, ...)`.
            weights: Of the samples, `(N,)`, or of their positions, `(N, ...)`; None if all count
                alike, also for metrics that know no weights.
        """
        if self.source is None:
            return _accuracy(targets, weights)
        metric = self._new(weighted=weights is not None)

        def measured(predictions: np.ndarray) -> float:
            metric.reset_state()
            for part in _parts(predictions):
                y_true, y_pred = self._suited(targets[part], predictions[part]), predictions[part]
                of_samples = None if weights is None else weights[part]
                if self._of_keras and y_pred.ndim > 2:  # each position is a sample
                    y_true = y_true.reshape(-1, *y_true.shape[y_pred.ndim - 1 :])
                    y_pred = y_pred.reshape(-1, y_pred.shape[-1])
                    of_samples = None if of_samples is None else of_samples.ravel()
                metric.update_state(
                    keras.ops.convert_to_tensor(y_true),
                    keras.ops.convert_to_tensor(y_pred),
                    **({} if of_samples is None else {"sample_weight": of_samples}),
                )
            return float(metric.result())

        return measured

    def _new(self, *, weighted: bool) -> keras.metrics.Metric:
        if inspect.isfunction(self.source):
            return keras.metrics.MeanMetricWrapper(self.source, name=self.name)
        made: keras.metrics.Metric = self.source.from_config(self.config)
        if weighted and isinstance(made, keras.metrics.IoU):  # it counts in whole numbers
            made = self.source.from_config({**self.config, "dtype": "float32"})
        return made

    @property
    def _of_keras(self) -> bool:
        return str(self.source.__module__).startswith("keras.")

    def fitness(self, value: float) -> float:
        """A number that is not negative, and larger the better the value is.

        It is the value itself, or 0 if that is negative; where the value is to be small, it is
        1 / (1 + value / unit), Koza's adjusted fitness.
        """
        value = max(value, 0.0)
        return value if self.mode == Mode.MAX else 1.0 / (1.0 + value / self.unit)

    @property
    def goal(self) -> str:
        """The fitness as a formula."""
        if self.mode == Mode.MAX:
            return self.name
        unit = "" if self.unit == 1.0 else f"/{self.unit:.4g}"
        return f"1 / (1 + {self.name}{unit})"

    def in_unit_of(
        self, targets: np.ndarray, weights: np.ndarray | None, means: Sequence[float]
    ) -> Metric:
        """The same, with what it is worth to predict the mean as its unit.

        Args:
            targets: Of the data that fitness is measured on, `(N, ..., units)`.
            weights: Of the samples, as for `measure`.
            means: Of the training targets, one for each unit.
        """
        if self.mode == Mode.MAX:
            return self
        constant = np.broadcast_to(np.asarray(means, np.float32), targets.shape)
        unit = self.measure(targets, weights)(constant)
        usable = 0.0 < unit < math.inf
        return dataclasses.replace(self, unit=unit) if usable else self

    def _suited(self, targets: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        units = predictions.shape[-1]
        if self.source is keras.metrics.BinaryAccuracy:  # it would find no prediction equal to 0.9
            targets = (targets > self.config["threshold"]).astype(np.float32)
        if units == 1 or not self._of_keras:
            return targets
        takes_indices = self.source.__name__.startswith("Sparse") or self.config.get(
            "sparse_y_true", False
        )
        if targets.ndim < predictions.ndim:
            return targets if takes_indices else keras.utils.to_categorical(targets, units)
        return targets.argmax(axis=-1) if takes_indices else targets

    def __str__(self) -> str:
        if self.source is None:
            return self.name
        path = f"{self.source.__module__}.{self.source.__qualname__}"
        config = json.dumps(self.config, sort_keys=True, default=_as_json)
        unit = "" if self.unit == 1.0 else f", over {self.unit!r}"
        return f"{self.name} ({self.mode}): {path} {config}{unit}"


def _check_fits(metric: keras.metrics.Metric, config: dict[str, Any], output: Output) -> None:
    """Makes a metric of classes take probabilities, and refuses one that cannot.

    Args:
        metric: Of Keras, or a user's.
        config: Of the metric; changed.
        output: What it judges.

    Raises:
        ValueError: If it would take each probability for a class, or the only one for the largest.
    """
    of_largest = isinstance(metric, keras.metrics.FBetaScore) and config["threshold"] is None
    if of_largest and output.units == 1:
        raise InvalidArgumentError(
            f"Expected a threshold, as in {type(metric).__name__}(threshold=0.5), for an output of "
            "one unit, which is always its own largest. "
            f"Received: metric={config['name']} with threshold=None"
        )
    indices = type(metric) in (keras.metrics.MeanIoU, keras.metrics.IoU)
    if indices and config["sparse_y_pred"] and output.probabilities:
        if output.activation != Activation.SOFTMAX:
            raise InvalidArgumentError(
                "Expected a metric that takes probabilities, such as BinaryIoU, as the model's "
                f"output is {output}. Received: metric={config['name']}, which takes classes"
            )
        config["sparse_y_pred"] = False


def _as_json(thing: Any) -> Any:
    return thing.tolist() if isinstance(thing, np.ndarray | np.generic) else type(thing).__name__


def _accuracy(targets: np.ndarray, weights: np.ndarray | None) -> Measure:
    """Keras's is a float32 mean."""
    shares = None if weights is None else weights / weights.sum(dtype=np.float64)

    def measured(predictions: np.ndarray) -> float:
        labels = targets if targets.ndim < predictions.ndim else targets.argmax(axis=-1)
        right = predictions.argmax(axis=-1) == labels
        return float(right.mean() if shares is None else shares[right].sum())

    return measured


def _parts(predictions: np.ndarray) -> list[slice]:
    """All at once, but for dense predictions, of which there may be many a sample."""
    at_once = len(predictions)
    if predictions.ndim > 2:
        at_once = max(1, _AT_ONCE * at_once // predictions.size)
    return [slice(start, start + at_once) for start in range(0, len(predictions), at_once)]
