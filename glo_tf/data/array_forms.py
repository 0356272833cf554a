"""Samples and targets in the forms that users have them in, as arrays.

What comes out is a NumPy array of numbers, one of objects that are all `bytes` (text, UTF-8), or a
`Ragged`, where rows differ in length.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from glo_tf.data.ragged import Ragged
from glo_tf.errors import InvalidArgumentError
from glo_tf.utils import memory
from glo_tf.utils.imported import is_of

_ALL = "{part} of {argument}"
_TEXT, _NUMBER, _MISSING, _ARRAY, _OTHER = "text", "number", "missing", "array", "other"

Leaf = Any
"""A NumPy array or a `Ragged`."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a value was given, for messages.

    Attributes:
        argument: Such as `train_data`.
        part: `samples`, `targets` or `weights`.
        key: Which input or output, where there are several.
    """

    argument: str
    part: str
    key: str = ""

    def inside(self, key: str | int) -> Place:
        """One of several inputs or outputs."""
        kind = "input" if self.part == "samples" else "output"
        before = f"{self.key}," if self.key else kind
        return dataclasses.replace(self, key=f"{before} {reprlib.repr(key)}")

    def error(self, expected: str, received: str) -> InvalidArgumentError:
        """An error that says where.

        Args:
            expected: With `{part}` and `{argument}` in it.
            received: What is there instead, and what to do.
        """
        expected = expected.format(part=self.part, argument=self.argument)
        where = f"{self.key} with " if self.key else ""
        return InvalidArgumentError(f"Expected {expected}. Received: {where}{received}")


def as_leaf(place: Place, value: Any) -> Leaf:
    """A value as an array.

    Args:
        place: Where it was given.
        value: An array or tensor of any library, also sparse; a `pandas.DataFrame` or `Series`;
            numbers or text in lists.

    Raises:
        ValueError: If it is no array of numbers or text.
    """
    leaf = _converted(place, value)
    if isinstance(leaf, Ragged):
        if place.part != "samples":
            raise place.error(
                f"{_ALL} with rows of one length", "a tf.RaggedTensor; pad it, as by .to_tensor()"
            )
        return leaf
    if isinstance(leaf, np.ma.MaskedArray):
        masked = int(np.ma.getmaskarray(leaf).sum())
        if masked:
            raise place.error(f"{_ALL} without masked values", f"{masked} of them; fill them in")
        leaf = leaf.data
    leaf = np.asarray(leaf)
    if leaf.dtype.kind in "OUST":
        leaf = _of_objects(place, leaf)
    if leaf.dtype.kind == "f" and leaf.dtype.itemsize > 8:
        leaf = leaf.astype(np.float64)  # no backend has anything longer
    if leaf.dtype.kind not in "biufcO" and leaf.dtype.type.__module__ != "ml_dtypes":
        raise place.error(
            f"{_ALL} as numbers or text", f"dtype {str(leaf.dtype)[:40]}; encode them as numbers"
        )
    return leaf if place.part == "samples" else _real_numbers(place, leaf)


def _real_numbers(place: Place, leaf: np.ndarray) -> np.ndarray:
    """Targets or weights."""
    of_targets = place.part == "targets"
    if leaf.dtype == object:
        first = reprlib.repr(leaf.flat[0].decode(errors="replace"))
        todo = (
            "encode classes as 0 to C-1, as np.unique(labels, return_inverse=True) does"
            if of_targets
            else "give numbers of at least 0"
        )
        raise place.error(f"numbers as {_ALL}", f"text, first {first}; {todo}")
    if leaf.dtype.kind == "V":  # NumPy has no such floats: bfloat16
        return leaf.astype(np.float32)
    if leaf.dtype.kind == "c":
        todo = "give an output to each part" if of_targets else "give numbers of at least 0"
        raise place.error(f"real numbers as {_ALL}", f"dtype {leaf.dtype}; {todo}")
    return leaf


def column_names(value: Any) -> list[Any] | None:
    """Of a `pandas.DataFrame`; None of others."""
    return list(value.columns) if is_pandas(value) and hasattr(value, "columns") else None


def is_pandas(value: Any) -> bool:
    """Whether it is an array of pandas, which nothing here needs or imports before that."""
    bases = type(value).__mro__
    return hasattr(value, "__array__") and any(b.__module__[:6] == "pandas" for b in bases)


def is_sparse(value: Any) -> bool:
    """Whether it is a sparse matrix of TensorFlow, SciPy or JAX."""
    return is_of("tensorflow", value, "SparseTensor") or type(value).__module__.startswith(
        ("scipy.sparse", "jax.experimental.sparse")
    )


def _converted(place: Place, value: Any) -> Any:
    if isinstance(value, Ragged | np.ndarray):
        return value
    if is_of("tensorflow", value, "RaggedTensor"):
        return Ragged.of(value)
    if is_sparse(value):
        return _dense(place, value)
    if is_pandas(value):
        return _of_frame(place, value) if hasattr(value, "columns") else _of_series(value)
    if isinstance(value, list | tuple):
        return _of_list(place, value)
    if hasattr(value, "detach"):  # PyTorch's
        value = value.detach().cpu()
    try:
        return np.asarray(value)
    except Exception as error:  # other libraries raise what they like
        raise place.error(f"{_ALL} as arrays", f"{_named(value)} ({_first_line(error)})") from error


def _dense(place: Place, value: Any) -> np.ndarray:
    size = math.prod(int(length) for length in value.shape)
    size *= np.dtype(value.dtype.name).itemsize
    memory.check(place.argument, size, "take fewer of its columns, as it is held dense")
    if is_of("tensorflow", value, "SparseTensor"):
        import tensorflow as tf

        return np.asarray(tf.sparse.to_dense(tf.sparse.reorder(value)))
    return np.asarray(value.todense())


def _of_list(place: Place, value: Sequence[Any]) -> np.ndarray:
    try:
        array = np.asarray(value)
    except Exception as error:  # items of a list raise what they like
        raise place.error(f"{_ALL} with rows of one length", _unequal(value, error)) from error
    # NumPy makes text of numbers among text; as objects they stay what they are.
    return np.asarray(value, dtype=object) if array.dtype.kind in "US" else array


def _unequal(rows: Sequence[Any], error: Exception) -> str:
    todo = "pad or cut them, as keras.utils.pad_sequences does"
    shapes = [np.shape(row) if hasattr(row, "shape") else _length(row) for row in rows]
    for place, shape in enumerate(shapes):
        if shape != shapes[0]:
            return f"{shapes[0]} in sample 0 and {shape} in sample {place}; {todo}"
    return f"{_first_line(error)}; {todo}"


def _length(row: Any) -> int | tuple[()]:
    return len(row) if hasattr(row, "__len__") and not isinstance(row, str | bytes) else ()


def _of_frame(place: Place, frame: Any) -> np.ndarray:
    columns = [_of_column(place, frame.iloc[:, number]) for number in range(frame.shape[1])]
    if not columns:
        raise place.error(f"{_ALL} with at least one column", f"a {_named(frame)} without any")
    texts = [column.dtype.kind in "OUST" for column in columns]
    if any(texts) and not all(texts):
        number = texts.index(True)
        raise place.error(
            f"{_ALL} as numbers",
            f"dtype {frame.dtypes.iloc[number]} in column {reprlib.repr(frame.columns[number])}; "
            "encode it, as pandas.get_dummies does, or give the model an input for each column, "
            "in a dict",
        )
    return np.stack(columns, axis=1)


def _of_column(place: Place, series: Any) -> np.ndarray:
    """Numbers and flags that pandas holds as objects are numbers beside others."""
    column = _of_series(series)
    if column.dtype != object:
        return column
    values = column.tolist()
    return _numbers(place, values) if {_kind(v) for v in values} <= {_NUMBER, _MISSING} else column


def _of_series(series: Any) -> np.ndarray:
    if (
        not isinstance(series.dtype, np.dtype)
        and series.dtype.kind in "biuf"
        and series.isna().any()
    ):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(series)


def _of_objects(place: Place, array: np.ndarray) -> np.ndarray:
    """Text as `bytes`, and numbers of Python as an array of numbers; missing ones are NaN."""
    values = array.ravel().tolist()
    kinds = {_kind(value) for value in values}
    if kinds == {_TEXT}:
        return _encoded(place, values).reshape(array.shape)
    if kinds <= {_NUMBER, _MISSING}:
        return _numbers(place, values).reshape(array.shape)
    if kinds == {_ARRAY} and array.ndim == 1:
        joined = _of_list(place, [np.asarray(value) for value in values])
        if joined.dtype.kind not in "OUST":
            return joined
        if joined.ndim > 1:
            return _of_objects(place, joined)
    if kinds == {_TEXT, _MISSING}:
        where = next(number for number, value in enumerate(values) if _kind(value) == _MISSING)
        sample = where * len(array) // array.size
        raise place.error(
            f"{_ALL} without missing values",
            f"text with some (first in sample {sample}); fill them in",
        )
    names = sorted({type(value).__name__[:30] for value in values})
    raise place.error(
        f"{_ALL} that are all numbers or all text",
        f"objects of {', '.join(names[:3])}; encode them as numbers",
    )


def _encoded(place: Place, texts: list[str | bytes]) -> np.ndarray:
    encoded = np.empty(len(texts), object)
    try:
        encoded[:] = [
            # The escapes stand for bytes that were not UTF-8 when they were read.
            text.encode(errors="surrogateescape") if isinstance(text, str) else bytes(text)
            for text in texts
        ]
    except UnicodeEncodeError as error:
        raise place.error(f"{_ALL} as Unicode text", f"{reprlib.repr(error.object)}") from None
    return encoded


def _numbers(place: Place, values: list[Any]) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype != object:
        return array
    try:
        return np.array([math.nan if _kind(v) == _MISSING else float(v) for v in values], float)
    except (OverflowError, ValueError) as error:  # an integer that is too large, a signalling NaN
        raise place.error(f"{_ALL} in the range of float64", _first_line(error)) from None


def _kind(value: Any) -> str:
    if isinstance(value, str | bytes):
        return _TEXT
    if value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType"):
        return _MISSING
    if isinstance(value, float) and value != value:
        return _MISSING
    if isinstance(value, numbers.Number | np.bool_) and not isinstance(value, complex):
        return _NUMBER
    return _ARRAY if isinstance(value, list | tuple) or hasattr(value, "shape") else _OTHER


def _named(value: Any) -> str:
    return type(value).__name__[:60]


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:100]}" if lines else type(error).__name__
