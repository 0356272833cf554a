"""The data of a task as trainings take it: labels as columns, weights, and what does not count."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from glo_tf.data import arrays, masks
from glo_tf.data.arrays import Pair, Structure
from glo_tf.data.found_outputs import find_outputs
from glo_tf.data.held_out import HeldOut
from glo_tf.data.masks import Counted
from glo_tf.data.output_weights import mean_weights, output_weights
from glo_tf.data.outputs import Outputs
from glo_tf.data.targets import as_rows, label_columns
from glo_tf.errors import InvalidArgumentError
from glo_tf.identity import fingerprint
from glo_tf.metrics.objective import Objective
from glo_tf.training.backends import Backend
from glo_tf.training.config import TaskArguments

_LOOKED_AT = 32  # samples whose predictions may confirm what the model's outputs are


@dataclasses.dataclass(frozen=True, eq=False)
class TaskData:
    """Data, and the outputs of a model that it fits; made by `of`.

    Attributes:
        samples: To train on, an array `(N, ...)` or a structure of such.
        labels: Theirs, of all outputs as columns, float32 `(N, W)`.
        counted: What of them counts.
        held_out: What networks are measured on, by its name as an argument.
        outputs: Of the model.
        predictions: Of the untrained model, for the first samples of what is held out, as columns.
    """

    samples: Structure
    labels: np.ndarray
    counted: Counted
    held_out: dict[str, HeldOut]
    outputs: Outputs
    predictions: dict[str, np.ndarray]

    @classmethod
    def of(
        cls,
        given: TaskArguments,
        held_out: Mapping[str, Pair],
        built: keras.Model,
        trains: Backend,
    ) -> TaskData:
        """Finds out what the outputs of a model are, and makes columns of its targets.

        Args:
            given: The setting, with its data in memory.
            held_out: What networks are measured on, in memory, by its name as an argument.
            built: The model, untrained; it has been called with all of the samples' shapes.
            trains: What computes here.

        Raises:
            ValueError: If model and data do not fit.
        """
        samples, _ = given.train_data
        first = built(arrays.head(samples, _LOOKED_AT))
        train = _Prepared.of("train_data", given.train_data, built, first, given)
        others = {
            name: _Prepared.of(name, data, built, first, given) for name, data in held_out.items()
        }
        ends = trains.ends(built, samples)
        outputs = find_outputs(
            first,
            [end.activation for end in ends],
            train.data.targets,
            given.epsilon,
            outputs=given.outputs,
            from_logits=given.from_logits,
            weights=train.counted.weights,
            standardize=(
                [end.gives_any_number for end in ends]
                if given.standardize == "auto"
                else [bool(given.standardize)] * len(ends)
            ),
        )
        predictions = {
            name: _as_numpy(outputs.columns(built(arrays.head(data.samples, _LOOKED_AT))))
            for name, data in held_out.items()
        }
        labels = label_columns("train_data", train.data.targets, outputs)
        measured = {name: part.held_out(name, outputs) for name, part in others.items()}
        if given.ignore_class is not None:
            outputs = outputs.ignoring(given.ignore_class, train.ignored)
        outputs = outputs.counted(labels, train.counted.weights)
        if train.weights is not None:
            of_outputs = mean_weights(train.weights, labels, outputs)
            outputs = dataclasses.replace(outputs, weights=of_outputs)
        return cls(samples, labels, train.counted, measured, outputs, predictions)

    def objective(self, given: TaskArguments) -> Objective:
        """What fitness is.

        Args:
            given: The setting, with its metric.

        Raises:
            ValueError: If the metric cannot be computed.
        """
        objective = Objective.define(given.metric, given.metric_mode, self.outputs)
        for name, data in self.held_out.items():
            _check_metric(objective, self.predictions[name], data, self.outputs)
        return objective.in_units_of(self.held_out["validation_data"], self.outputs)

    @property
    def description(self) -> dict[str, str]:
        """Shapes and hashes, by the names of the arguments."""
        counted = self.counted
        return {
            "train_data": _described(self.samples, self.labels, counted.weights, counted.valid),
            **{n: _described(d.samples, d.labels, d.weights) for n, d in self.held_out.items()},
        }


@dataclasses.dataclass(frozen=True, eq=False)
class _Prepared:
    """Training data, or what is held out.

    Attributes:
        data: Without an ignored class.
        weights: Of the samples, for each output; None for none.
        counted: What of it counts.
        ignored: Of which outputs a class is ignored.
    """

    data: Pair
    weights: list[np.ndarray] | None
    counted: Counted
    ignored: list[bool]

    @classmethod
    def of(
        cls, name: str, data: Pair, built: keras.Model, first: Any, given: TaskArguments
    ) -> _Prepared:
        """As the model's masks, the weights and the ignored class make it.

        Args:
            name: `train_data` or another.
            data: In memory.
            built: The model.
            first: Its predictions for some samples.
            given: The setting.
        """
        data, ignored = masks.without_ignored(name, data, first, given.ignore_class)
        of_classes = given.class_weight if name == "train_data" else None
        weights = output_weights(name, data, first, of_classes)
        shapes = [part.shape for part in arrays.flat(first)]
        masked = masks.of_model(built, data.samples, first)
        counted = Counted.of(name, weights, ignored, masked, shapes=shapes)
        return cls(data, weights, counted, [mask is not None for mask in ignored])

    def held_out(self, name: str, outputs: Outputs) -> HeldOut:
        return HeldOut(
            self.data.samples,
            label_columns(name, self.data.targets, outputs),
            as_rows(self.data.targets, outputs),
            self.counted.weights,
        )


def _as_numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def _described(
    samples: Structure,
    labels: np.ndarray,
    weights: list[np.ndarray] | None,
    valid: np.ndarray | None = None,
) -> str:
    parts = arrays.flat(samples)
    shapes = ", ".join(str(part.shape[1:]) for part in parts)
    weighted = "" if weights is None else ", with weights"
    more = [*(weights or []), *([] if valid is None else [valid])]
    digest = fingerprint.of_arrays([*arrays.contents(samples), labels, *more])
    return f"{len(labels)} samples of shape {shapes}{weighted}, sha256 {digest}"


def _check_metric(
    objective: Objective, columns: np.ndarray, data: HeldOut, outputs: Outputs
) -> None:
    """A metric that does not fit shows before any training.

    Raises:
        ValueError: If it cannot be computed.
    """
    targets = [part[: len(columns)] for part in data.targets]
    # The first samples may all have the weight 0.
    weights = data.weights and [np.ones_like(part[: len(columns)]) for part in data.weights]
    try:
        objective.measure(targets, weights)(outputs.split(columns))
    except Exception as error:  # a metric raises what it likes
        shapes = ", ".join(
            f"targets {part.shape} and outputs (N, {output.units})"
            for part, output in zip(data.targets, outputs.each, strict=True)
        ) + " and weights of the samples" * (weights is not None)
        raise InvalidArgumentError(
            f"Expected a metric that gives a number for {shapes} "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}). "
            f"Received: metric={objective.name}"
        ) from error
