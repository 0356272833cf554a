"""Data sets: their contract, the embedded one, and the real ones where they are prepared."""

import dataclasses
import os
import pathlib
import sys
import urllib.error

import numpy as np
import pytest

from glo_tf import datasets
from glo_tf.datasets import Dataset
from glo_tf.testing import DatasetTestCase, registered

globals().update(registered(DatasetTestCase, "glo_tf"))

SIZES = {"mnist": (55_000, 5_000, 10_000), "cifar10": (45_000, 5_000, 10_000)}


def small(**changes) -> Dataset:
    x, y = np.zeros((4, 2, 2, 1), np.float32), np.array([0, 1, 0, 1], np.int32)
    return Dataset(**{**dict(zip(_FIELDS, ("small", x, y, x, y, x, y, 2), strict=True)), **changes})


_FIELDS = [field.name for field in dataclasses.fields(Dataset)]


def check(data: Dataset, sizes: tuple[int, int, int]) -> None:
    splits = [(data.x_train, data.y_train), (data.x_validation, data.y_validation)]
    splits.append((data.x_test, data.y_test))
    for (x, y), size in zip(splits, sizes, strict=True):
        assert x.shape == (size, *data.input_shape)
        assert x.dtype == np.float32
        assert y.shape == (size,)
        assert y.dtype == np.int32
        assert (x.min(), x.max()) == (0.0, 1.0)
        assert len(np.unique(y)) == data.num_classes == 10


@pytest.fixture(autouse=True)
def no_network(monkeypatch) -> None:
    """Data that is not prepared is skipped instead of downloaded."""

    def unreachable(*arguments, **options):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)


def test_digits_are_scaled_to_one() -> None:
    check(datasets.digits(), (1_197, 300, 300))


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_real_data_has_the_splits_of_the_paper(name) -> None:
    folder = os.environ.get("TFDS_DATA_DIR")
    if folder is None or not (pathlib.Path(folder) / name).is_dir():
        pytest.skip(f"{name} is not prepared in TFDS_DATA_DIR={folder}")
    check(getattr(datasets, name)(folder), SIZES[name])


def test_data_that_cannot_be_had_says_what_to_run(tmp_path) -> None:
    with pytest.raises(datasets.DatasetUnavailableError, match="tfds build mnist") as caught:
        datasets.mnist(str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_classes": 1}, "at least two classes"),
        ({"y_train": np.zeros(4, np.int32)}, "at least two classes"),
        ({"y_train": np.array([0, 2, 0, 1], np.int32)}, r"labels in \[0, 1\]"),
        ({"y_test": np.zeros(3, np.int32)}, "of one length"),
        ({"y_test": np.zeros((4, 1), np.int32)}, "of one length"),
        ({"x_validation": np.zeros((4, 3, 3, 1), np.float32)}, "Expected x_validation of shape"),
        ({"x_test": np.zeros((0, 2, 2, 1), np.float32)}, "of one length"),
        ({"x_train": [[0.0]] * 4}, "x_train to be a NumPy array of numbers.*small with list"),
        ({"x_test": np.full((4, 2, 2, 1), "a")}, "x_test to be a NumPy array of numbers.*<U1"),
        ({"x_test": np.zeros((4, 2, 2, 1), object)}, "x_test to be .* of numbers.*object"),
        ({"x_test": np.float32(0.0)}, "x_test to be a NumPy array"),
        ({"y_validation": np.zeros(4)}, "y_validation to be .* of integers.*float64"),
        ({"y_train": ["a", "b"] * 2}, "y_train to be a NumPy array of integers"),
        (
            {"x_validation": np.where(np.arange(16).reshape(4, 2, 2, 1) == 13, np.nan, 0.0)},
            r"finite x_validation.*small with 1 NaN or infinite value .first in sample 3, at \[0,",
        ),
    ],
)
def test_a_data_set_that_does_not_fit_together_is_refused(changes, message) -> None:
    with pytest.raises(ValueError, match=message):
        small(**changes)


def test_a_data_set_of_tfds_says_what_it_needs(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    needed = r"mnist \(python -m pip install tensorflow tensorflow-datasets\)"
    with pytest.raises(datasets.DatasetUnavailableError, match=needed):
        datasets.mnist()
