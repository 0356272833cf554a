"""The metric that a training is judged by: any Keras metric, as data, with its direction."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import json
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from glo_tf.data.outputs import Activation, Output
from glo_tf.errors import InvalidArgumentError
from glo_tf.identity.code_identity import code_of
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
    """

    name: str
    mode: Mode
    source: Any = None
    config: dict[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    code: str | None = None

    @classmethod
    def of(cls, metric: Any, mode: Mode | None, output: Output) -> Metric:
        """A metric as users name it.

        Args:
            metric: Name of a Keras metric, a `keras.metrics.Metric`, or a function of `y_true` and
                `y_pred` that returns a value for each sample. `"accuracy"` is the share of the
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
                metric = _by_name(metric)
        if isinstance(metric, keras.metrics.Metric):
            name = re.sub(r"_\d+$", "", metric.name)  # Keras numbers them through a process
            own = _MODE_OF_DIRECTION.get(getattr(metric, "_direction", None) or "")
            source: Any = type(metric)
            config = {**metric.get_config(), "name": name}
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
                y_true = keras.ops.convert_to_tensor(self._suited(targets[part], predictions[part]))
                of_samples = {} if weights is None else {"sample_weight": weights[part]}
                y_pred = keras.ops.convert_to_tensor(predictions[part])
                metric.update_state(y_true, y_pred, **of_samples)
            return float(metric.result())

        return measured

    def _new(self, *, weighted: bool) -> keras.metrics.Metric:
        if inspect.isfunction(self.source):
            return keras.metrics.MeanMetricWrapper(self.source, name=self.name)
        made: keras.metrics.Metric = self.source.from_config(self.config)
        if weighted and isinstance(made, keras.metrics.IoU):  # it counts in whole numbers
            made = self.source.from_config({**self.config, "dtype": "float32"})
        return made

    def fitness(self, value: float) -> float:
        """A number that is not negative, and larger the better the value is.

        It is the value itself, or 0 if that is negative; where the value is to be small, it is
        1 / (1 + value), Koza's adjusted fitness.
        """
        value = max(value, 0.0)
        return value if self.mode == Mode.MAX else 1.0 / (1.0 + value)

    def _suited(self, targets: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        units = predictions.shape[-1]
        if self.source is keras.metrics.BinaryAccuracy:  # it would find no prediction equal to 0.9
            targets = (targets > self.config["threshold"]).astype(np.float32)
        if units == 1 or not self.source.__module__.startswith("keras."):
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
        return f"{self.name} ({self.mode}): {path} {config}"


def _as_json(thing: Any) -> Any:
    return thing.tolist() if isinstance(thing, np.ndarray | np.generic) else type(thing).__name__


def _by_name(name: str) -> Any:
    try:
        return keras.metrics.get(name)
    except ValueError:
        pass
    except TypeError as error:
        raise InvalidArgumentError(
            "Expected the name of a Keras metric that needs no arguments; from Python, metric may "
            f"be one that has them. Received: metric='{name}' ({error})"
        ) from error
    known = sorted(
        {
            thing.__name__ if inspect.isclass(thing) else key
            for key, thing in vars(keras.metrics).items()
            if callable(thing) and not key.startswith("_")
        }
    )
    near = difflib.get_close_matches(name.replace("_", ""), known, n=3, cutoff=0.5)
    raise InvalidArgumentError(
        "Expected the name of a Keras metric"
        + (f", such as {', '.join(near)}" if near else "")
        + f". Received: metric='{name}'"
    )


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
