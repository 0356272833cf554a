"""Weights of samples and of classes: what each sample counts in each output."""

import pickle

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

from glo_tf.data import arrays
from glo_tf.data.class_weight import check_class_weight
from glo_tf.data.output_weights import mean_weights, output_weights, weight_columns
from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.data.targets import label_columns

N = 12
X = np.zeros((N, 2), np.float32)
CLASSES = np.arange(N) % 3
FLAGS = np.arange(N) % 2
W = np.linspace(0.0, 2.0, N)
OF_CLASSES = np.zeros((1, 3), np.float32)
OF_FLAG = np.zeros((1, 1), np.float32)
SEVERAL = {"a": OF_CLASSES, "b": OF_FLAG}
TARGETS = {"a": CLASSES, "b": FLAGS}


def found(targets, predictions=OF_CLASSES, weights=None, class_weight=None):
    check_class_weight(class_weight)
    data = (X, targets) if weights is None else (X, targets, weights)
    return output_weights("train_data", arrays.load("train_data", data), predictions, class_weight)


def test_nothing_weighs_nothing() -> None:
    assert found(CLASSES) is None
    assert found(TARGETS, SEVERAL) is None
    assert arrays.load("train_data", (X, CLASSES, None)).weights is None


@pytest.mark.parametrize("given_as", [W, W[:, None], W.tolist(), W.astype(np.float32)])
def test_one_array_is_for_all_outputs(given_as) -> None:
    for of_output in (*found(CLASSES, weights=given_as), *found(TARGETS, SEVERAL, given_as)):
        np.testing.assert_allclose(of_output, W, atol=1e-6)
        assert (of_output.shape, of_output.dtype) == ((N,), np.float32)


def test_a_structure_gives_each_output_its_own() -> None:
    a, b = found(TARGETS, SEVERAL, {"b": W[::-1], "a": None})
    np.testing.assert_array_equal(a, np.ones(N))
    np.testing.assert_allclose(b, W[::-1], atol=1e-6)
    a, b = found([CLASSES, FLAGS], [OF_CLASSES, OF_FLAG], [W, None])
    np.testing.assert_allclose(a, W, atol=1e-6)


def no_flag(number: float) -> bool:
    """Zeros and ones alone are flags, which have two classes."""
    return number not in (0.0, 1.0)


TARGETS_OF_ONE = st.one_of(
    hnp.arrays(np.int64, N, elements=st.integers(0, 3)),
    hnp.arrays(np.float32, (N, 4), elements=st.floats(0, 1, width=32)),
    hnp.arrays(np.float32, (N, 1), elements=st.floats(-9, 9, width=32).filter(no_flag)),
)


@given(
    TARGETS_OF_ONE,
    st.dictionaries(st.integers(0, 3), st.floats(0.125, 8.0), min_size=1),
    st.none() | hnp.arrays(np.float64, N, elements=st.floats(0.125, 9.0)),
)
def test_classes_weigh_as_in_keras_and_multiply_what_samples_weigh(targets, of_classes, w) -> None:
    units = 1 if targets.shape[1:] == (1,) else 4
    (ours,) = found(targets, np.zeros((1, units)), w, of_classes)
    theirs = class_weight_to_sample_weights(targets, of_classes)
    np.testing.assert_allclose(ours, theirs if w is None else theirs * w, rtol=1e-6)


@pytest.mark.parametrize(
    "class_weight", [{"a": {1: 3.0}}, {"a": {1: 3.0}, "b": None}, [{1: 3.0}, None]]
)
def test_several_outputs_have_weights_of_classes_each(class_weight) -> None:
    a, b = found(TARGETS, SEVERAL, class_weight=class_weight)
    np.testing.assert_array_equal(a, np.where(CLASSES == 1, 3.0, 1.0))
    np.testing.assert_array_equal(b, np.ones(N))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (W[:-1], r"as many weights as samples \(12\)\. Received: 11 weights"),
        (-W, "at least 0 in train_data. Received: 11 negative, the first -0.18.* in sample 1"),
        (np.where(W > 1, np.nan, W), "finite weights in train_data. Received: 6 NaN"),
        (np.where(W > 1, np.inf, W), "finite weights in train_data. Received: 6 NaN or infinite"),
        (W * 0.0, "of which some are above 0. Received: zeros only"),
        (np.ones((N, 3)), r"of shape \(N,\), one a sample. Received: shape=\(12, 3\)"),
        (["a"] * N, "numbers as weights of train_data. Received: text, first 'a'; give numbers"),
        (W + 1j, "real numbers as weights"),
        ({"a": W}, r"as one array, .* \('an array'\). Received: \['a'\]"),
        ([W, W], "Received: 'a list of 2'"),
        (1.0, "weights of train_data as an array"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights, message) -> None:
    with pytest.raises(ValueError, match=message):
        found(CLASSES, weights=weights)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"a": W}, r"structure of the targets \(\['a', 'b'\]\). Received: \['a'\]"),
        ([W, W], "Received: 'a list of 2'"),
        ({"a": W, "b": W[:-1]}, "Received: 11 weights"),
        ({"a": W, "b": -W}, "11 negative"),
    ],
)
def test_weights_of_several_outputs_have_their_structure(weights, message) -> None:
    with pytest.raises(ValueError, match=message):
        found(TARGETS, SEVERAL, weights)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({3: 1.0}, "class_weight for classes 0 to 2. Received: class 3"),
        ({-1: 1.0}, "Received: class -1"),
        ({}, "a dict {class: weight}, .* Received: class_weight={}"),
        ("balanced", "Received: class_weight='balanced'"),
        ({"cat": 1.0}, "Received: class 'cat'"),
        ({0.5: 1.0}, "Received: class 0.5"),
        ({0: -1.0}, "finite weights of at least 0 in class_weight. Received: -1.0 for class 0"),
        ({0: float("nan")}, "Received: nan for class 0"),
        ({0: "1"}, "Received: '1' for class 0"),
        ({0: 0, 1: 0, 2: 0}, "output 0, with class_weight, of which some are above 0"),
        ([{0: 1.0}, None], r"as the model has 1 output\(s\)"),
        ({"a": {0: 1.0}}, r"as the model has 1 output\(s\)"),
        ([3.0], "Received: class_weight=3.0"),
    ],
)
def test_weights_of_classes_that_do_not_fit_are_refused(class_weight, message) -> None:
    with pytest.raises(ValueError, match=message):
        found(CLASSES, class_weight=class_weight)


@pytest.mark.parametrize("class_weight", [{0: 1.0}, {"c": {0: 1.0}}, [{0: 1.0}]])
def test_weights_of_classes_say_of_which_output_they_are(class_weight) -> None:
    with pytest.raises(ValueError, match=r"as a dict with a, b of dicts .* has 2 output\(s\)"):
        found(TARGETS, SEVERAL, class_weight=class_weight)


def test_classes_of_two_are_0_and_1() -> None:
    with pytest.raises(ValueError, match=r"for classes 0 to 1\. Received: class 2"):
        found(FLAGS, OF_FLAG, class_weight={1: 1.0, 2: 5.0})


def test_columns_have_the_weights_of_their_outputs() -> None:
    outputs = Outputs((Output(Activation.SOFTMAX, 3), Output(Activation.SIGMOID, 1)))
    columns = weight_columns([W, W + 1.0], outputs)
    np.testing.assert_array_equal(columns[:, :3], np.repeat(W[:, None], 3, axis=1))
    np.testing.assert_array_equal(columns[:, 3:], np.repeat(W[:, None] + 1.0, 2, axis=1))
    assert weight_columns([W], Outputs.of_classes(3)).shape == (N, 1)


def test_an_output_counts_by_the_mean_of_its_classes() -> None:
    labels = np.array([0, 0, 0, 1])
    outputs = Outputs.of_classes(3)
    columns = label_columns("train_data", labels, outputs)
    weights = np.array([1.0, 1.0, 1.0, 9.0], np.float32)
    assert mean_weights([weights], columns, outputs) == (5.0,)
    number = Outputs((Output(Activation.LINEAR, 1),))
    assert mean_weights([weights], labels[:, None], number) == (3.0,)


def test_numbers_of_weight_0_are_not_among_the_quantiles() -> None:
    targets, weights = np.array([1.0, 2.0, 3.0, 999.0]), np.array([2.0, 1.0, 1.0, 0.0])
    quantiles = Output.of_numbers(1, targets, weights).quantiles
    assert (quantiles[0], quantiles[16], quantiles[-1]) == (1.0, 1.0, 3.0)
    assert Output.of_numbers(2, np.stack([targets, targets], 1), weights).quantiles == quantiles


def test_weights_of_a_data_set_outlive_pickling() -> None:
    pair = pickle.loads(pickle.dumps(arrays.load("train_data", (X, CLASSES, W))))
    np.testing.assert_allclose(pair.weights, W, atol=1e-6)
    samples, _ = pair
    assert keras.tree.flatten(samples)[0].shape == X.shape
