"""Samples and targets in memory: from arrays, structures of arrays, or batches."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import keras
import numpy as np

from glo_tf.data import batches
from glo_tf.data.array_forms import Leaf, Place, as_leaf, column_names, is_pandas, is_sparse
from glo_tf.data.finite import not_finite
from glo_tf.data.ragged import Ragged
from glo_tf.data.weights import checked_weights
from glo_tf.errors import InvalidArgumentError
from glo_tf.utils import memory

_PARTS = "samples", "targets", "weights"

Structure = Any
"""An array, or a list, tuple or dict of arrays, as Keras models take and return them.

Arrays are NumPy's, of numbers or of `bytes` (text), or a `Ragged`.
"""


class Pair(NamedTuple):
    """Checked samples and targets."""

    samples: Structure
    targets: Structure

    @property
    def weights(self) -> Structure:
        """Of the samples, for all outputs or in the structure of the targets; None for none."""
        return None


class Weighted(Pair):
    """Samples and targets, still a pair, whose samples have weights."""

    _weights: Structure

    def __new__(cls, samples: Structure, targets: Structure, weights: Structure = None) -> Weighted:
        """Unpickling sets the weights afterwards."""
        made = super().__new__(cls, samples, targets)
        made._weights = weights
        return made

    @property
    def weights(self) -> Structure:
        """See `Pair`."""
        return self._weights


def load(name: str, data: Any) -> Pair:
    """Samples and targets in memory.

    Args:
        name: For messages.
        data: `(samples, targets)` or `(samples, targets, weights)`, each an array or a structure of
            arrays with one first dimension, in any form that `glo_tf.data.array_forms` knows; or
            batches of such tuples, as `keras.Model.fit` takes them: a `tf.data.Dataset`, a
            `keras.utils.PyDataset`, a generator, a PyTorch `DataLoader`. Weights that are None are
            no weights, and those of one of several outputs ones.

    Raises:
        ValueError: If it is neither, is endless or too large, has no or unequally many samples,
            values that are not finite, or such as no model takes.
    """
    if isinstance(data, Pair):
        return data
    samples, targets, *weights = (
        _joined(name, data)
        if batches.are_batches(data)
        else _converted(name, _checked_parts(name, data), check=True)
    )
    _check_counts(name, samples, targets)
    if not weights:
        return Pair(_as_trained_on(samples), targets)
    checked = checked_weights(name, weights[0], count(samples))
    return Weighted(_as_trained_on(samples), targets, checked)


def flat(structure: Structure) -> list[Any]:
    """Its arrays, in Keras's order (keys of a dict sorted)."""
    leaves: list[Any] = keras.tree.flatten(structure)
    return leaves


def head(structure: Structure, count: int) -> Structure:
    """The first samples, as a model takes them."""
    return keras.tree.map_structure(
        lambda leaf: leaf.tensor[:count] if isinstance(leaf, Ragged) else leaf[:count], structure
    )


def take(structure: Structure, places: np.ndarray) -> Structure:
    """The samples at `places`, int `(n,)`."""
    return keras.tree.map_structure(
        lambda leaf: leaf.take(places) if isinstance(leaf, Ragged) else leaf[places], structure
    )


def count(structure: Structure) -> int:
    """Number of samples."""
    return int(flat(structure)[0].shape[0])


def contents(structure: Structure) -> Iterable[np.ndarray]:
    """All that its arrays hold, as NumPy arrays."""
    for leaf in flat(structure):
        if isinstance(leaf, Ragged):
            yield from (leaf.values, *leaf.splits)
        else:
            yield leaf


def _checked_parts(name: str, parts: Any) -> tuple[Any, ...]:
    """Samples, targets and, where there are any, weights."""
    if isinstance(parts, list | tuple) and len(parts) in (2, 3):
        return tuple(parts[:2] if len(parts) == 3 and parts[2] is None else parts)
    todo = ""
    if isinstance(parts, dict) and len(parts) > 1:
        keys = ", ".join(reprlib.repr(key) for key in list(parts)[:4])
        known = {"image", "label"} <= set(parts)  # as most data sets of TFDS have it
        x, y = ("image", "label") if known else sorted(parts, key=str)[:: len(parts) - 1]
        todo = f" with {keys}; make pairs of it, as by .map(lambda row: (row[{x!r}], row[{y!r}]))"
    raise InvalidArgumentError(
        f"Expected {name} to be a pair (samples, targets) or a tf.data.Dataset of such pairs, also "
        f"with weights (samples, targets, weights). Received: {_what(parts)}{todo}"
    )


def _joined(name: str, data: Any) -> tuple[Structure, ...]:
    joined, first = None, None
    for batch in batches.each(name, data):
        pair = _converted(name, _checked_parts(name, batch), check=False)
        leaves = flat(pair)
        if not leaves:
            _check_counts(name, pair[0], pair[1])
        if any(not len(leaf.shape) for leaf in leaves):
            raise InvalidArgumentError(
                f"Expected {name} to have batches, as of .batch(100). Received: single samples"
            )
        if joined is None:
            first, joined = pair, batches.Joined(name, len(leaves))
            batches.check_room(name, data, leaves)
        try:
            keras.tree.assert_same_structure(first, pair)
        except (ValueError, TypeError):
            raise InvalidArgumentError(
                f"Expected batches of one structure in {name}. Received: {len(flat(first))} and "
                f"{len(leaves)} arrays, or other keys"
            ) from None
        joined.add(leaves)
    if joined is None:
        raise InvalidArgumentError(
            f"Expected {name} with at least one batch. Received: an empty "
            "dataset, or a generator that was read before"
        )
    pair = keras.tree.pack_sequence_as(first, joined.leaves())
    return _converted(name, pair, check=True)


def _converted(name: str, parts: tuple[Any, ...], *, check: bool) -> tuple[Structure, ...]:
    return tuple(
        _structure(Place(name, part), value, check=check)
        for part, value in zip(_PARTS, parts, strict=False)
    )


def _structure(place: Place, value: Any, *, check: bool) -> Structure:
    """Lists of numbers become an array, lists of arrays stay a structure."""
    if value is None and place.part == "weights" and place.key and check:
        return None
    if isinstance(value, dict):
        return {
            key: _structure(place.inside(key), part, check=check) for key, part in value.items()
        }
    if isinstance(value, list | tuple) and any(_is_array(item) for item in value):
        parts = [
            _structure(place.inside(number), part, check=check) for number, part in enumerate(value)
        ]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, np.memmap):
        memory.check(
            place.argument,
            value.nbytes,
            "give a part of it, such as samples[:1000], or fewer bytes for each number",
        )
    leaf = as_leaf(place, value)
    if place.part == "samples" and is_pandas(value) and leaf.ndim == 1:
        leaf = leaf[:, None]  # as Keras does
    if check and not len(leaf.shape):
        raise place.error(
            "{part} of {argument} as an array", f"a single {type(value).__name__[:60]}"
        )
    if check:
        _check_finite(place, leaf, column_names(value))
    return leaf


def _is_array(item: Any) -> bool:
    """Whether an item of a list is an input of its own: no number, and no row of numbers."""
    if isinstance(item, dict) or is_sparse(item):
        return True
    if isinstance(item, list | tuple):
        return any(_is_array(inner) for inner in item)
    return len(getattr(item, "shape", ())) > 0


def _check_finite(place: Place, leaf: Leaf, columns: list[Any] | None) -> None:
    if isinstance(leaf, Ragged):
        found = not_finite(leaf.values, rows=leaf.rows())
    else:
        found = not_finite(leaf, columns)
    if found is not None:
        raise place.error(
            "finite {part} in {argument}", f"{found}; replace them, or leave these samples out"
        )


def _as_trained_on(samples: Structure) -> Structure:
    """In single precision instead of double, as by `keras.Model.fit`."""
    if keras.config.floatx() == "float64":
        return samples
    return keras.tree.map_structure(
        lambda leaf: (
            leaf.astype(np.float32)
            if isinstance(leaf, np.ndarray) and leaf.dtype == np.float64
            else leaf
        ),
        samples,
    )


def _check_counts(name: str, samples: Structure, targets: Structure) -> None:
    counts = [int(part.shape[0]) for part in (*flat(samples), *flat(targets))]
    if len(set(counts)) == 1 and counts[0] and flat(samples) and flat(targets):
        return
    distinct = list(dict.fromkeys(counts))
    received = " and ".join(map(str, distinct[:4]))
    if not (flat(samples) and flat(targets)):
        received += f"{' and ' * bool(received)}no arrays"
    more = f" and {len(distinct) - 4} other numbers" if len(distinct) > 4 else ""
    lists = [part for part in (samples, targets) if isinstance(part, list | tuple)]
    hint = (
        f"; a list of {len(lists[0])} arrays is as many inputs or outputs, and np.stack makes one "
        "array of arrays of one shape"
        if lists
        else ""
    )
    raise InvalidArgumentError(
        f"Expected {name} to have as many targets as samples, at least one. "
        f"Received: {received}{more}{hint}"
    )


def _what(thing: Any) -> str:
    length = f" of {len(thing)}" if isinstance(thing, list | tuple) else ""
    return f"{type(thing).__name__}{length}"
