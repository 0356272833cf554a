"""Data that come in batches, read into memory."""

from __future__ import annotations

import itertools
import logging
import re
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from glo_tf.data.array_forms import Leaf
from glo_tf.data.ragged import Ragged
from glo_tf.errors import InvalidArgumentError
from glo_tf.utils import memory
from glo_tf.utils.imported import is_of

logger = logging.getLogger("glo_tf")

MOST_BATCHES = 20_000
"""Of data that do not say how many they are."""

_ADVICE = (
    "take a part of it, as by .take(batches), or give it in fewer bytes, as uint8 or float16 that "
    "the model rescales"
)

_GRAPH_NODE = re.compile(r"\{\{.*?\}\}")  # where in its graph TensorFlow met an error
_SECONDS_IN_SILENCE = 10.0
_BYTES_OF_AN_OBJECT = 50  # beside its characters


def are_batches(data: Any) -> bool:
    """Whether it yields batches, as a `tf.data.Dataset`, a generator or a loader does."""
    if is_of("tensorflow", data, "data.Dataset") or isinstance(data, keras.utils.PyDataset):
        return True
    return hasattr(data, "__iter__") and not (
        isinstance(data, list | tuple | dict | str | bytes) or hasattr(data, "__array__")
    )


def each(argument: str, data: Any) -> Iterator[Any]:
    """The batches of data that end.

    Raises:
        ValueError: If they are endless, raise an error or, where their number is not known, are
            more than `MOST_BATCHES`.
    """
    length: int | None = _number(argument, data)
    batches = (
        (data[place] for place in range(length or 0))
        if isinstance(data, keras.utils.PyDataset)
        else iter(data)
    )
    for place in itertools.count():
        if place == length:  # an endless generator may say how many make an epoch
            return
        try:
            batch = next(batches)
        except StopIteration:
            return
        except Exception as error:  # a user's generator raises what it likes
            reason = _GRAPH_NODE.sub("", str(error)).strip().partition("\n")[0][:200]
            raise InvalidArgumentError(
                f"Expected {argument} to be read to its end. Received: {type(error).__name__} in "
                f"batch {place}: {reason}"
            ) from error
        if length is None and place == MOST_BATCHES:
            raise InvalidArgumentError(
                f"Expected {argument} to end, as it is held in memory, or to have a number of "
                f"batches that is known, as by tf.data.experimental.assert_cardinality. Received: "
                f"more than {MOST_BATCHES} batches; take a part of them, as by .take(batches), or "
                "make them larger"
            )
        yield batch


def check_room(argument: str, data: Any, first: list[Leaf]) -> None:
    """Refuses data of a known number of batches before they are read, if there is no room for them.

    Args:
        argument: For messages.
        data: What yields the batches.
        first: Leaves of the first of them; the last may be smaller.

    Raises:
        ValueError: If it is too large.
    """
    number = _number(argument, data)
    if number is not None:
        memory.check(argument, (number - 1) * sum(map(_bytes, first)), _ADVICE)


class Joined:
    """Leaves of one kind, batch after batch, and then as one.

    Args:
        count: Of the leaves of a batch.
        argument: For messages.
    """

    def __init__(self, argument: str, count: int):
        self._argument = argument
        self._parts: list[list[Leaf]] = [[] for _ in range(count)]
        self._size = 0
        self._samples = 0
        self._spoken = time.monotonic()

    def add(self, leaves: list[Leaf]) -> None:
        """Adds the leaves of a batch.

        Raises:
            ValueError: If they have other shapes than those before, or there is no room for them.
        """
        for parts, leaf in zip(self._parts, leaves, strict=True):
            if parts:
                self._check_alike(parts[0], leaf)
            parts.append(leaf)
            self._size += _bytes(leaf)
        memory.check(self._argument, self._size, _ADVICE)
        self._samples += int(leaves[0].shape[0])
        if time.monotonic() - self._spoken > _SECONDS_IN_SILENCE:
            self._spoken = time.monotonic()
            logger.warning(
                "%s: %d samples read into memory so far (%.2f GiB)",
                self._argument,
                self._samples,
                self._size / 2**30,
            )

    def leaves(self) -> list[Leaf]:
        """All of each; batches are let go as they are joined."""
        joined = []
        while self._parts:
            parts = self._parts.pop(0)
            first = parts[0]
            joined.append(
                first.join(parts[1:]) if isinstance(first, Ragged) else np.concatenate(parts)
            )
        return joined

    def _check_alike(self, first: Leaf, leaf: Leaf) -> None:
        if first.shape[1:] != leaf.shape[1:] or type(first) is not type(leaf):
            raise InvalidArgumentError(
                f"Expected batches of one shape in {self._argument}, as they become one array. "
                f"Received: {first.shape} and {leaf.shape}; pad all to one length, "
                "as .padded_batch(100, padded_shapes=...), or read them by .ragged_batch(100)"
            )
        if (first.dtype == object) != (leaf.dtype == object):
            raise InvalidArgumentError(
                f"Expected batches of one dtype in {self._argument}. Received: text and numbers"
            )


def _number(argument: str, data: Any) -> int | None:
    """Of the batches; None if it is not known."""
    of_tensorflow = is_of("tensorflow", data, "data.Dataset")
    if of_tensorflow:
        import tensorflow as tf

        length = int(data.cardinality())
        if length >= 0:
            return length
        if length == tf.data.UNKNOWN_CARDINALITY:
            return None
    elif not isinstance(data, keras.utils.PyDataset):
        return _stated_length(data)
    elif data.num_batches is not None:
        return int(data.num_batches)
    kind = "tf.data.Dataset" if of_tensorflow else "PyDataset"
    raise InvalidArgumentError(
        f"Expected {argument} to end, as it is held in memory. Received: an endless {kind}; "
        "take a part of it, as by .take(batches), or give it a length"
    )


def _stated_length(data: Any) -> int | None:
    try:
        return len(data)
    except TypeError:  # a generator has none, nor has a loader of what has none
        return None


def _bytes(leaf: Leaf) -> int:
    if isinstance(leaf, Ragged):
        return _bytes(leaf.values) + sum(map(_bytes, leaf.splits))
    if leaf.dtype == object:
        return int(sum(_BYTES_OF_AN_OBJECT + len(text) for text in leaf.flat))
    return int(leaf.nbytes)
