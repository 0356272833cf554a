"""One output of a model as a loss sees it: columns of predictions y beside columns of labels x."""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import Any

import numpy as np

from glo_tf.data.standardization import Standardization


class Activation(enum.StrEnum):
    """What the numbers of an output are, by Keras's names of activations that give such ones."""

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"
    LINEAR = "linear"


@dataclasses.dataclass(frozen=True)
class End:
    """What the last operations of a model show of one of its outputs.

    Attributes:
        activation: A softmax over the units, a sigmoid, or `"linear"`, if the output gives any
            numbers, also as of a ReLU; None where the operations do not show it.
        gives_any_number: Whether it ends in a layer of weights. It does not where an activation
            bounds it, or where the model itself shifts or scales it or adds it to its input: such a
            model has the units of its targets.
    """

    activation: Activation | None
    gives_any_number: bool


_QUANTILES = 33


@dataclasses.dataclass(frozen=True)
class Output:
    """One output of a model.

    Attributes:
        activation: `"softmax"`: probabilities of classes that exclude each other; `"sigmoid"`:
            probabilities of their own; `"linear"`: any numbers.
        units: Width of the model's output.
        quantiles: Of the training targets of a linear output as a loss sees them, in rising order;
            else empty.
        from_logits: Whether the model gives logits, and the activation is applied to them here.
        positions: Lengths of the axes between samples and units: of a sequence, of an image.
        ignore_class: A label that is no class, at positions that do not count; None for none.
        standardization: Of a linear output: columns are its numbers, standardised; None if they are
            as the user has them.
        frequencies: Of its classes or labels in the training data, by column; empty of a linear
            output, or where nobody has counted them.
        sparse: Whether its targets are class indices, as they were given; here they are rows.
    """

    activation: Activation
    units: int
    quantiles: tuple[float, ...] = ()
    from_logits: bool = False
    positions: tuple[int, ...] = ()
    ignore_class: int | None = None
    standardization: Standardization | None = None
    frequencies: tuple[float, ...] = ()
    sparse: bool = False

    @classmethod
    def of_numbers(
        cls,
        units: int,
        targets: np.ndarray,
        weights: np.ndarray | None = None,
        positions: tuple[int, ...] = (),
        *,
        standardize: bool = False,
    ) -> Output:
        """A linear output that is trained on these targets, of any shape.

        Args:
            units: Width of the model's output.
            targets: The numbers; `(N, ..., units)`, if they are standardised.
            weights: Of the samples, `(N,)`, or of their positions; None if all count alike.
            positions: See the class.
            standardize: Whether a loss sees them standardised.
        """
        levels = np.linspace(0.0, 1.0, _QUANTILES)
        of_targets = Standardization.of(targets, weights) if standardize else None
        numbers = targets.astype(float) if of_targets is None else of_targets.apply(targets)
        if weights is None:
            quantiles = np.quantile(numbers, levels)
        else:
            counted = weights > 0.0  # what is left out may be any number
            flat = numbers[counted].ravel()
            shares = np.repeat(weights[counted], flat.size // int(counted.sum()))
            quantiles = np.quantile(flat, levels, weights=shares, method="inverted_cdf")
        return cls(
            Activation.LINEAR,
            units,
            tuple(quantiles.tolist()),
            positions=positions,
            standardization=of_targets,
        )

    @property
    def binary(self) -> bool:
        """Whether one unit stands for two classes, each with a column: 1 - y and y."""
        return self.activation == Activation.SIGMOID and self.units == 1

    @property
    def exclusive(self) -> bool:
        """Whether its columns are classes that exclude each other."""
        return self.binary or self.activation == Activation.SOFTMAX

    @property
    def width(self) -> int:
        """Number of columns of one position."""
        return 2 if self.binary else self.units

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what the model gives for one sample: positions and units."""
        return (*self.positions, self.units)

    @property
    def places(self) -> int:
        """Number of positions; 1 if it is not dense."""
        return math.prod(self.positions)

    @property
    def columns(self) -> int:
        """Number of columns, position by position."""
        return self.places * self.width

    @property
    def probabilities(self) -> bool:
        """Whether its columns are probabilities."""
        return self.activation != Activation.LINEAR

    def scores(self, predictions: Any) -> Any:
        """Float32 columns of what a model returned, `(N, columns)`: of logits, their logarithms."""
        from keras import ops

        scores = self._scores(ops.cast(predictions, "float32"))
        return ops.reshape(scores, (-1, self.columns)) if self.positions else scores

    def _scores(self, part: Any) -> Any:
        from keras import ops

        if not self.from_logits:
            return ops.concatenate([1.0 - part, part], axis=-1) if self.binary else part
        if self.activation == Activation.SOFTMAX:
            return ops.log_softmax(part)
        return ops.log_sigmoid(ops.concatenate([-part, part], axis=-1) if self.binary else part)

    def predictions(self, columns: np.ndarray) -> np.ndarray:
        """Its columns `(N, columns)` as `(N, *positions, units)`, in the units of the data."""
        rows = columns.reshape(-1, *self.positions, self.width) if self.positions else columns
        if self.standardization is not None:
            return self.standardization.undo(rows)
        return rows[..., 1:] if self.binary else rows

    @property
    def in_words(self) -> str:
        """What it is, for readers: "3 classes, softmax"."""
        what = "classes" if self.exclusive else "labels of their own"
        if self.activation == Activation.LINEAR:
            what = "number" if self.units == 1 else "numbers"
        return f"{self.width} {what}, {self.activation}{self._of_what}{self._of_units}"

    @property
    def _of_what(self) -> str:
        logits = " of logits" * self.from_logits
        positions = f" at {'x'.join(map(str, self.positions))} positions" * self.dense
        return logits + positions

    @property
    def _of_units(self) -> str:
        return "" if self.standardization is None else f", {self.standardization.in_words}"

    @property
    def dense(self) -> bool:
        """Whether it has positions."""
        return bool(self.positions)

    def __str__(self) -> str:
        return f"{self.activation}({self.units})" + self._of_what
