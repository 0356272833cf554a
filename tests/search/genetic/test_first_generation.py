"""The first generation, with and without a screen."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from expression_strategies import expressions
from hypothesis import given
from hypothesis import strategies as st

from glo_tf.data.outputs import Output, Outputs
from glo_tf.expressions.leaves import Surroundings
from glo_tf.expressions.program import Program
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of
from glo_tf.screening.screen import Screen, Verdict
from glo_tf.search.ask_tell import loss_of
from glo_tf.search.genetic import evolution
from glo_tf.search.genetic.first_generation import (
    evolvable,
    first_generation,
    initial_trees,
    known_trees,
)
from glo_tf.search.spaces.space import (
    SearchSpace,
    glo,
    glo_annealed,
    glo_constants,
    glo_extended,
    glo_long_tail,
)
from glo_tf.training.candidate import Candidate

OUTPUTS = Outputs.of_classes(10)


def test_without_rejection_it_is_the_initial_population() -> None:
    expected = evolution.initial_population(glo(), 30, np.random.default_rng(0))
    for screen in (None, Screen(OUTPUTS, rejects=False)):
        drawn = first_generation(glo(), 30, np.random.default_rng(0), screen=screen, able=5)
        assert drawn == expected


def test_under_a_screen_enough_can_learn_and_they_train_differently() -> None:
    screen = Screen(OUTPUTS)
    population = first_generation(glo(), 30, np.random.default_rng(0), screen=screen, able=5)
    assert len(population) == 30
    verdicts = screen.examine([Candidate(loss_of(tree.canonical())) for tree in population[:5]])
    assert verdicts == 5 * [Verdict()]
    plain = evolution.initial_population(glo(), 30, np.random.default_rng(0))
    assert set(population[5:]) <= set(plain)


def test_a_space_in_which_nothing_learns_ends_the_drawing() -> None:
    space = SearchSpace("sums", "sums only", {"+": 1.0, "x": 1.0, "y": 1.0}, max_initial_depth=1)
    population = first_generation(
        space, 50, np.random.default_rng(0), screen=Screen(OUTPUTS), able=2
    )
    assert len(population) == 50


SIGNS = st.sampled_from([1.0, -1.0])


@given(expressions(unit=False, coefficients=SIGNS, max_leaves=6))
def test_the_tree_of_a_loss_has_no_coefficients_and_is_trained_as_that_loss(loss) -> None:
    tree = evolvable(loss)
    assert set(tree.coefficients) == {1.0}
    rng = np.random.default_rng(0)
    x, y = np.eye(4, dtype=np.float32), rng.uniform(1e-7, 1.0, (4, 4)).astype(np.float32)
    expected, found = (
        Program.of(each).run(x, y) for each in (loss.canonical(), loss_of(tree.canonical()))
    )
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)  # NaN for NaN
    with np.errstate(all="ignore"):
        values = [
            value_of(each, x, y, ops=np) for each in (loss.canonical(), loss_of(tree.canonical()))
        ]
    np.testing.assert_array_equal(*values)


@given(expressions())
def test_a_loss_that_begins_with_a_minus_sign_is_evolved_without_it(tree) -> None:
    assert evolvable(tree.negated()) == tree


def test_initial_trees_are_distinct_and_of_the_search_space() -> None:
    texts = ["-(x*log(y))", "-(log(y)*x)", "-(7*x - y)"]
    trees = initial_trees([Expression.parse(text) for text in texts], glo())
    assert [str(tree) for tree in trees] == ["x*log(y)", "7*x - y"]
    bare = SearchSpace("bare", "no integers", {"+": 1.0, "x": 1.0, "y": 1.0})
    assert initial_trees([Expression.parse("-(x + y)")], bare) == [Expression.parse("x + y")]
    for text, absent in (("x + y", "[*], -1; a minus sign"), ("-(x + y + 2)", "2$")):
        with pytest.raises(ValueError, match=f"search space 'bare'. Received: .*, with {absent}"):
            initial_trees([Expression.parse(text)], bare)
    assert initial_trees([Expression.parse("-(x*tanh(y))")], glo_extended())
    loss = Expression.parse("-(x*log(0.5*y) + 3*x)")
    with pytest.raises(ValueError, match=r"without real constants: .* such as glo_constants"):
        initial_trees([loss], glo())
    assert initial_trees([loss], glo_constants()) == [loss.negated()]


NUMBER, X_AND_Y = Outputs((Output("linear", 1),)), np.array([[0.5, 3.0], [1.5, -1.0]])


@pytest.mark.parametrize(("space", "count"), [(glo(), 3), (glo_extended(), 5)])
def test_spaces_begin_with_the_known_losses_of_numbers_that_they_can_express(space, count) -> None:
    trees = known_trees(NUMBER, space)
    assert len(trees) == count
    assert not known_trees(OUTPUTS, space)
    error = X_AND_Y[0] - X_AND_Y[1]
    squared = value_of(loss_of(trees[0]), *X_AND_Y, ops=np)
    np.testing.assert_allclose(squared, np.square(error))
    values = [value_of(loss_of(tree), *X_AND_Y, ops=np) for tree in trees]
    huber = np.where(np.abs(error) < 1.0, np.square(error), 2.0 * np.abs(error) - 1.0)
    assert any(np.allclose(value, huber) for value in values) == (count == 5)


def test_losses_that_see_the_progress_begin_by_fading_from_labels_to_predictions() -> None:
    classes = Outputs.of_classes(4)
    trees = known_trees(classes, glo_annealed())
    assert len(trees) == 3
    assert not known_trees(NUMBER, dataclasses.replace(glo_annealed(), begins_with=()))
    verdicts = Screen(classes).examine([Candidate(loss_of(tree)) for tree in trees])
    assert verdicts == [Verdict()] * 3
    x, y = np.eye(4), np.full((4, 4), 0.25)
    for tree in trees:
        first, last = (
            value_of(loss_of(tree), x, y, ops=np, surroundings=Surroundings(progress=t))
            for t in (0.0, 1.0)
        )
        assert np.ptp(first) > 0.0  # of the label
        np.testing.assert_allclose(last, -0.25 * np.log(0.25))  # of the prediction alone


def test_losses_that_see_frequencies_begin_with_weights_and_a_share_of_all_classes_alike() -> None:
    classes = Outputs.of_classes(4).with_frequencies([8.0, 4.0, 2.0, 2.0])
    (tree,) = known_trees(classes, glo_long_tail())
    assert Screen(classes).examine([Candidate(loss_of(tree))]) == [Verdict()]
    n, x, y = np.array([0.5, 0.25, 0.125, 0.125]), np.eye(4), np.full((4, 4), 0.25)
    found = value_of(loss_of(tree), x, y, ops=np, surroundings=Surroundings(frequencies=n))
    np.testing.assert_allclose(found, -np.log(0.25) * (1.0 + x / n))


def test_a_space_says_what_it_begins_with() -> None:
    space = dataclasses.replace(glo(), begins_with=("square(y - x)",))
    assert [str(loss_of(tree)) for tree in known_trees(NUMBER, space)] == ["-((-1)*square(y - x))"]
    with pytest.raises(ValueError, match="absent"):
        known_trees(NUMBER, dataclasses.replace(glo(), begins_with=("absent(x - y)",)))


def test_initial_trees_come_first_whether_they_can_learn_or_not() -> None:
    given = [Expression.parse("x*log(y)"), Expression.parse("-1*x*y"), Expression.parse("x + y")]
    for screen in (None, Screen(OUTPUTS)):
        population = first_generation(
            glo(), 30, np.random.default_rng(0), initial=given, screen=screen, able=5
        )
        assert population[:3] == given
        assert len(population) == 30
    verdicts = Screen(OUTPUTS).examine(
        [Candidate(loss_of(tree.canonical())) for tree in population[:7] if tree.has_x_and_y]
    )
    assert verdicts.count(Verdict()) >= 5
    filled = first_generation(glo(), 3, np.random.default_rng(0), initial=given)
    assert filled == given
