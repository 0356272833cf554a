"""Only training data are damaged; what is tested was seen by nothing that chooses."""

import numpy as np
import pytest

from benchmarks.suite.data_sets import MissingDataError, Table, _folder, _keel
from benchmarks.suite.draws import Damage, Sizes, drawn

CLASSES = 5
_LABELS = np.random.default_rng(0).integers(0, CLASSES, 1500).astype(np.int32)
# The feature of a sample is its number.
TABLE = Table(np.arange(1500, dtype=np.float32)[:, None], _LABELS, images=True)
SIZES = Sizes(train=500, validation=200, test=300)
PARTS = ("train", "validation", "test")


def numbers(part) -> np.ndarray:
    return part[0][:, 0].astype(int)


@pytest.mark.parametrize(
    ("damage", "share", "step"),
    [
        (Damage(symmetric=0.4), 0.4, None),
        (Damage(symmetric=0.6), 0.6, None),
        (Damage(asymmetric=0.4), 0.4, 1),
        (Damage(), 0.0, None),
    ],
)
def test_so_many_training_labels_are_wrong_and_no_others(damage, share, step) -> None:
    draw = drawn(TABLE, damage, 3, SIZES)
    x, y = draw.train
    shifts = (y - _LABELS[numbers((x, y))]) % CLASSES
    assert (shifts != 0).sum() == round(share * len(y))
    wrong = shifts[shifts != 0]
    assert set(wrong) == (set(range(1, CLASSES)) if step is None else {step}) or not share
    for part in (draw.validation, draw.test):
        assert (part[1] == _LABELS[numbers(part)]).all()


def test_parts_share_no_sample_and_no_draw_sees_what_another_is_tested_on() -> None:
    draws = [drawn(TABLE, Damage(symmetric=0.4), seed, SIZES) for seed in range(6)]
    tested = set().union(*(numbers(draw.test) for draw in draws))
    for draw in draws:
        train, validation = set(numbers(draw.train)), set(numbers(draw.validation))
        assert not train & validation
        assert not (train | validation) & tested
        assert len(numbers(draw.test)) == len(set(numbers(draw.test)))


def test_a_draw_is_its_seed() -> None:
    one, same, other = (drawn(TABLE, Damage(tail=20.0), seed, SIZES) for seed in (1, 1, 2))
    for part in PARTS:
        x, y = getattr(one, part)
        assert np.array_equal(x, getattr(same, part)[0])
        assert np.array_equal(y, getattr(same, part)[1])
        assert len(y) == len(getattr(other, part)[1])
        assert set(numbers((x, y))) != set(numbers(getattr(other, part)))


@pytest.mark.parametrize("ratio", [20.0, 100.0])
def test_a_tail_falls_by_its_ratio_over_classes_in_random_order(ratio) -> None:
    rarest = set()
    for seed in range(8):
        draw = drawn(TABLE, Damage(tail=ratio), seed, Sizes(train=10_000))
        counts = np.bincount(draw.train[1], minlength=CLASSES)
        falling = np.sort(counts)[::-1]
        expected = falling[0] * ratio ** (-np.arange(CLASSES) / (CLASSES - 1))
        assert np.abs(falling - np.maximum(expected, 1)).max() <= 0.51
        rarest.add(int(counts.argmin()))
        whole = np.bincount(draw.validation[1], minlength=CLASSES)
        assert whole.max() < 1.5 * whole.min()
    assert len(rarest) > 1


def test_few_samples_are_few_and_of_all_classes() -> None:
    draw = drawn(TABLE, Damage(samples=50), 0, SIZES)
    assert abs(len(draw.train[1]) - 50) <= CLASSES
    assert set(draw.train[1]) == set(range(CLASSES))


def test_numbers_and_features_are_standardised_by_the_training_data() -> None:
    rng = np.random.default_rng(0)
    table = Table(
        rng.normal(50.0, 7.0, (900, 3)).astype(np.float32), rng.normal(9.0, 3.0, 900).astype("f")
    )
    draw = drawn(table, Damage(), 0, SIZES)
    for values in draw.train:
        np.testing.assert_allclose(values.mean(axis=0), 0.0, atol=1e-5)
        np.testing.assert_allclose(values.std(axis=0), 1.0, atol=1e-5)
    assert abs(draw.test[1].mean()) > 1e-6
    assert draw.classes == 0


def test_keels_format_is_read() -> None:
    text = "@relation r\n@data\n1.5, red, b\n-2, blue, a\n\n3,red,b\n7,red,c\n"
    table = _keel(text, rarest=2)
    assert table.x.tolist() == [[1.5, 1.0], [3.0, 1.0]]
    assert table.y.tolist() == [0, 0]
    assert _keel(text).x.tolist()[1] == [-2.0, 1.0, 0.0]
    assert _keel(text).y.tolist() == [1, 0, 1, 2]
    assert _keel(text, positive="a").y.tolist() == [0, 1, 0, 0]


def test_a_package_that_is_absent_is_named_with_what_installs_it() -> None:
    with pytest.raises(MissingDataError, match=r"no_such_data .python -m pip install it."):
        _folder("no_such_data", "python -m pip install it")
