"""The first generation, with and without a screen."""

from __future__ import annotations

import numpy as np

from glo_tf import genetic
from glo_tf.first_generation import first_generation, loss_of
from glo_tf.outputs import Outputs
from glo_tf.screening import Screen, Verdict
from glo_tf.search_spaces import SearchSpace, glo

OUTPUTS = Outputs.of_classes(10)


def test_without_rejection_it_is_the_initial_population() -> None:
    expected = genetic.initial_population(glo(), 30, np.random.default_rng(0))
    for screen in (None, Screen(OUTPUTS, rejects=False)):
        drawn = first_generation(glo(), 30, np.random.default_rng(0), screen=screen, able=5)
        assert drawn == expected


def test_under_a_screen_enough_can_learn_and_they_train_differently() -> None:
    screen = Screen(OUTPUTS)
    population = first_generation(glo(), 30, np.random.default_rng(0), screen=screen, able=5)
    assert len(population) == 30
    verdicts = screen.examine([loss_of(tree) for tree in population[:5]])
    assert verdicts == 5 * [Verdict()]
    plain = genetic.initial_population(glo(), 30, np.random.default_rng(0))
    assert set(population[5:]) <= set(plain)


def test_a_space_in_which_nothing_learns_ends_the_drawing() -> None:
    space = SearchSpace("sums", "sums only", {"+": 1.0, "x": 1.0, "y": 1.0}, max_initial_depth=1)
    population = first_generation(
        space, 50, np.random.default_rng(0), screen=Screen(OUTPUTS), able=2
    )
    assert len(population) == 50
