"""A search leaves the generators of random numbers as a user had them."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
import three_classes
from processes import python
from tensorflow.python.eager import context
from three_classes import CLEAR, LABELS

import glo_tf
from glo_tf import LossSearch
from glo_tf.utils.seeding import seeded

DATA = (CLEAR, LABELS)


def build_model() -> keras.Model:
    return three_classes.build_model(keras.layers.Dropout(0.1))


def draws() -> list[float]:
    """One number of each generator."""
    return [
        random.random(),
        float(np.random.rand()),
        float(tf.random.uniform([])),
        float(tf.function(lambda: tf.random.uniform([]))()),
        float(keras.random.uniform([])),
        float(keras.initializers.RandomUniform()([1])[0]),
    ]


def search_and_compare() -> None:
    settings = {"train_steps": 4, "batch_size": 20, "optimizer": "adam"}
    LossSearch(
        build_model,
        DATA,
        DATA,
        population_size=6,
        elites=1,
        generations=1,
        coefficient_generations=1,
        finalists=1,
        comparison_seeds=1,
        **settings,
    ).run()
    glo_tf.compare(build_model, DATA, DATA, DATA, ["x*y"], seeds=2, **settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    "set_seed",
    [
        lambda: keras.utils.set_random_seed(5),
        lambda: [seed(5) for seed in (keras.utils.set_random_seed, tf.random.set_seed)],
        lambda: [seed(5) for seed in (keras.utils.set_random_seed, random.seed, np.random.seed)],
    ],
)
def test_seeded_generators_go_on_after_a_search(set_seed) -> None:
    set_seed()
    expected = [draws(), draws()]
    set_seed()
    before = draws()
    search_and_compare()
    assert [before, draws()] == expected


def test_the_block_itself_is_seeded_whatever_the_user_did() -> None:
    inside = []
    for seed in (1, 2, None):
        if seed is not None:
            keras.utils.set_random_seed(seed)
        with seeded(7):
            inside.append(draws())
            with seeded(8):
                draws()
            inside.append(draws())
    assert inside[:2] == inside[2:4] == inside[4:]
    assert inside[0] != inside[1]


def test_the_generators_are_given_back_after_an_error() -> None:
    keras.utils.set_random_seed(5)
    expected = draws()
    keras.utils.set_random_seed(5)
    with pytest.raises(ZeroDivisionError), seeded(1):
        draws()[0] / 0
    assert draws() == expected


def test_operations_with_a_seed_of_their_own_begin_anew_in_each_block() -> None:
    tf.random.set_seed(7)
    tf.random.uniform([], seed=3)  # by the kernel that the block takes
    drawn = []
    for _ in range(2):
        with seeded(7):
            drawn.append([float(tf.random.uniform([], seed=3)) for _ in range(2)])
    assert drawn[0] == drawn[1]
    assert drawn[0][0] != drawn[0][1]


def test_compiled_functions_are_kept_where_nothing_draws_from_tensorflow(monkeypatch) -> None:
    current = context.context()
    cleared = []
    monkeypatch.setattr(current, "clear_kernel_cache", lambda: cleared.append(True))
    with seeded(1):
        build_model()(CLEAR[:1])
    assert cleared == []
    with seeded(1):
        tf.random.uniform([])
        tf.random.uniform([])
    assert cleared == [True]


UNSEEDED = """
import keras, tensorflow as tf
from glo_tf.utils.seeding import seeded
with seeded(1):
    keras.layers.Dense(2).build((3,))
    tf.random.uniform([])
print(float(tf.random.uniform([])), float(keras.random.uniform([])))
"""


@pytest.mark.slow
def test_random_numbers_without_a_seed_stay_random() -> None:
    done = [python("-c", UNSEEDED) for _ in range(2)]
    assert [one.returncode for one in done] == [0, 0], done[0].stderr
    first, second = (one.stdout.split() for one in done)
    assert len(first) == 2
    assert all(one != other for one, other in zip(first, second, strict=True))
