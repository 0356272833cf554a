"""Data sets: what they give, and the built-in ones."""

from __future__ import annotations

import dataclasses
import os
import urllib.error
import urllib.request

import numpy as np

from glo_tf.data.finite import not_finite
from glo_tf.errors import DatasetUnavailableError as DatasetUnavailableError
from glo_tf.errors import InvalidArgumentError


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Images or other samples with class labels, in three splits.

    Attributes:
        name: For messages.
        x_train: Training samples, float32 `(N, ...)`; images as `(N, height, width, channels)` in
            [0, 1].
        y_train: Labels, int32 `(N,)`, in `[0, num_classes)`.
        x_validation: Samples that decide the fitness.
        y_validation: Their labels.
        x_test: Samples that a search never sees.
        y_test: Their labels.
        num_classes: Number of classes, at least 2.

    Raises:
        ValueError: If lengths, shapes or labels do not fit together, or samples are not finite.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    num_classes: int

    def __post_init__(self) -> None:
        if self.num_classes < 2:
            raise InvalidArgumentError(
                f"Expected a data set with at least two classes. Received: {self.name} with "
                f"num_classes={self.num_classes}"
            )
        for split in ("train", "validation", "test"):
            self._check_split(split)
        if len(np.unique(self.y_train)) < 2:
            raise InvalidArgumentError(
                f"Expected training labels of at least two classes. Received: {self.name} with one"
            )

    def _check_split(self, split: str) -> None:
        samples, labels = getattr(self, f"x_{split}"), getattr(self, f"y_{split}")
        for name, array, kinds, what in (
            (f"x_{split}", samples, "biuf", "numbers"),
            (f"y_{split}", labels, "iu", "integers"),
        ):
            if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds or not array.ndim:
                raise InvalidArgumentError(
                    f"Expected {name} to be a NumPy array of {what}. Received: {self.name} with "
                    f"{type(array).__name__} {getattr(array, 'dtype', '')}"[:300]
                )
        if len(samples) == 0 or len(samples) != len(labels) or labels.ndim != 1:
            raise InvalidArgumentError(
                f"Expected x_{split} and y_{split} of one length, labels of shape (N,). "
                f"Received: {self.name} with shapes {samples.shape} and {labels.shape}"
            )
        if samples.shape[1:] != self.input_shape:
            raise InvalidArgumentError(
                f"Expected x_{split} of shape (N, {', '.join(map(str, self.input_shape))}). "
                f"Received: {self.name} with shape {samples.shape}"
            )
        holes = not_finite(samples)
        if holes is not None:
            raise InvalidArgumentError(
                f"Expected finite x_{split}. Received: {self.name} with {holes}"
            )
        if labels.min() < 0 or labels.max() >= self.num_classes:
            raise InvalidArgumentError(
                f"Expected labels in [0, {self.num_classes - 1}]. Received: {self.name} with "
                f"y_{split} from {labels.min()} to {labels.max()}"
            )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.x_train.shape[1:])


def digits(data_dir: str | None = None) -> Dataset:
    """8x8 handwritten digits, 10 classes, 1,797 images; comes with scikit-learn, no download."""
    del data_dir  # nothing to look up
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8, 1) / 16.0).astype(np.float32)
    labels = labels.astype(np.int32)
    rest, x_test, rest_labels, y_test = train_test_split(
        images, labels, test_size=300, stratify=labels, random_state=0
    )
    x_train, x_validation, y_train, y_validation = train_test_split(
        rest, rest_labels, test_size=300, stratify=rest_labels, random_state=0
    )
    return Dataset(
        "digits", x_train, y_train, x_validation, y_validation, x_test, y_test, num_classes=10
    )


def mnist(data_dir: str | None = None) -> Dataset:
    """28x28 handwritten digits, 10 classes, 55,000 / 5,000 / 10,000 images (TFDS)."""
    source = "https://storage.googleapis.com/cvdf-datasets/mnist/train-labels-idx1-ubyte.gz"
    return _from_tfds("mnist", source, validation=5_000, data_dir=data_dir)


def fashion_mnist(data_dir: str | None = None) -> Dataset:
    """28x28 clothing articles, 10 classes, 55,000 / 5,000 / 10,000 images (TFDS)."""
    source = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
    return _from_tfds("fashion_mnist", source, validation=5_000, data_dir=data_dir)


def cifar10(data_dir: str | None = None) -> Dataset:
    """32x32 colour photographs, 10 classes, 45,000 / 5,000 / 10,000 images (TFDS)."""
    source = "https://www.cs.toronto.edu/~kriz/cifar.html"
    return _from_tfds("cifar10", source, validation=5_000, data_dir=data_dir)


def _from_tfds(name: str, source: str, *, validation: int, data_dir: str | None) -> Dataset:
    """The training split's last `validation` images become the validation split.

    `source` is an address on the host that TFDS downloads the data from.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise DatasetUnavailableError(
            f"Expected TensorFlow Datasets, which has {name} "
            "(python -m pip install tensorflow tensorflow-datasets); digits needs no more than "
            f"scikit-learn. Received: {error}"
        ) from error
    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR")
    tfds.disable_progress_bar()
    splits = [f"train[:-{validation}]", f"train[-{validation}:]", "test"]
    try:
        builder = tfds.builder(name, data_dir=data_dir)
        if not builder.is_prepared():
            _check_reachable(source)
            builder.download_and_prepare()
        # A batch of -1 is the whole split as one tensor.
        loaded = builder.as_dataset(split=splits, as_supervised=True, batch_size=-1)
    except Exception as error:  # TFDS raises whatever its network and file layers raise
        raise DatasetUnavailableError(
            f"Expected {name} prepared in a TFDS folder, or a network to download it. "
            f"Run `tfds build {name} --data_dir=FOLDER` where there is a network, then pass "
            f"--data_dir=FOLDER. Received: data_dir='{data_dir}' "
            f"({type(error).__name__})"
        ) from error
    (x_train, y_train), (x_validation, y_validation), (x_test, y_test) = (
        (images.astype(np.float32) / np.float32(255.0), labels.astype(np.int32))
        for images, labels in tfds.as_numpy(loaded)
    )
    return Dataset(
        name,
        x_train,
        y_train,
        x_validation,
        y_validation,
        x_test,
        y_test,
        num_classes=builder.info.features["label"].num_classes,
    )


def _check_reachable(address: str) -> None:
    """Fails within seconds where there is no network; TFDS alone retries for minutes.

    Raises:
        OSError: If no host answers.
    """
    try:
        urllib.request.urlopen(address, timeout=10).close()
    except urllib.error.HTTPError as error:
        error.close()  # an answer of any kind shows that the host can be reached
