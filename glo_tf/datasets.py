"""Data sets: what they give, and the built-in ones."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from glo_tf.data.finite import not_finite
from glo_tf.data.named_parts import keys_of, named_parts, of_each
from glo_tf.errors import DatasetUnavailableError as DatasetUnavailableError
from glo_tf.errors import InvalidArgumentError

SPLITS = ("train", "validation", "test")

Structure: TypeAlias = Any
"""A NumPy array, or a dict or list of such."""

Shape: TypeAlias = Any
"""Of one sample or target, such as `(height, width, 3)`; a dict or list of such of several."""


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Samples with targets, in three splits.

    Samples are one array, or a dict or list of arrays, as a model of several inputs takes them.
    Targets are labels of classes, of the sample or of each of its positions (of an image, of a
    sequence), or numbers; for a model of several outputs a dict or list of such.

    Attributes:
        name: For messages.
        x_train: Training samples, float32 `(N, ...)`; images as `(N, height, width, channels)` in
            [0, 1]. Integers, such as of words, for models that take these.
        y_train: Labels, int32 `(N,)` or dense `(N, ...)`, in `[0, num_classes)`; or numbers,
            float32 `(N,)` or `(N, ..., units)`.
        x_validation: Samples that decide the fitness.
        y_validation: Their targets.
        x_test: Samples that a search never sees.
        y_test: Their targets.
        num_classes: Number of classes, at least 2; None for numbers; in the structure of the
            targets where there are several.
        weights_train: What samples, or their positions, count in a loss, at least 0, as in
            `keras.Model.fit`: one array for all outputs, or the structure of the targets; None if
            all count alike.
        weights_validation: What they count in the metric.
        weights_test: The same.
        ignore_class: A label that is no class, such as 255, at positions that do not count; None
            for none.

    Raises:
        ValueError: If lengths, shapes, structures or labels do not fit together, or samples,
            numbers or weights are not finite.
    """

    name: str
    x_train: Structure
    y_train: Structure
    x_validation: Structure
    y_validation: Structure
    x_test: Structure
    y_test: Structure
    num_classes: Any
    weights_train: Structure = None
    weights_validation: Structure = None
    weights_test: Structure = None
    ignore_class: int | None = None

    def __post_init__(self) -> None:
        if keys_of(self.num_classes) == [""]:
            classes = [(name, self.num_classes) for name, _ in self._targets("train")]
            if len(classes) > 1 and self.num_classes is not None:
                raise InvalidArgumentError(
                    "Expected num_classes in the structure of y_train, with None for numbers. "
                    f"Received: {self.name} with num_classes={self.num_classes} and "
                    f"{len(classes)} targets"
                )
        else:
            classes = list(named_parts("y_train", self.num_classes))
            if keys_of(self.num_classes) != keys_of(self.y_train):
                raise InvalidArgumentError(
                    "Expected num_classes in the structure of y_train. "
                    f"Received: {self.name} with num_classes={self.num_classes}"
                )
        for _, number in classes:
            if number is not None and (not isinstance(number, int | np.integer) or number < 2):
                raise InvalidArgumentError(
                    f"Expected a data set with at least two classes. Received: {self.name} with "
                    f"num_classes={number}"
                )
        of_targets = {name.removeprefix("y_train"): number for name, number in classes}
        for split in SPLITS:
            self._check_split(split, of_targets)
        for name, labels in self._targets("train"):
            if of_targets[name.removeprefix("y_train")] and len(self._of_classes(labels)) < 2:
                raise InvalidArgumentError(
                    "Expected training labels of at least two classes. "
                    f"Received: {self.name} with one"
                )

    def _of_classes(self, labels: np.ndarray) -> np.ndarray:
        found = np.unique(labels)
        return found if self.ignore_class is None else found[found != self.ignore_class]

    def _targets(self, split: str) -> list[tuple[str, Any]]:
        return list(named_parts(f"y_{split}", getattr(self, f"y_{split}")))

    def _check_split(self, split: str, classes: Mapping[str, int | None]) -> None:
        samples = list(named_parts(f"x_{split}", getattr(self, f"x_{split}")))
        targets = self._targets(split)
        for kind in "x", "y":
            if keys_of(getattr(self, f"{kind}_{split}")) != keys_of(getattr(self, f"{kind}_train")):
                raise InvalidArgumentError(
                    f"Expected {kind}_{split} in the structure of {kind}_train. "
                    f"Received: {self.name} with {type(getattr(self, f'{kind}_{split}')).__name__}"
                )
        of_target = {name: classes[name.removeprefix(f"y_{split}")] for name, _ in targets}
        for name, array in (*samples, *targets):
            of_classes = of_target.get(name) is not None
            kinds, what = ("iu", "integers") if of_classes else ("biuf", "numbers")
            if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds or not array.ndim:
                raise InvalidArgumentError(
                    f"Expected {name} to be a NumPy array of {what}. Received: {self.name} with "
                    f"{type(array).__name__} {getattr(array, 'dtype', '')}"[:300]
                )
        if not samples or not targets:
            raise InvalidArgumentError(
                f"Expected x_{split} and y_{split} with at least one array. "
                f"Received: {self.name} with none"
            )
        (first, some), *_ = samples
        for name, array in targets:
            shape = _part(self.y_train, f"y_{split}", name).shape[1:]
            if len(some) == 0 or len(some) != len(array) or array.shape[1:] != shape:
                raise InvalidArgumentError(
                    f"Expected {first} and {name} of one length, labels of shape "
                    f"({', '.join(['N', *map(str, shape)])}{',' * (not shape)}). "
                    f"Received: {self.name} with shapes {some.shape} and {array.shape}"
                )
        for name, array in samples:
            shape = _part(self.x_train, f"x_{split}", name).shape[1:]
            if array.shape[1:] != shape or len(array) != len(some):
                raise InvalidArgumentError(
                    f"Expected {name} of shape (N, {', '.join(map(str, shape))}). "
                    f"Received: {self.name} with shape {array.shape}"
                )
        weights = list(named_parts(f"weights_{split}", getattr(self, f"weights_{split}")))
        given = [(name, array) for name, array in weights if array is not None]
        for name, array in (*samples, *targets, *given):
            self._check_finite(name, array)
        for name, array in given:
            if len(array) != len(some) or array.min() < 0:
                raise InvalidArgumentError(
                    f"Expected {name} of at least 0, one for each of {len(some)} samples. "
                    f"Received: {self.name} with {len(array)}, from {array.min():g}"
                )
        for name, labels in targets:
            number, kept = of_target[name], self._of_classes(labels)
            if number is not None and kept.size and (kept[0] < 0 or kept[-1] >= number):
                raise InvalidArgumentError(
                    f"Expected labels in [0, {number - 1}]. Received: {self.name} with "
                    f"{name} from {kept[0]} to {kept[-1]}"
                )

    def _check_finite(self, name: str, array: Any) -> None:
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" or not array.ndim:
            raise InvalidArgumentError(
                f"Expected {name} to be a NumPy array of numbers. Received: {self.name} with "
                f"{type(array).__name__}"
            )
        holes = not_finite(array)
        if holes is not None:
            raise InvalidArgumentError(
                f"Expected finite {name}. Received: {self.name} with {holes}"
            )

    @property
    def input_shape(self) -> Shape:
        """Shape of one sample, or the structure of those of several inputs."""
        return of_each(lambda part: tuple(part.shape[1:]), self.x_train)

    @property
    def target_shape(self) -> Shape:
        """Shape of one target, `()` of a single label or number; or those of several outputs."""
        return of_each(lambda part: tuple(part.shape[1:]), self.y_train)

    def split(self, name: str) -> tuple[Structure, ...]:
        """Samples, targets and, if there are any, weights, as `LossSearch` takes them.

        Args:
            name: `"train"`, `"validation"` or `"test"`.
        """
        pair = getattr(self, f"x_{name}"), getattr(self, f"y_{name}")
        weights = getattr(self, f"weights_{name}")
        return pair if weights is None else (*pair, weights)


def _part(structure: Structure, prefix: str, name: str) -> np.ndarray:
    part: np.ndarray = dict(named_parts(prefix, structure))[name]
    return part


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
        with _without_warnings():  # of folders that it looks into
            builder = tfds.builder(name, data_dir=data_dir)
            prepared = builder.is_prepared()
        if not prepared:
            _check_reachable(source)
            builder.download_and_prepare()
        # A batch of -1 is the whole split as one tensor.
        loaded = builder.as_dataset(split=splits, as_supervised=True, batch_size=-1)
    except Exception as error:  # TFDS raises whatever its network and file layers raise
        raise DatasetUnavailableError(
            f"Expected {name} prepared in a TFDS folder, or a network to download it. "
            f"Run `tfds build {name} --data_dir=FOLDER` where there is a network, then pass "
            "--data_dir=FOLDER; --dataset=digits needs no download. "
            f"Received: data_dir={data_dir!r} ({type(error).__name__})"
        ) from error
    (x_train, y_train), (x_validation, y_validation), (x_test, y_test) = (
        (np.divide(images, np.float32(255.0), dtype=np.float32), labels.astype(np.int32))
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


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Keeps what TFDS logs below an error off the screen."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _check_reachable(address: str) -> None:
    """Fails within seconds where there is no network; TFDS alone retries for minutes.

    Raises:
        OSError: If no host answers.
    """
    try:
        urllib.request.urlopen(address, timeout=10).close()
    except urllib.error.HTTPError as error:
        error.close()  # an answer of any kind shows that the host can be reached
