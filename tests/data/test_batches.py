"""Data that come in batches: one array of all, within bounds of memory and of time."""

import itertools
import re

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from given_arrays import BYTES, FRAME, ROWS, TEXT, X, Y, refusal, refusal_of

from glo_tf.data import arrays, batches
from glo_tf.utils import memory


class Batches(keras.utils.PyDataset):
    """Of five samples each."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, place):
        return X[5 * place :][:5], Y[5 * place :][:5]


def in_batches(samples=X, size=7):
    for start in range(0, 40, size):
        yield samples[start : start + size], Y[start : start + size]


def loader():
    data = pytest.importorskip("torch.utils.data")
    torch = pytest.importorskip("torch")
    return data.DataLoader(data.TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=6)


SIGNATURE = tf.TensorSpec([None, 3], tf.float32), tf.TensorSpec([None], tf.int64)


def dataset(generator) -> tf.data.Dataset:
    return tf.data.Dataset.from_generator(generator, output_signature=SIGNATURE)


@pytest.mark.parametrize(
    "make",
    [
        in_batches,
        lambda: iter(list(in_batches())),
        lambda: in_batches(FRAME),
        lambda: in_batches(scipy.sparse.csr_matrix(X)),
        Batches,
        lambda: dataset(in_batches),
        lambda: tf.data.Dataset.from_tensor_slices((X, Y)).batch(9),
        loader,
    ],
)
def test_batches_become_one_array(make) -> None:
    samples, targets = arrays.load("train_data", make())
    np.testing.assert_array_equal(samples, X)
    np.testing.assert_array_equal(targets, Y)


def test_batches_of_structures_text_and_ragged_rows() -> None:
    whole = {"text": TEXT, "rows": ROWS}, (Y, X)
    samples, targets = arrays.load(
        "train_data", tf.data.Dataset.from_tensor_slices(whole).ragged_batch(7)
    )
    assert samples["text"].tolist() == BYTES
    assert samples["rows"].tensor.to_list() == ROWS.to_list()
    np.testing.assert_array_equal(targets[1], X)


def endless(size=8):
    for _ in itertools.count():
        yield X[:size], Y[:size]


class Endless(Batches):
    num_batches = None


def test_data_without_end_are_refused_at_once_or_at_a_bound(monkeypatch) -> None:
    repeated = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8).repeat()
    for data in (repeated, Endless()):
        assert "an endless" in refusal_of(data)
    monkeypatch.setattr(batches, "MOST_BATCHES", 300)
    for data in (endless(), dataset(endless)):
        assert "more than 300 batches" in refusal_of(data)
    assert arrays.count(arrays.load("train_data", dataset(endless).take(300)).samples) == 2400
    known = dataset(endless).take(301).apply(tf.data.experimental.assert_cardinality(301))
    assert arrays.count(arrays.load("train_data", known).samples) == 2408


def test_data_that_do_not_fit_into_memory_are_refused_as_they_are_read(monkeypatch) -> None:
    assert memory.most_bytes() > 2**28
    monkeypatch.setattr(memory, "most_bytes", lambda: 10_000)
    read = 0

    def counted():
        nonlocal read
        for batch in endless(40):
            read += 1
            yield batch

    assert ".take(batches)" in refusal_of(counted())
    assert read == 10_000 // (X.nbytes + Y.nbytes) + 1
    read = 0
    known = dataset(counted).apply(tf.data.experimental.assert_cardinality(10**6))
    whole = (10**6 - 1) * (X.nbytes + Y.nbytes)
    assert re.search(rf"third of the memory.*\({whole} bytes\).*uint8", refusal_of(known))
    assert read <= 2  # before the rest is read
    assert "dense" in refusal(scipy.sparse.csr_matrix((40, 10**9)))


def test_arrays_in_files_are_held_in_memory_if_they_fit(monkeypatch, tmp_path) -> None:
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(arrays.load("train_data", (mapped, Y)).samples, X)
    monkeypatch.setattr(memory, "most_bytes", lambda: X.nbytes - 1)
    assert re.search(rf"validation_data.*\({X.nbytes} bytes\); give a part", refusal((mapped, Y)))
    assert arrays.count(arrays.load("train_data", (mapped[:39], Y[:39])).samples) == 39


def test_reading_for_long_is_told(monkeypatch, caplog) -> None:
    monkeypatch.setattr(batches, "_SECONDS_IN_SILENCE", -1.0)
    arrays.load("train_data", in_batches(size=20))
    assert [record.getMessage() for record in caplog.records] == [
        "train_data: 20 samples read into memory so far (0.00 GiB)",
        "train_data: 40 samples read into memory so far (0.00 GiB)",
    ]


def padded(rows, labels):
    """As `padded_batch` gives them: each batch as long as its longest row."""
    return rows.to_tensor(), labels


def broken():
    yield X[:5], Y[:5]
    raise OSError("the disk\nis gone")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (broken, "OSError in batch 1: the disk"),
        (lambda: dataset(broken), "in batch 1: OSError: the disk"),
        (lambda: ((X[:5], Y[:5], Y[:5], Y[:5]) for _ in "ab"), "Received: tuple of 4"),
        (lambda: ((X, Y, *[Y] * place) for place in range(2)), "batches of one structure"),
        (lambda: (X[:5] for _ in "ab"), "a pair .*ndarray"),
        (lambda: ((X[0], Y[0]) for _ in "ab"), r"batches, as of .batch\(100\).*single samples"),
        (lambda: iter([]), "at least one batch"),
        (lambda: iter([(X[:5], Y[:5]), (X[:5, :2], Y[:5])]), r"one shape .*\(5, 3\) and \(5, 2\)"),
        (lambda: iter([(X[:5], Y[:5]), (TEXT[:5], Y[:5])]), r"one shape .*\(5, 3\) and \(5,\)"),
        (lambda: iter([(Y[:5], Y[:5]), (TEXT[:5], Y[:5])]), "one dtype .*text and numbers"),
        (lambda: iter([(X[:5], Y[:5]), ({"a": X[:5]}, Y[:5])]), "one structure"),
        (lambda: iter([({"a": X}, Y), ({"b": X}, Y)]), "one structure"),
        (
            lambda: tf.data.Dataset.from_tensor_slices((ROWS, Y)).ragged_batch(2).map(padded),
            r"one shape .*padded_shapes=",
        ),
    ],
)
def test_batches_that_do_not_become_one_array_are_refused(data, message) -> None:
    assert re.search(message, refusal_of(data()))


class Stated:
    """Batches without an end, of which so many are said to be all."""

    def __len__(self) -> int:
        return 3

    def __iter__(self):
        return endless(5)


def test_a_stated_length_ends_what_has_no_end(monkeypatch) -> None:
    monkeypatch.setattr(batches, "MOST_BATCHES", 2)
    samples, targets = arrays.load("train_data", Stated())
    assert len(samples) == len(targets) == 15


def test_batches_of_named_keys_are_refused_with_what_to_do() -> None:
    rows = tf.data.Dataset.from_tensor_slices({"image": X, "label": Y}).batch(5)
    message = refusal_of(rows)
    assert "Received: dict with 'image', 'label'; make pairs of it" in message
    pairs = rows.map(lambda row: (row["image"], row["label"]))
    np.testing.assert_array_equal(arrays.load("train_data", pairs).samples, X)
