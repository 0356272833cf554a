"""Numbers that a training cannot use are named, with their count and place."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from given_arrays import FRAME, X, Y, refusal, refusal_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis_examples import examples

from glo_tf.data.finite import not_finite

STRUCTURES = {
    "array": lambda array: (array, ""),
    "float64": lambda array: (array.astype(np.float64), ""),
    "bfloat16": lambda array: (tf.cast(array, tf.bfloat16), ""),
    "list": lambda array: (array.tolist(), ""),
    "nullable": lambda array: (pd.DataFrame(array).convert_dtypes(), ""),
    "dict": lambda array: ({"other": np.zeros(len(array)), "this": array}, " 'this' with"),
    "nested": lambda array: ([{"a": (array,)}], " 0, 'a', 0 with"),
    "batches": lambda array: (tf.data.Dataset.from_tensor_slices(array).batch(3), ""),
}


@examples(150)
@given(st.data())
def test_a_number_that_is_not_finite_is_named_wherever_it_is(data) -> None:
    """In samples or targets of any shape, form and structure, with its count and first place."""
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=6))
    structure = data.draw(st.sampled_from(sorted(STRUCTURES)))
    if structure == "nullable" and len(shape) > 2:
        shape = shape[:2]
    part = data.draw(st.sampled_from(["samples", "targets"]))
    array = np.ones(shape, np.float32)
    places = data.draw(st.sets(st.integers(0, array.size - 1), min_size=1, max_size=4))
    for place in places:
        array.flat[place] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    bad, key = STRUCTURES[structure](array)
    other = np.zeros(shape[0])
    if isinstance(bad, tf.data.Dataset):
        others = tf.data.Dataset.from_tensor_slices(other).batch(3)
        pair = tf.data.Dataset.zip((bad, others) if part == "samples" else (others, bad))
    else:
        pair = (bad, other) if part == "samples" else (other, bad)
    message = refusal_of(pair, "test_data")
    assert message.startswith(f"Expected finite {part} in test_data. Received: ")
    assert key in message
    assert f"{len(places)} NaN or infinite value" in message
    sample, *inside = np.unravel_index(min(places), shape)
    assert f"(first in sample {sample}" in message
    columns = np.flatnonzero(~np.isfinite(array).all(axis=0)) if len(shape) == 2 else []
    if len(shape) == 2 and shape[1] > 1:
        assert ", ".join(str(column) for column in columns[:3]) in message
    if len(shape) > 2:
        assert f"at {[int(place) for place in inside]}" in message


def test_a_column_is_named() -> None:
    frame = FRAME.copy()
    frame.iloc[32:35, 2] = np.nan
    assert refusal(frame) == (
        "Expected finite samples in validation_data. Received: 3 NaN or infinite values in column "
        "'age' (first in sample 32); replace them, or leave these samples out"
    )
    missing = FRAME.assign(age=pd.array([1, None] * 20, dtype="Int64"))
    assert "20 NaN or infinite values in column 'age' (first in sample 1)" in refusal(missing)
    wide = pd.DataFrame(np.full((40, 50), np.nan), columns=[f"{'c' * 200}{k}" for k in range(50)])
    assert "and 47 more (first in sample 0)" in refusal(wide)


def test_ragged_rows_are_looked_at() -> None:
    rows = tf.ragged.constant([[[1.0], []], [[2.0, 3.0]], [[4.0], [np.nan]]] * 2)
    assert "2 NaN or infinite values (first in sample 2)" in refusal(rows, Y[:6])


@pytest.mark.parametrize("dtype", [np.float64, np.longdouble])
def test_what_is_infinite_in_single_precision_is_refused(dtype) -> None:
    large = X.astype(dtype)
    large[7, 1] = 1e39
    assert "1 value too large for float32 in column 1 (first in sample 7)" in refusal(large)
    assert "too large for float32" in refusal(X, np.where(Y == 2, -1e300, 0.0))


def test_a_place_is_found_beyond_what_is_looked_at_together(monkeypatch) -> None:
    monkeypatch.setattr("glo_tf.data.finite._AT_ONCE", 10)
    array = np.zeros((100, 3))
    array[[50, 77, 78], [2, 0, 2]] = np.nan
    assert not_finite(array) == "3 NaN or infinite values in columns 0, 2 (first in sample 50)"
    assert not_finite(np.zeros((100, 3))) is None
    assert not_finite(np.zeros((0, 3))) is None
