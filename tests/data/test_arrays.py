"""Samples and targets as users give them: arrays, or a message that says what to do."""

import re
import tracemalloc
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from given_arrays import FRAME, ROWS, TEXT, X, Y, refusal, refusal_of
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis_examples import examples

from glo_tf.data import arrays
from glo_tf.identity import fingerprint


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (list(X), r"3 and 40; a list of 40 arrays .*np\.stack"),
        ([np.zeros((8, 8)), np.zeros((9, 8))], r"8 and 9 and 40; a list of 2 arrays"),
        ([np.zeros((k, 2)) for k in range(1, 99)], "1 and 2 and 3 and 4 and 94 other numbers"),
        ([], "Received: 0 and 40"),
        ({}, "at least one"),
        (X[:0], "Received: 0 and 40"),
        (np.float32(1.0), "as an array. Received: a single float32"),
        ("text", "a single str"),
        (None, "a single NoneType"),
        ([[1, 2]] * 39 + [[1]], "rows of one length. Received: 2 in sample 0 and 1 in sample 39"),
        ([1] * 39 + [[1]], "rows of one length"),
        ([["a", "b"]] * 39 + [["c"]], "rows of one length"),
        ([[1, "a"]] * 40, "all numbers or all text. Received: objects of int, str"),
        ([["a", None]] * 40, "missing values. Received: text with some .first in sample 0."),
        (np.array([*TEXT[:39], None], object), "text with some .first in sample 39."),
        (pd.Series([*TEXT[:39], None], dtype="string"), "text with some .first in sample 39."),
        ([object()] * 40, "objects of object"),
        ([[10**400]] * 40, "range of float64"),
        (["\ud800"] * 40, "as Unicode text"),
        (np.zeros((40, 2), "datetime64[s]"), r"numbers or text. Received: dtype datetime64"),
        (np.zeros(40, [("field" * 99, int)]), "numbers or text. Received: dtype"),
        (FRAME.assign(age=TEXT), "column 'age'; encode it"),
        (FRAME.assign(age=pd.Categorical(TEXT)), "dtype category in column 'age'"),
        (FRAME.assign(age=pd.Timestamp(0)).age, "dtype datetime64"),
        (FRAME[[]], "at least one column"),
        (np.ma.masked_less(X, -2.0), "without masked values. Received: [0-9]+ of them"),
        ({"a": X, "b": [TEXT, X.astype("timedelta64[s]")]}, "input 'b', 1 with dtype timedelta64"),
    ],
)
def test_samples_that_are_no_arrays_are_refused(samples, message) -> None:
    assert re.search(message, refusal(samples))


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (
            ["cat", "dog"] * 20,
            "numbers as targets .* text, first 'cat'; encode classes as 0 to C-1",
        ),
        (np.array(["dog", "cat"] * 20, "S"), "first 'dog'"),
        (pd.Series(["x" * 999] * 40), "first 'xxx"),
        ([{"cat": 1}] * 40, "as an array. Received: output 0, 'cat' with a single int"),
        ([[1, 0]] * 39 + [[1]], "rows of one length"),
        (ROWS, r"a tf.RaggedTensor; pad it, as by .to_tensor\(\)"),
        (Y + 1j, "real numbers as targets"),
        (None, "a single NoneType"),
        (Y[:-1], "Received: 40 and 39"),
    ],
)
def test_targets_that_are_no_numbers_are_refused(targets, message) -> None:
    assert re.search(message, refusal(X, targets))


@pytest.mark.parametrize(
    "data", [None, 5, "ab", X, (X,), [X, Y, Y, Y], (X, Y, Y, Y), {"x": X, "y": Y}, [(X, Y)] * 5]
)
def test_what_is_no_pair_is_refused(data) -> None:
    assert "to be a pair (samples, targets)" in refusal_of(data)


ANYTHING = st.recursive(
    st.one_of(
        st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers(),
        st.text() | st.binary() | st.dates() | st.decimals() | st.just(pd.NA) | st.just(object),
        hnp.arrays(
            hnp.scalar_dtypes() | hnp.unicode_string_dtypes(),
            hnp.array_shapes(min_dims=0, max_dims=3, max_side=4),
        ),
        hnp.arrays(object, st.integers(0, 4), elements=st.none() | st.text() | st.integers()),
        st.sampled_from([X, Y, FRAME, FRAME.age, ROWS, TEXT, tf.constant(1), np.ma.masked]),
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
        | st.builds(iter, st.lists(inner, max_size=3))
    ),
)


@examples(300)
@given(ANYTHING | st.tuples(ANYTHING, ANYTHING))
@example(([np.array("")], [1]))
@example(([[Decimal("sNaN")]], [1]))
@example((pd.NA, None))
@example([({}, {})] * 5)
@example(([[np.ma.masked]], [1]))
def test_anything_at_all_becomes_arrays_or_is_refused_in_one_short_line(data) -> None:
    try:
        pair = arrays.load("train_data", data)
    except ValueError as error:
        message = str(error)
        assert message.startswith("Expected ")
        assert "train_data" in message
        assert "\n" not in message
        assert len(message) < 500
    else:
        assert {leaf.shape[0] for leaf in arrays.flat(tuple(pair))} == {arrays.count(pair.samples)}


def test_large_arrays_are_neither_copied_nor_doubled() -> None:
    large = np.ones((1000, 10_000), np.float32)
    tracemalloc.start()
    samples, _ = arrays.load("train_data", (large, np.zeros(1000)))
    first = fingerprint.of_arrays(arrays.contents(samples))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < large.nbytes / 2
    large[999, 9999] = 2.0
    assert fingerprint.of_arrays([large]) != first
