"""What a Keras loss knows beside labels and predictions: frequencies, progress, weights."""

from __future__ import annotations

import numbers
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.src.backend.common import symbolic_scope

from glo_tf.data.outputs import LEAST_FREQUENCY, Activation
from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.expressions.leaves import Surroundings
from glo_tf.expressions.prefix import PrefixList
from glo_tf.losses.changing_number import ChangingNumber
from glo_tf.losses.frequencies import checked_frequencies


def checked_progress(given: Any) -> float:
    """The progress of a training.

    Raises:
        ValueError: If it is no number from 0 to 1.
    """
    if isinstance(given, numbers.Real) and not isinstance(given, bool):
        progress = float(given)
        if 0.0 <= progress <= 1.0:
            return progress
    raise InvalidArgumentError(
        f"Expected the progress of a training, from 0 to 1. Received: progress={shown(given)}"
    )


class KnownToLoss:
    """What a loss is told, as its expression sees it.

    Args:
        tree: Of the loss.
        activation: Of the loss.
        two_sided: Whether each label is two classes.
        frequencies: See `checked_frequencies`.
        progress: From 0 to 1; None if nobody knows.

    Attributes:
        frequencies: As given, as floats.
        progress: As it was last set.
        weights: Of the samples at hand; None for none.
    """

    def __init__(
        self,
        tree: PrefixList,
        activation: Activation,
        *,
        two_sided: bool,
        frequencies: Any,
        progress: float | None,
    ):
        self.frequencies = checked_frequencies(frequencies, activation)
        self.progress = None if progress is None else checked_progress(progress)
        self.weights: Any = None
        self._tree = tree
        self._activation, self._two_sided = activation, two_sided
        self._changing = (
            ChangingNumber(self.progress or 0.0, "progress") if self.sees_progress else None
        )

    @property
    def variable(self) -> keras.Variable | None:
        """What holds the progress; None where nothing sees it."""
        return None if self._changing is None else self._changing.variable

    @property
    def sees_progress(self) -> bool:
        """Whether the expression does."""
        return self._tree.needs("progress")

    def set_progress(self, progress: float) -> None:
        """From 0 to 1, from now on."""
        self.progress = checked_progress(progress)
        if self._changing is not None:
            self._changing.assign(self.progress)

    def around(self, y: Any) -> Surroundings | None:
        """What the expression sees beside labels and predictions `(..., C)`; None if nothing."""
        if not self._tree.surroundings:
            return None
        # Keras asks for shapes before callbacks are told of a training.
        known = self.progress is not None or symbolic_scope.in_symbolic_scope()
        return Surroundings(
            frequencies=self._row(y),
            progress=self._changing.read(y.dtype) if self._changing is not None and known else None,
            weights=self._weights(y),
            classes=float(y.shape[-1]),
        )

    def _row(self, y: Any) -> Any:
        """Frequencies of the classes of y."""
        if self.frequencies is None:
            return None
        found = np.array(self.frequencies)
        if self._two_sided:  # each label, not there and there
            found, count = np.stack([1.0 - found, found], axis=-1), y.shape[-2]
        else:
            count = y.shape[-1]
        if self._activation == Activation.SOFTMAX:
            found = found / found.sum()
        if len(found) != count:
            raise InvalidArgumentError(
                f"Expected frequencies of {count} classes or labels, as predictions have them. "
                f"Received: {len(found)} frequencies"
            )
        return ops.convert_to_tensor(np.maximum(found, LEAST_FREQUENCY), dtype=y.dtype)

    def _weights(self, y: Any) -> Any:
        if self.weights is None:
            return 1.0
        weights = ops.cast(ops.convert_to_tensor(self.weights), y.dtype)
        for _ in range(len(y.shape) - len(weights.shape)):
            weights = ops.expand_dims(weights, -1)
        return weights
