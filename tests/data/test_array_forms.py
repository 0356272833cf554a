"""Every form that users have samples and targets in gives the same arrays."""

import collections

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from given_arrays import BYTES, FORMS, FRAME, TEXT, X, Y, refusal_of

from glo_tf.data import arrays


@pytest.mark.parametrize("form", FORMS)
def test_numbers_are_the_same_in_every_form(form) -> None:
    samples, targets = arrays.load("train_data", (FORMS[form](), Y))
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, X, rtol=1e-6)
    assert targets is Y


def test_arrays_are_not_copied() -> None:
    pair = arrays.load("train_data", (X, Y))
    assert pair.samples is X
    assert arrays.load("train_data", pair) is pair


@pytest.mark.parametrize(
    "labels",
    [
        Y.tolist(),
        list(Y),
        tuple(tf.constant(Y)),
        pd.Series(Y, index=range(7, 47)),
        pd.Series(Y, dtype="Int64"),
        pd.Series(pd.Categorical(Y)),
        pd.Index(Y),
        Y.astype(object),
    ],
)
def test_labels_are_the_same_in_every_form(labels) -> None:
    _, targets = arrays.load("train_data", (X, labels))
    np.testing.assert_array_equal(targets, Y)
    assert targets.dtype.kind in "iu"


def test_truth_is_a_number() -> None:
    truth = Y > 0
    for form in (truth, truth.tolist(), truth.astype(object), pd.Series(truth, dtype="boolean")):
        assert arrays.load("train_data", (X, form)).targets.dtype == bool


@pytest.mark.parametrize(
    "texts",
    [
        TEXT,
        TEXT.astype(object),
        TEXT.tolist(),
        BYTES,
        np.array(BYTES, object),
        tf.constant(TEXT),
        np.array(TEXT, np.dtypes.StringDType()),
    ],
)
def test_text_is_bytes(texts) -> None:
    samples, _ = arrays.load("train_data", (texts, Y))
    assert samples.tolist() == BYTES


def test_text_of_pandas_is_a_column_as_in_keras() -> None:
    for texts in (pd.Series(TEXT), pd.DataFrame({"text": TEXT}), pd.Series(pd.Categorical(TEXT))):
        samples, _ = arrays.load("train_data", (texts, Y))
        assert samples[:, 0].tolist() == BYTES


def test_frames_of_several_types_are_numbers() -> None:
    frame = FRAME.assign(width=Y > 0, age=pd.array(Y, dtype="Int64"))
    samples, _ = arrays.load("train_data", (frame, Y))
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, np.stack([X[:, 0], Y > 0, Y], axis=1, dtype=np.float32))


def test_structures_stay_structures() -> None:
    Inputs = collections.namedtuple("Inputs", ["left", "right"])
    given = {"a": Inputs(X, X.tolist()), "b": [FRAME["age"], {"c": TEXT}]}
    samples, _ = arrays.load("train_data", (given, [Y, X[:, 0]]))
    assert isinstance(samples["a"], Inputs)
    np.testing.assert_array_equal(samples["a"].right, X)
    np.testing.assert_array_equal(samples["b"][0], X[:, 2:])
    assert samples["b"][1]["c"].tolist() == BYTES


def test_targets_in_half_precision_are_numbers() -> None:
    labels = tf.cast(Y, tf.bfloat16)
    assert arrays.load("train_data", (X, labels)).targets.tolist() == Y.tolist()


def test_numbers_and_flags_of_a_frame_are_numbers_however_they_are_held() -> None:
    frame = pd.DataFrame(
        {
            "number": [1.5, -2.0],
            "flag": [True, False],
            "count": pd.array([1, 2], dtype="Int64"),
            "nullable": pd.array([True, False], dtype="boolean"),
            "object": pd.Series([True, False], dtype=object),
            "mixed": pd.Series([1, 2.5], dtype=object),
        }
    )
    found = arrays.load("train_data", (frame, [0, 1])).samples
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[1.5, 1, 1, 1, 1, 1], [-2, 0, 2, 0, 0, 2.5]])
    frame.loc[1, "object"] = None
    assert "NaN or infinite value in column 'object'" in refusal_of((frame, [0, 1]))
