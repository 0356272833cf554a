"""Initial population, roulette selection and replacement."""

import subprocess
import sys

import numpy as np
import pytest
from expression_strategies import expressions
from hypothesis import given
from hypothesis import strategies as st

from glo_tf.expressions.tree import Expression
from glo_tf.search.genetic.evolution import (
    best_distinct,
    initial_population,
    next_generation,
    roulette,
)
from glo_tf.search.genetic.gplearn_operators import GplearnOperators
from glo_tf.search.genetic.operators import GloOperators
from glo_tf.search.spaces.space import glo

FITNESSES = st.floats(0, 1)
POPULATIONS = st.lists(st.tuples(expressions(), FITNESSES), min_size=4, max_size=20)
OPERATORS = [GloOperators(glo()), GplearnOperators(glo())]


def test_the_initial_population_is_random_and_given_by_its_generator() -> None:
    first, same, other = (
        initial_population(glo(), 200, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert first == same
    assert first != other
    assert len(first) == 200
    assert len(set(first)) > 30


@given(st.lists(FITNESSES, min_size=1))
def test_the_wheel_has_a_part_for_each_in_proportion(fitnesses) -> None:
    parts = np.diff(roulette(fitnesses), prepend=0.0)
    total = sum(fitnesses)
    expected = np.divide(fitnesses, total) if total else np.full(len(parts), 1 / len(parts))
    np.testing.assert_allclose(parts, expected, atol=1e-12)


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")])
def test_fitnesses_that_are_no_share_of_a_wheel_are_refused(bad) -> None:
    with pytest.raises(ValueError, match="Expected non-negative finite fitnesses"):
        roulette([0.5, bad])


@pytest.mark.slow
@pytest.mark.parametrize("operators", OPERATORS, ids=lambda operators: type(operators).__name__)
@given(scored=POPULATIONS, elites=st.integers(0, 3), seed=st.integers(0, 2**32))
def test_a_generation_keeps_its_size_and_its_elites(operators, scored, elites, seed) -> None:
    population, fitnesses = zip(*scored, strict=True)
    generations = [
        next_generation(
            population, fitnesses, operators, elites=elites, rng=np.random.default_rng(seed)
        )
        for _ in range(2)
    ]
    assert generations[0] == generations[1]
    assert len(generations[0]) == len(population)
    kept = best_distinct(population, fitnesses, elites)
    assert generations[0][: len(kept)] == kept
    if elites:
        assert (kept[0], max(fitnesses)) in scored


@given(POPULATIONS, st.integers(0, 6))
def test_the_best_are_distinct_up_to_operand_order(scored, count) -> None:
    population, fitnesses = zip(*scored, strict=True)
    best = best_distinct(population, fitnesses, count)
    canonical = [tree.canonical() for tree in best]
    assert len(canonical) == len(set(canonical))
    assert len(best) == min(count, len({tree.canonical() for tree in population}))


def test_of_equally_fit_ones_the_smaller_wins() -> None:
    small, large = Expression(("y",)), Expression(("log", "y"))
    assert best_distinct([large, small], [0.5, 0.5], 1) == [small]


def test_a_parent_of_no_fitness_is_not_selected() -> None:
    population = [Expression(("x",)), Expression(("y",)), Expression((1,))]
    operators = GloOperators(
        glo(),
        crossover_probability=0.0,
        integer_mutation_probability=0.0,
        node_mutation_probability=0.0,
        shrink_probability=0.0,
        grow_probability=0.0,
    )
    rng = np.random.default_rng(0)
    following = next_generation(population, [0.0, 0.5, 0.0], operators, elites=0, rng=rng)
    assert following == [population[1]] * 3


def test_genetic_needs_no_tensorflow() -> None:
    code = (
        "import sys, glo_tf.search.genetic.evolution, glo_tf.operators; "
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
