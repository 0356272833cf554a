"""Data sets: their contract, the embedded one, and the real ones where they are prepared."""

import dataclasses
import operator
import sys
import urllib.error

import numpy as np
import pytest

from glo_tf import architectures, datasets
from glo_tf.data.named_parts import of_each
from glo_tf.datasets import SPLITS, Dataset
from glo_tf.testing import DatasetTestCase, registered

_AS_MNIST = (55_000, 5_000, 10_000)
SIZES = {
    "digits": (1_197, 300, 300),
    "mnist": _AS_MNIST,
    "fashion_mnist": _AS_MNIST,
    "cifar10": (45_000, 5_000, 10_000),
}


class TenClassesTestCase(DatasetTestCase):
    """What all data sets are, and what those of the package are beside."""

    def test_it_has_the_splits_of_the_paper_and_is_scaled_to_one(self, plugin_options) -> None:
        if self.name not in SIZES:
            pytest.skip("no data set of ten classes whose sizes are known here")
        data = self.loaded(plugin_options)
        for name, size in zip(SPLITS, SIZES[self.name], strict=True):
            x, y, *_ = data.split(name)
            assert x.shape == (size, *data.input_shape)
            assert x.dtype == np.float32
            assert y.shape == (size,)
            assert y.dtype == np.int32
            assert (x.min(), x.max()) == (0.0, 1.0)
            assert len(np.unique(y)) == data.num_classes == 10


globals().update(registered(TenClassesTestCase, "glo_tf"))


def small(**changes) -> Dataset:
    x, y = np.zeros((4, 2, 2, 1), np.float32), np.array([0, 1, 0, 1], np.int32)
    given = dict(zip(_FIELDS, ("small", x, y, x, y, x, y, 2), strict=False))
    return Dataset(**{**given, **changes})


_FIELDS = [field.name for field in dataclasses.fields(Dataset)]


@pytest.fixture(autouse=True)
def no_network(monkeypatch) -> None:
    """Data that is not prepared is skipped instead of downloaded."""

    def unreachable(*arguments, **options):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)


def test_data_that_cannot_be_had_says_what_to_run(tmp_path, caplog) -> None:
    with pytest.raises(datasets.DatasetUnavailableError, match="tfds build mnist") as caught:
        datasets.mnist(str(tmp_path))
    assert "\n" not in str(caught.value)
    assert caplog.text == ""  # TFDS's warnings would be the first line on the screen


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


X = np.random.default_rng(0).normal(size=(12, 3, 2)).astype(np.float32)
DENSE = (X[..., 0] > 0.0).astype(np.int32)
NUMBERS = X[:, 0] * 3.0


def three_way(x, y, num_classes, **more) -> Dataset:
    """Thirds of everything."""
    parts = []
    for third in (slice(0, 4), slice(4, 8), slice(8, 12)):
        parts += [of_each(operator.itemgetter(third), part) for part in (x, y)]
    return Dataset("given", *parts, num_classes=num_classes, **more)


@pytest.mark.parametrize(
    ("x", "y", "num_classes", "input_shape", "target_shape"),
    [
        (X, DENSE, 2, (3, 2), (3,)),
        (X, NUMBERS, None, (3, 2), (2,)),
        (X, NUMBERS[:, 0], None, (3, 2), ()),
        ({"a": X, "b": X[:, 0]}, DENSE[:, 0], 2, {"a": (3, 2), "b": (2,)}, ()),
        (
            [X, X[:, 0]],
            {"map": DENSE, "size": NUMBERS},
            {"map": 2, "size": None},
            [(3, 2), (2,)],
            {"map": (3,), "size": (2,)},
        ),
        (X, [DENSE[:, 0], NUMBERS], [2, None], (3, 2), [(), (2,)]),
    ],
    ids=["dense", "numbers", "number", "inputs", "both", "outputs"],
)
def test_samples_and_targets_are_of_any_structure(
    x, y, num_classes, input_shape, target_shape
) -> None:
    w = np.linspace(0.0, 1.0, 4)
    data = three_way(x, y, num_classes, weights_train=w)
    assert (data.input_shape, data.target_shape) == (input_shape, target_shape)
    assert data.split("train")[2] is w
    assert len(data.split("test")) == 2
    case = type("Case", (DatasetTestCase,), {"load": lambda self: lambda data_dir=None: data})()
    case.test_samples_are_finite_float32_and_labels_are_integers({})
    case.test_a_search_can_take_it({})
    case.test_the_splits_have_samples_of_their_own({})
    case.test_loaded_twice_it_is_the_same({})


def test_labels_that_are_no_class_are_allowed_by_name() -> None:
    void = np.where(X[..., 1] > 0.5, 255, DENSE)
    assert three_way(X, void, 2, ignore_class=255).ignore_class == 255
    with pytest.raises(ValueError, match=r"labels in \[0, 1\].*from 0 to 255"):
        three_way(X, void, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": {"a": DENSE, "b": NUMBERS}}, "num_classes in the structure of y_train"),
        ({"num_classes": {"a": 2}}, "num_classes in the structure of y_train"),
        ({"y": DENSE.astype(float)}, "y_train to be a NumPy array of integers"),
        ({"weights_train": np.ones(3)}, "one for each of 4 samples. Received: given with 3"),
        ({"weights_test": -np.ones(4)}, "weights_test of at least 0"),
        ({"weights_validation": np.full(4, np.nan)}, "finite weights_validation"),
        ({"weights_train": [1.0] * 4}, "weights_train to be a NumPy array.*with list"),
        ({"x": {"a": X, "b": DENSE.astype(object)}}, r"x_train\['b'\] to be .* of numbers.*object"),
    ],
)
def test_parts_that_do_not_fit_are_named(changes, message) -> None:
    with pytest.raises(ValueError, match=message):
        three_way(**{"x": X, "y": DENSE, "num_classes": 2, **changes})


def test_the_mlp_takes_several_inputs_and_gives_all_but_dense_targets() -> None:
    model = architectures.NamedArchitecture(
        "mlp",
        {"a": (3, 2), "b": (2,)},
        {"what": 3, "size": None},
        target_shape={"what": (), "size": (2,)},
    )()
    found = model({"a": X, "b": X[:, 0]})
    assert {name: tuple(part.shape) for name, part in found.items()} == {
        "what": (12, 3),
        "size": (12, 2),
    }
    for classes, shape in ((2, (3,)), (None, (3, 2))):
        dense = architectures.NamedArchitecture("mlp", (3, 2), classes, target_shape=shape)
        with pytest.raises(ValueError, match=r"output at each position.*architecture=mlp"):
            dense()
    with pytest.raises(ValueError, match=r"takes target_shape.*architecture=glo_mnist_cnn"):
        architectures.NamedArchitecture("glo_mnist_cnn", (8, 8, 1), None)()
