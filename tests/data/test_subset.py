"""Parts of training data: as large as asked for, classes alike, the same each time."""

import numpy as np
import pytest

from glo_tf.data.arrays import Weighted
from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.data.subset import take_fraction

CLASSES = np.repeat(np.arange(4), [400, 200, 100, 100])
SAMPLES = {"a": np.arange(800), "b": np.arange(800) * 2.0}


FOUR = Outputs.of_classes(4)


def take(fraction, batch_size=10, seed=0, outputs=FOUR, data=(SAMPLES, CLASSES)):
    return take_fraction(
        data,
        fraction,
        labels=np.eye(4)[CLASSES],
        outputs=outputs,
        batch_size=batch_size,
        seed=seed,
    )


def test_the_classes_keep_their_shares() -> None:
    samples, classes = take(0.1)
    assert np.bincount(classes).tolist() == [40, 20, 10, 10]
    assert (CLASSES[samples["a"]] == classes).all()
    assert (samples["b"] == 2 * samples["a"]).all()
    assert len(set(samples["a"])) == 80


def test_the_seed_decides_and_all_is_left_as_it_is() -> None:
    first, again, other = take(0.5), take(0.5), take(0.5, seed=1)
    np.testing.assert_array_equal(first[0]["a"], again[0]["a"])
    assert set(first[0]["a"]) != set(other[0]["a"])
    assert take(1.0)[0] is SAMPLES


def test_numbers_are_drawn_without_regard_to_classes() -> None:
    samples, _ = take(0.1, outputs=Outputs((Output(Activation.LINEAR, 4),)))
    assert len(set(samples["a"])) == 80


@pytest.mark.parametrize(
    ("fraction", "batch_size", "message"),
    [
        (0.0, 10, r"train_fraction in \(0, 1\]\. Received: train_fraction=0.0"),
        (1.5, 10, r"train_fraction in \(0, 1\]"),
        (0.1, 100, r"a batch of 100 of the 800 .*train_fraction=0.1, which leaves 80"),
        (0.0025, 2, r"samples of each class .* Received: train_fraction=0.0025"),
    ],
)
def test_too_little_is_refused(fraction, batch_size, message) -> None:
    with pytest.raises(ValueError, match=message):
        take(fraction, batch_size)


def test_weights_stay_with_their_samples() -> None:
    data = Weighted(SAMPLES, CLASSES, {"b": np.arange(800) * 3.0})
    part = take(0.1, data=data)
    assert (part.weights["b"] == 3 * part.samples["a"]).all()
    assert take(1.0, data=data) is data
