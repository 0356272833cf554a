"""Positions that do not count: those that a model masks, and those of an ignored class.

A mask follows from the samples alone, as of `keras.layers.Masking` or `Embedding(mask_zero=True)`,
so it is found once. The divisor of the mean over a batch is the number of positions that are left,
as in Keras; weights of 0 leave it as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from glo_tf.data import arrays
from glo_tf.data.arrays import Pair, Structure, Weighted
from glo_tf.data.targets import in_order
from glo_tf.errors import InvalidArgumentError

Masks = list[np.ndarray | None]
"""For each output bool `(N, *positions)`, where it counts; None if it does everywhere."""

_AT_ONCE = 100  # samples of a forward pass


@dataclasses.dataclass(frozen=True, eq=False)
class Counted:
    """What of some data counts.

    Attributes:
        weights: Of each output, float32 `(N, *positions)`, 0 where it is masked; None if all
            positions count alike.
        valid: Positions of each output that are not masked, float32 `(N, outputs)`; None if no
            output has a mask.
    """

    weights: list[np.ndarray] | None
    valid: np.ndarray | None = None

    @classmethod
    def of(
        cls, argument: str, weights: list[np.ndarray] | None, *masks: Masks, shapes: Sequence[Any]
    ) -> Counted:
        """Weights and masks together.

        Args:
            argument: For messages.
            weights: Of each output, `(N, *positions)`; None for none.
            *masks: Of each output.
            shapes: Of the outputs, `(n, *positions, units)`.

        Raises:
            ValueError: If nothing is left of an output.
        """
        both = [_and(list(of_output)) for of_output in zip(*masks, strict=True)]
        first = next((mask for mask in both if mask is not None), None)
        if first is None:
            return cls(weights)
        whole = [(len(first), *map(int, shape[1:-1])) for shape in shapes]
        where = [
            np.ones(shape, bool) if mask is None else mask
            for mask, shape in zip(both, whole, strict=True)
        ]
        for place, mask in enumerate(where):
            if not mask.any():
                raise InvalidArgumentError(
                    f"Expected positions of {argument} that count. Received: output {place} with "
                    "all of them masked or ignored"
                )
        given = where if weights is None else weights
        found = [(mask * own).astype(np.float32) for mask, own in zip(where, given, strict=True)]
        valid = [mask.reshape(len(mask), -1).sum(axis=-1) for mask in where]
        return cls(found, np.stack(valid, axis=-1).astype(np.float32))


def of_model(model: Callable[[Any], Any], samples: Structure, predictions: Any) -> Masks:
    """The masks that a model puts on its outputs.

    Args:
        model: Built.
        samples: In memory.
        predictions: Of the model, for any samples; where these have no masks, none have.
    """
    first = _of_batch(predictions)
    if all(mask is None for mask in first):
        return first
    places = np.arange(arrays.count(samples))
    parts = [
        _of_batch(model(arrays.take(samples, places[start : start + _AT_ONCE])))
        for start in range(0, len(places), _AT_ONCE)
    ]
    return [
        None if of_first is None else np.concatenate([part[place] for part in parts])
        for place, of_first in enumerate(first)
    ]


def without_ignored(
    argument: str, data: Pair, predictions: Any, ignore_class: int | None
) -> tuple[Pair, Masks]:
    """Class indices without the ignored class, of which class 0 takes the place, and where it was.

    Args:
        argument: For messages.
        data: In memory.
        predictions: Of the model, for some samples.
        ignore_class: Of all outputs whose targets are one number a position; None for none.

    Raises:
        ValueError: If no output has such targets.
    """
    parts = arrays.flat(predictions)
    if ignore_class is None:
        return data, [None] * len(parts)
    names = tuple(sorted(predictions)) if isinstance(predictions, dict) else None
    targets = in_order(data.targets, names, len(parts), argument)
    masks: Masks = []
    left = []
    for rows, part in zip(targets, parts, strict=True):
        indices = rows.ndim < len(part.shape) or rows.shape[-1] == 1
        mask = (rows != ignore_class) if indices else None
        left.append(rows if mask is None else np.where(mask, rows, np.zeros_like(rows)))
        last_axis = rows.ndim == len(part.shape)
        masks.append(mask[..., 0] if mask is not None and last_axis else mask)
    if all(mask is None for mask in masks):
        raise InvalidArgumentError(
            f"Expected class indices as targets of {argument}, one a position, with ignore_class. "
            f"Received: ignore_class={ignore_class}, and targets of "
            f"shape={targets[0].shape}"
        )
    replaced = keras.tree.pack_sequence_as(data.targets, left)
    if isinstance(data, Weighted):
        return Weighted(data.samples, replaced, data.weights), masks
    return Pair(data.samples, replaced), masks


def _and(masks: Masks) -> np.ndarray | None:
    given = [mask for mask in masks if mask is not None]
    return np.logical_and.reduce(given) if given else None


def _of_batch(predictions: Any) -> Masks:
    """Masks that fit the positions; Keras leaves others, of what was before, on no output."""
    found: Masks = []
    for part in arrays.flat(predictions):
        mask = keras.src.backend.get_keras_mask(part)
        fits = mask is not None and tuple(mask.shape) == tuple(part.shape[:-1])
        found.append(keras.ops.convert_to_numpy(mask).astype(bool) if fits else None)
    return found
