"""Draws of a task: split, damage of the training data, and their order, all by a seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from benchmarks.suite.data_sets import Table

TEST_POOL = 1 / 3
"""Share of a table that no search and no tuning sees, the same for all draws."""

_OF_POOL = 0.8
_VALIDATION = 0.25

Samples = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The most samples of each part."""

    train: int = 4000
    validation: int = 1000
    test: int = 2500


@dataclasses.dataclass(frozen=True)
class Damage:
    """What is done to the training data, and to it alone; nothing by default.

    Attributes:
        symmetric: Share of the labels that become those of other classes, all alike.
        asymmetric: Share that become the next class.
        tail: How much rarer the rarest class becomes than the most frequent, falling exponentially
            over the classes in random order; 1 for none.
        samples: How many are left; None for all.
    """

    symmetric: float = 0.0
    asymmetric: float = 0.0
    tail: float = 1.0
    samples: int | None = None


SIZES = Sizes()
NO_DAMAGE = Damage()


@dataclasses.dataclass(frozen=True)
class Draw:
    """Samples `(N, D)` and targets `(N,)` of each part.

    Attributes:
        train: Damaged.
        validation: As the data are.
        test: As the data are, from the test pool.
        classes: How many; 0 of numbers.
    """

    train: Samples
    validation: Samples
    test: Samples
    classes: int

    @property
    def shares(self) -> np.ndarray:
        """Of each class among the training labels, at least half a sample; one 1 for numbers."""
        if not self.classes:
            return np.ones(1)
        counts = np.maximum(np.bincount(self.train[1], minlength=self.classes), 0.5)
        shares: np.ndarray = counts / counts.sum()
        return shares


def drawn(table: Table, damage: Damage, seed: int, sizes: Sizes) -> Draw:
    """One draw; the sizes of its parts are the same for all seeds.

    Args:
        table: The data.
        damage: Of the training data.
        seed: Of everything random in it but the test pool.
        sizes: The most samples of each part.
    """
    groups = table.y if table.classes else np.zeros(len(table.y), np.int32)
    pool, rest = _parted(groups, np.arange(len(groups)), TEST_POOL, np.random.default_rng(0))
    rng = np.random.default_rng([seed, 1])
    test, _ = _parted(groups, pool, min(_OF_POOL, sizes.test / len(pool)), rng)
    share = min(_VALIDATION, sizes.validation / len(rest))
    validation, train = _parted(groups, rest, share, rng)
    if damage.tail > 1.0:
        train = _tailed(groups, train, damage.tail, rng)
    most = min(damage.samples or sizes.train, sizes.train)
    if len(train) > most:
        train, _ = _parted(groups, train, most / len(train), rng)
    labels = table.y[train].copy()
    if damage.symmetric or damage.asymmetric:
        labels = _mislabelled(labels, table.classes, damage, rng)
    order = rng.permutation(len(train))
    x = table.x if table.images else _standardised(table.x, table.x[train])
    y = table.y
    if not table.classes:
        labels, y = _standardised(labels, labels), _standardised(y, labels)
    return Draw(
        (x[train][order], labels[order]),
        (x[validation], y[validation]),
        (x[test], y[test]),
        table.classes,
    )


def _parted(
    groups: np.ndarray, places: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A share of the samples of each class, at least one, and the others."""
    first, second = [], []
    for members in _by_class(groups, places):
        mixed = rng.permutation(members)
        count = max(1, round(share * len(mixed)))
        first.append(mixed[:count])
        second.append(mixed[count:])
    return np.concatenate(first), np.concatenate(second)


def _by_class(groups: np.ndarray, places: np.ndarray) -> Iterator[np.ndarray]:
    for kind in np.unique(groups):
        yield places[groups[places] == kind]


def _tailed(
    groups: np.ndarray, places: np.ndarray, ratio: float, rng: np.random.Generator
) -> np.ndarray:
    members = list(_by_class(groups, places))
    most = min(map(len, members))
    kept = []
    for rank, kind in enumerate(rng.permutation(len(members))):
        count = max(1, round(most * ratio ** (-rank / (len(members) - 1))))
        kept.append(rng.permutation(members[kind])[:count])
    return np.concatenate(kept)


def _mislabelled(
    labels: np.ndarray, classes: int, damage: Damage, rng: np.random.Generator
) -> np.ndarray:
    changed = rng.permutation(len(labels))
    count = round(len(labels) * (damage.symmetric or damage.asymmetric))
    steps = rng.integers(1, classes, count) if damage.symmetric else np.ones(count, np.int32)
    labels[changed[:count]] = (labels[changed[:count]] + steps) % classes
    return labels


def _standardised(values: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Values as far as they lie from the mean of others, in their standard deviations."""
    deviation = by.std(axis=0)
    found: np.ndarray = (values - by.mean(axis=0)) / np.where(deviation > 1e-6, deviation, 1.0)
    found = np.clip(found, -10.0, 10.0)
    return found
