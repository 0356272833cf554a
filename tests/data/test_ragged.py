"""Samples of rows of different lengths."""

import pickle

import numpy as np
import pytest
import tensorflow as tf
from given_arrays import ROWS, Y

from glo_tf.data import arrays
from glo_tf.training.tensorflow.resident_data import ResidentData
from glo_tf.training.tensorflow.specs import specs


def test_ragged_rows_stay_ragged() -> None:
    samples, _ = arrays.load("train_data", (ROWS, Y))
    assert samples.tensor.to_list() == ROWS.to_list()
    assert arrays.count(samples) == 40
    assert arrays.take(samples, np.array([2, 0])).tensor.to_list() == [[4, 5, 6], [1, 2]]
    assert arrays.head(samples, 2).to_list() == [[1, 2], [3]]
    assert specs(samples).is_compatible_with(arrays.head(samples, 1))
    first = arrays.head(samples, 2)
    assert specs(first) == specs(samples)
    assert ResidentData.place(first, np.zeros((2, 1))).samples.to_list() == [[1, 2], [3]]
    values, splits = arrays.contents(samples)
    assert (values.tolist(), splits.tolist()[-3:]) == ([1, 2, 3, 4, 5, 6] * 10, [57, 60, 60])
    copied = pickle.loads(pickle.dumps(samples))
    assert b"tensorflow" not in pickle.dumps(samples)
    np.testing.assert_array_equal(copied.values, samples.values)


@pytest.mark.parametrize(
    "rows",
    [
        tf.ragged.constant([[[1, 2], []], [], [[3]], [[4, 5], [6], [7]]]),
        tf.ragged.constant([[[1, 2], [3, 4]], [], [[5, 6]], [[7, 8]]], ragged_rank=1),
        tf.ragged.constant([["a", "b c"], [], ["é"], ["d"]]),
    ],
)
def test_ragged_rows_of_any_rank_and_dtype(rows) -> None:
    samples, _ = arrays.load("train_data", (rows, Y[:4]))
    assert samples.tensor.to_list() == rows.to_list()
    assert samples.tensor.shape.as_list() == rows.shape.as_list() == list(samples.shape)
    assert specs(samples).is_compatible_with(rows[:1])
