"""Samples and targets in every form that users have them in: the same arrays, or what to do."""

import collections
import itertools
import pickle
import re
import tracemalloc
from decimal import Decimal

import keras
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import tensorflow as tf
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis_examples import examples

from glo_tf.data import arrays, batches
from glo_tf.data.finite import not_finite
from glo_tf.expressions.tree import Expression
from glo_tf.identity import fingerprint
from glo_tf.training.candidate import Candidate
from glo_tf.training.task import TrainingTask
from glo_tf.training.tensorflow.resident_data import ResidentData
from glo_tf.training.trial import Request, Status
from glo_tf.utils import memory

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = np.arange(40) % 3
TEXT = np.array(["a b", "c é", "", "d"] * 10)
BYTES = [text.encode() for text in TEXT]
FRAME = pd.DataFrame(X, columns=["height", "width", "age"], index=range(100, 140))
ROWS = tf.ragged.constant([[1, 2], [3], [4, 5, 6], []] * 10)


def refusal(samples, targets=Y, name="validation_data") -> str:
    """The message, which is one line of bounded length."""
    return refusal_of((samples, targets), name)


def refusal_of(data, name="validation_data") -> str:
    with pytest.raises(ValueError, match=f"^Expected .*{name}.* Received: ") as caught:
        arrays.load(name, data)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


def _rows_as_objects() -> np.ndarray:
    rows = np.empty(len(X), object)
    rows[:] = list(X)
    return rows


def _arrow_frame() -> pd.DataFrame:
    pytest.importorskip("pyarrow")
    return FRAME.convert_dtypes(dtype_backend="pyarrow")


FORMS = {
    "tensor": lambda: tf.constant(X),
    "torch": lambda: pytest.importorskip("torch").tensor(X, requires_grad=True),
    "jax": lambda: pytest.importorskip("jax.numpy").array(X),
    "float64": lambda: X.astype(np.float64),
    "long double": lambda: X.astype(np.longdouble),
    "objects": lambda: X.astype(object),
    "rows as objects": _rows_as_objects,
    "list": X.tolist,
    "tuple of tuples": lambda: tuple(map(tuple, X.tolist())),
    "frame": lambda: FRAME,
    "nullable frame": FRAME.convert_dtypes,
    "arrow frame": _arrow_frame,
    "csr": lambda: scipy.sparse.csr_matrix(X),
    "coo": lambda: scipy.sparse.coo_array(X),
    "sparse tensor": lambda: tf.sparse.from_dense(X),
    "masked, nothing masked": lambda: np.ma.array(X),
    "Fortran order": lambda: np.asfortranarray(X),
}


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


def test_ragged_rows_stay_ragged() -> None:
    samples, _ = arrays.load("train_data", (ROWS, Y))
    assert samples.tensor.to_list() == ROWS.to_list()
    assert arrays.count(samples) == 40
    assert arrays.take(samples, np.array([2, 0])).tensor.to_list() == [[4, 5, 6], [1, 2]]
    assert arrays.head(samples, 2).to_list() == [[1, 2], [3]]
    assert arrays.specs(samples).is_compatible_with(arrays.head(samples, 1))
    first = arrays.head(samples, 2)
    assert arrays.specs(first) == arrays.specs(samples)
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
    assert arrays.specs(samples).is_compatible_with(rows[:1])


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
    assert "dense" in refusal(scipy.sparse.csr_matrix((40, 10**9)))


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
        (lambda: ((X[:5], Y[:5], Y[:5]) for _ in "ab"), "tuple of 3; leave weights of samples out"),
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
    "data", [None, 5, "ab", X, (X,), [X, Y, Y], (X, Y, Y, Y), {"x": X, "y": Y}, [(X, Y)] * 5]
)
def test_what_is_no_pair_is_refused(data) -> None:
    assert "to be a pair (samples, targets)" in refusal_of(data)


STRUCTURES = {
    "array": lambda array: (array, ""),
    "float64": lambda array: (array.astype(np.float64), ""),
    "bfloat16": lambda array: (tf.cast(array, tf.bfloat16), ""),
    "list": lambda array: (array.tolist(), ""),
    "nullable": lambda array: (pd.DataFrame(array).convert_dtypes(), ""),
    "dict": lambda array: ({"other": np.zeros(len(array)), "this": array}, " 'this' with"),
    "nested": lambda array: ([{"a": (array,)}], " 0, 'a', 0 with"),
    "batches": lambda array: (tf.data.Dataset.from_tensor_slices(array).batch(3), ""),
}


@examples(150)
@given(st.data())
def test_a_number_that_is_not_finite_is_named_wherever_it_is(data) -> None:
    """In samples or targets of any shape, form and structure, with its count and first place."""
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=6))
    structure = data.draw(st.sampled_from(sorted(STRUCTURES)))
    if structure == "nullable" and len(shape) > 2:
        shape = shape[:2]
    part = data.draw(st.sampled_from(["samples", "targets"]))
    array = np.ones(shape, np.float32)
    places = data.draw(st.sets(st.integers(0, array.size - 1), min_size=1, max_size=4))
    for place in places:
        array.flat[place] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    bad, key = STRUCTURES[structure](array)
    other = np.zeros(shape[0])
    if isinstance(bad, tf.data.Dataset):
        others = tf.data.Dataset.from_tensor_slices(other).batch(3)
        pair = tf.data.Dataset.zip((bad, others) if part == "samples" else (others, bad))
    else:
        pair = (bad, other) if part == "samples" else (other, bad)
    message = refusal_of(pair, "test_data")
    assert message.startswith(f"Expected finite {part} in test_data. Received: ")
    assert key in message
    assert f"{len(places)} NaN or infinite value" in message
    sample, *inside = np.unravel_index(min(places), shape)
    assert f"(first in sample {sample}" in message
    columns = np.flatnonzero(~np.isfinite(array).all(axis=0)) if len(shape) == 2 else []
    if len(shape) == 2 and shape[1] > 1:
        assert ", ".join(str(column) for column in columns[:3]) in message
    if len(shape) > 2:
        assert f"at {[int(place) for place in inside]}" in message


def test_a_column_is_named() -> None:
    frame = FRAME.copy()
    frame.iloc[32:35, 2] = np.nan
    assert refusal(frame) == (
        "Expected finite samples in validation_data. Received: 3 NaN or infinite values in column "
        "'age' (first in sample 32); replace them, or leave these samples out"
    )
    missing = FRAME.assign(age=pd.array([1, None] * 20, dtype="Int64"))
    assert "20 NaN or infinite values in column 'age' (first in sample 1)" in refusal(missing)
    wide = pd.DataFrame(np.full((40, 50), np.nan), columns=[f"{'c' * 200}{k}" for k in range(50)])
    assert "and 47 more (first in sample 0)" in refusal(wide)


def test_ragged_rows_are_looked_at() -> None:
    rows = tf.ragged.constant([[[1.0], []], [[2.0, 3.0]], [[4.0], [np.nan]]] * 2)
    assert "2 NaN or infinite values (first in sample 2)" in refusal(rows, Y[:6])


@pytest.mark.parametrize("dtype", [np.float64, np.longdouble])
def test_what_is_infinite_in_single_precision_is_refused(dtype) -> None:
    large = X.astype(dtype)
    large[7, 1] = 1e39
    assert "1 value too large for float32 in column 1 (first in sample 7)" in refusal(large)
    assert "too large for float32" in refusal(X, np.where(Y == 2, -1e300, 0.0))


def test_a_place_is_found_beyond_what_is_looked_at_together(monkeypatch) -> None:
    monkeypatch.setattr("glo_tf.data.finite._AT_ONCE", 10)
    array = np.zeros((100, 3))
    array[[50, 77, 78], [2, 0, 2]] = np.nan
    assert not_finite(array) == "3 NaN or infinite values in columns 0, 2 (first in sample 50)"
    assert not_finite(np.zeros((100, 3))) is None
    assert not_finite(np.zeros((0, 3))) is None


def dense_model() -> keras.Model:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])


class Padding(keras.Model):
    """Pads ragged rows to three numbers, and takes padded ones as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(3, activation="softmax")

    def call(self, rows):
        ragged = isinstance(rows, tf.RaggedTensor)
        return self.dense(rows.to_tensor(shape=[None, 3]) if ragged else rows)


def looking() -> keras.Model:
    lookup = keras.layers.StringLookup(
        vocabulary=["", "c é"], output_mode="one_hot", mask_token=None
    )
    dense = keras.layers.Dense(3, activation="softmax")
    return keras.Sequential([keras.Input((), dtype="string"), lookup, dense])


def defined(samples, model, validation=None) -> TrainingTask:
    return TrainingTask.define(
        model,
        "sgd",
        (samples, Y),
        (samples if validation is None else validation, Y),
        train_steps=30,
        batch_size=8,
        jit_compile=False,
    )


@pytest.mark.parametrize(
    ("model", "given", "other", "plain", "numbers"),
    [
        (
            Padding,
            tf.cast(ROWS, tf.float32),
            tf.ragged.constant([[1.0, 2.0], [3.0], [4.0, 5.0], [6.0]] * 10),
            Padding,
            tf.cast(ROWS.to_tensor(), tf.float32),
        ),
        (looking, TEXT, TEXT[::-1], dense_model, np.eye(3)[[0, 2, 1, 0] * 10]),
    ],
)
def test_a_training_on_rows_and_text_is_that_on_their_numbers(
    model, given, other, plain, numbers
) -> None:
    request = Request(Candidate(Expression.parse("-(x*log(y))")), 0)
    tasks = defined(given, model), defined(numbers, plain)
    found, expected = (task.make_trainer().evaluate(request) for task in tasks)
    assert found.status == expected.status == Status.OK
    assert found.fitness == expected.fitness
    described = [defined(samples, model).description for samples in (given, other)]
    assert tasks[0].description == described[0]
    assert described[0]["train_data"] != described[1]["train_data"]


@pytest.mark.parametrize("form", ["frame", "csr", "list", "float64"])
def test_a_study_goes_on_with_the_same_data_in_another_form(form) -> None:
    first, second = (defined(FORMS[name](), dense_model) for name in ("tensor", form))
    assert first.description == second.description


@pytest.mark.parametrize(
    ("name", "samples", "validation"),
    [
        ("train_data", X[:, :2], X[:, :2]),
        ("validation_data", X, X[:, :2]),
        ("validation_data", X, {"a": X, "b": X}),
        ("train_data", TEXT, X),
    ],
)
def test_samples_that_the_model_does_not_take_are_named(name, samples, validation) -> None:
    with pytest.raises(ValueError, match=f"Expected samples of {name} that the model takes") as e:
        defined(samples, dense_model, validation)
    assert "\n" not in str(e.value)
    assert "\x1b" not in str(e.value)
    assert len(str(e.value)) < 450


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


def test_targets_in_half_precision_are_numbers() -> None:
    labels = tf.cast(Y, tf.bfloat16)
    assert arrays.load("train_data", (X, labels)).targets.tolist() == Y.tolist()
