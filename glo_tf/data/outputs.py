"""The outputs of a model as a loss sees them: columns of predictions y beside columns of labels x.

A loss is element-wise and summed over the columns, so the outputs of a model stand side by side. So
do the positions of an output that is dense, as of a segmentation, of which each counts its share.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from glo_tf.data.output import Activation as Activation
from glo_tf.data.output import End as End
from glo_tf.data.output import Output as Output
from glo_tf.errors import InvalidArgumentError

DEFAULT_EPSILON = 1e-7
"""What predictions that are probabilities are at least, where nobody says otherwise."""

LEAST_FREQUENCY = 1e-6
"""How frequent a class without training data is taken to be, as losses divide by frequencies."""

SAMPLES_AT_ONCE = 500
_POSITIONS_AT_ONCE = 1 << 18


@dataclasses.dataclass(frozen=True)
class Outputs:
    """All outputs of a model.

    Attributes:
        each: In the order in which Keras flattens them.
        names: Keys of a model that returns a dict; else None.
        epsilon: Columns of probabilities are clipped to `[epsilon, 1]` before the loss.
        weights: How much each counts, beside the others: the mean weight of its samples.
    """

    each: tuple[Output, ...]
    names: tuple[str, ...] | None = None
    epsilon: float = DEFAULT_EPSILON
    weights: tuple[float, ...] | None = None

    @classmethod
    def of_classes(cls, num_classes: int, epsilon: float = DEFAULT_EPSILON) -> Outputs:
        """One output with a probability for each class."""
        return cls((Output(Activation.SOFTMAX, num_classes),), epsilon=epsilon)

    @property
    def width(self) -> int:
        """W, the number of columns."""
        return sum(output.columns for output in self.each)

    @property
    def dense(self) -> bool:
        """Whether any output has positions."""
        return any(output.dense for output in self.each)

    @property
    def samples_at_once(self) -> int:
        """Of a forward pass; it bounds the memory that predictions take."""
        return max(1, min(SAMPLES_AT_ONCE, _POSITIONS_AT_ONCE // max(o.places for o in self.each)))

    @property
    def at_a_position(self) -> Outputs:
        """The same, not dense: what a loss sees, which sees each position alone."""
        each = tuple(dataclasses.replace(output, positions=()) for output in self.each)
        return dataclasses.replace(self, each=each) if self.dense else self

    @property
    def shares(self) -> np.ndarray | None:
        """What the terms of each column count, float32 `(W,)`: the mean over positions.

        None if no output is dense: all count 1.
        """
        if not self.dense:
            return None
        return np.concatenate(
            [np.full(out.columns, 1.0 / out.places, np.float32) for out in self.each]
        )

    @property
    def num_classes(self) -> list[int]:
        """Classes of each output; empty if any output has none."""
        if not all(output.exclusive for output in self.each):
            return []
        return [output.width for output in self.each]

    @property
    def common_width(self) -> int | None:
        """Columns of every output at a position; None if they differ."""
        widths = {output.width for output in self.each}
        return widths.pop() if len(widths) == 1 else None

    @property
    def slices(self) -> list[slice]:
        """Columns of each output."""
        ends = np.cumsum([output.columns for output in self.each]).tolist()
        return [slice(end - out.columns, end) for out, end in zip(self.each, ends, strict=True)]

    @property
    def probabilities(self) -> np.ndarray:
        """Which columns are probabilities, bool `(W,)`."""
        return np.concatenate([np.full(out.columns, out.probabilities) for out in self.each])

    @property
    def from_logits(self) -> np.ndarray:
        """Which columns are probabilities of logits, bool `(W,)`."""
        return np.concatenate([np.full(out.columns, out.from_logits) for out in self.each])

    @property
    def epsilons(self) -> list[float | None]:
        """`epsilon` of each output; None for a linear one, which is not clipped."""
        return [self.epsilon if out.probabilities else None for out in self.each]

    @property
    def loss_options(self) -> list[dict[str, Any]]:
        """For each output, what a `glo_tf.ExpressionLoss` is told of it, and of its targets."""
        options: list[dict[str, Any]] = []
        for output, epsilon in zip(self.each, self.epsilons, strict=True):
            several = output.from_logits and not output.binary
            activation = output.activation if several else Activation.SOFTMAX
            of_one = {
                "epsilon": epsilon,
                "from_logits": output.from_logits,
                "activation": activation,
            }
            if output.sparse:
                of_one["sparse"] = True
            if output.ignore_class is not None and output.exclusive:  # one-hot, it could not be
                of_one |= {"sparse": True, "ignore_class": output.ignore_class}
            if output.standardization is not None:
                of_one |= output.standardization.of_loss
            options.append(of_one)
        return options

    def options_with(self, frequencies: bool) -> list[dict[str, Any]]:
        """The `loss_options`, with the frequencies of classes where a loss needs them.

        Args:
            frequencies: Whether it does.
        """
        options = self.loss_options
        if frequencies:
            for output, of_one in zip(self.each, options, strict=True):
                of_one["frequencies"] = list(output.frequencies)
                if output.activation == Activation.SIGMOID and not output.binary:
                    of_one["activation"] = Activation.SIGMOID  # which are no shares of a whole
        return options

    def with_own_loss(self, *, frequencies: bool = False) -> list[str]:
        """Names of the outputs that need a loss each; `[""]` where one loss is for all.

        Args:
            frequencies: Whether losses need the frequencies of classes.
        """
        first, *others = self.options_with(frequencies)
        if all(options == first for options in others):
            return [""]
        return list(self.names or map(str, range(len(self.each))))

    def ignoring(self, ignore_class: int, of_outputs: Sequence[bool]) -> Outputs:
        """The same, with a class that is ignored in some of them."""
        each = (
            dataclasses.replace(output, ignore_class=ignore_class) if ignored else output
            for output, ignored in zip(self.each, of_outputs, strict=True)
        )
        return dataclasses.replace(self, each=tuple(each))

    def counted(self, columns: np.ndarray, weights: Sequence[np.ndarray] | None = None) -> Outputs:
        """The same, which know how frequent classes and labels are.

        Args:
            columns: Training labels x, `(N, W)`.
            weights: Of each output, `(N, *positions)`; what has the weight 0 is not counted.
        """
        each = []
        for place, (output, of_output) in enumerate(zip(self.each, self.slices, strict=True)):
            if output.probabilities:
                rows = columns[:, of_output].reshape(-1, output.width)
                if weights is not None:
                    rows = rows[weights[place].ravel() > 0.0]
                frequencies = rows.mean(axis=0, dtype=np.float64)
                output = dataclasses.replace(output, frequencies=tuple(frequencies.tolist()))
            each.append(output)
        return dataclasses.replace(self, each=tuple(each))

    def with_frequencies(self, frequencies: Sequence[float]) -> Outputs:
        """The same, whose one output has such classes or labels.

        Args:
            frequencies: Counts or shares of classes, shares of labels, one for each column.

        Raises:
            ValueError: If they are not as many as the columns.
        """
        (output,) = self.each
        shares = np.asarray(frequencies, float)
        if len(shares) != output.width:
            raise InvalidArgumentError(
                f"Expected frequencies of {output.width} classes. "
                f"Received: {len(shares)} frequencies"
            )
        shares = shares / shares.sum() if output.exclusive else shares
        counted = dataclasses.replace(output, frequencies=tuple(shares.tolist()))
        return dataclasses.replace(self, each=(counted,))

    @property
    def frequencies(self) -> np.ndarray | None:
        """Of each column in the training data, float64 `(W,)`, at least `LEAST_FREQUENCY`.

        None where an output has none.
        """
        if not all(output.frequencies for output in self.each):
            return None
        counted = [np.tile(output.frequencies, output.places) for output in self.each]
        found: np.ndarray = np.maximum(np.concatenate(counted), LEAST_FREQUENCY)
        return found

    @property
    def classes(self) -> np.ndarray:
        """Of the output of each column, float64 `(W,)`."""
        return np.concatenate([np.full(out.columns, float(out.width)) for out in self.each])

    @property
    def uncounted(self) -> Outputs:
        """The same without frequencies."""
        if not any(output.frequencies for output in self.each):
            return self
        each = tuple(dataclasses.replace(output, frequencies=()) for output in self.each)
        return dataclasses.replace(self, each=each)

    def bounds(self) -> tuple[Any, Any]:
        """What columns are clipped to, for `clip`: two numbers, or two float32 rows `(W,)`."""
        clipped = self.probabilities
        if clipped.all():
            return self.epsilon, 1.0
        lower, upper = np.where(clipped, self.epsilon, -np.inf), np.where(clipped, 1.0, np.inf)
        return lower.astype(np.float32), upper.astype(np.float32)

    def columns(self, predictions: Any) -> Any:
        """What a model returned, as float32 columns y `(N, W)`; of logits, the probabilities."""
        from keras import ops

        scores, logarithms = self.scores(predictions), self.from_logits
        if not logarithms.any():
            return scores
        return ops.where(logarithms, ops.exp(scores), scores)

    def scores(self, predictions: Any) -> Any:
        """What a model returned, as float32 columns `(N, W)`; of logits, the log-probabilities.

        What a loss tells a network are derivatives with respect to these.
        """
        import keras

        given = keras.tree.flatten(predictions)
        parts = [output.scores(part) for output, part in zip(self.each, given, strict=True)]
        return parts[0] if len(parts) == 1 else keras.ops.concatenate(parts, axis=-1)

    def scores_of(self, columns: np.ndarray) -> np.ndarray:
        """The `scores` of columns y `(N, W)`."""
        logarithms = columns.copy()
        np.log(columns, out=logarithms, where=self.from_logits)
        return logarithms

    def split(self, columns: np.ndarray) -> list[np.ndarray]:
        """The predictions `(N, ..., units)` of each output, from the columns."""
        pairs = zip(self.each, self.slices, strict=True)
        return [output.predictions(columns[:, place]) for output, place in pairs]

    def restore(self, values: Sequence[Any]) -> Any:
        """One value for each output, in the structure that Keras takes for this model."""
        if self.names is not None:
            return dict(zip(self.names, values, strict=True))
        return values[0] if len(values) == 1 else list(values)

    @property
    def in_words(self) -> str:
        """What they are, for readers: "3 classes, softmax"."""
        return "; ".join(self._named([output.in_words for output in self.each]))

    def __str__(self) -> str:
        return ", ".join(self._named(list(map(str, self.each))))

    def _named(self, texts: Sequence[str]) -> list[str]:
        if self.names is None:
            return list(texts)
        return [f"{name}: {text}" for name, text in zip(self.names, texts, strict=True)]
