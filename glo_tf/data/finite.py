"""Numbers that are NaN, infinite or too large: how many, and where."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence

import numpy as np

from glo_tf.errors import first_of

_AT_ONCE = 1 << 22  # numbers that are looked at together; bounds the memory that it takes
_NAMED = 3  # columns


def not_finite(
    array: np.ndarray,
    columns: Sequence[object] | None = None,
    *,
    rows: np.ndarray | None = None,
) -> str | None:
    """What a message says of numbers that a training cannot use; None if there are none.

    Trainings compute in float32, so what is infinite there counts too.

    Args:
        array: Numbers of any dtype, one row per sample, `(N, ...)`.
        columns: Names of the columns of an array `(N, columns)`.
        rows: Which sample each entry is of, int `(N,)`, where it is not one for each.
    """
    if array.dtype.kind in "biuO" or array.size == 0:
        return None
    rows_at_once = max(1, _AT_ONCE * len(array) // array.size)
    count, too_large, first = 0, 0, None
    found = np.zeros(array.shape[1:], bool)
    for start in range(0, len(array), rows_at_once):
        part = np.asarray(array[start : start + rows_at_once])
        bad = ~np.isfinite(_as_trained_on(part))
        if not bad.any():
            continue
        count += int(bad.sum())
        too_large += int((bad & np.isfinite(part)).sum())
        found |= bad.any(axis=0)
        if first is None:
            first = [int(place) for place in np.argwhere(bad)[0]]
            first[0] += start
    if first is None:
        return None
    what = "values too large for float32" if count == too_large else "NaN or infinite values"
    what = what.replace("values", "value") if count == 1 else what
    sample = first[0] if rows is None else rows[first[0]]
    inside = "" if array.ndim < 3 else f", at {first[1:]}"
    return f"{count} {what}{_columns(found, columns)} (first in sample {sample}{inside})"


def _as_trained_on(numbers: np.ndarray) -> np.ndarray:
    if numbers.dtype.kind != "f" or numbers.dtype.itemsize <= 4:
        return numbers
    with np.errstate(over="ignore"):
        return numbers.astype(np.float32)


def _columns(found: np.ndarray, columns: Sequence[object] | None) -> str:
    if found.ndim != 1 or (len(found) == 1 and columns is None):
        return ""
    places = found.nonzero()[0]
    names = [
        reprlib.repr(columns[int(place)]) if columns is not None else str(place) for place in places
    ]
    return f" in column{'s' * (len(names) > 1)} {first_of(names, _NAMED)}"
