"""The paper's operators as properties of trees, and their rates."""

import collections
import dataclasses
import math

import numpy as np
import pytest
from expression_strategies import expressions
from hypothesis import given
from hypothesis import strategies as st

from glo_tf.expressions.constants import parts_of
from glo_tf.expressions.prefix import MAX_DEPTH, arity
from glo_tf.expressions.tree import Expression
from glo_tf.search.genetic.operators import GloOperators, within_limits
from glo_tf.search.spaces.space import SearchSpace, glo_constants, glo_extended

SPACE = glo_extended()
SEEDS = st.integers(0, 2**32)
OFF = {
    "crossover_probability": 0.0,
    "integer_mutation_probability": 0.0,
    "constant_mutation_probability": 0.0,
    "node_mutation_probability": 0.0,
    "shrink_probability": 0.0,
    "grow_probability": 0.0,
}


def only(**probabilities: float) -> GloOperators:
    return GloOperators(SPACE, **{**OFF, **probabilities})


@given(expressions(), expressions(), SEEDS)
def test_crossover_swaps_one_subtree_and_loses_no_node(left, right, seed) -> None:
    children = GloOperators(SPACE).crossover(left, right, np.random.default_rng(seed))
    for child in children:
        Expression(child)  # a whole tree
    before = collections.Counter(map(repr, (*left.nodes, *right.nodes)))
    assert collections.Counter(map(repr, (*children[0], *children[1]))) == before
    # What stands before the swapped subtree stays: the shared prefix reaches to its place.
    swapped = [
        (start, other)
        for start in range(left.size)
        for other in range(right.size)
        if children
        == (
            left.nodes[:start]
            + right.nodes[other : right.subtree_end(other)]
            + left.nodes[left.subtree_end(start) :],
            right.nodes[:other]
            + left.nodes[start : left.subtree_end(start)]
            + right.nodes[right.subtree_end(other) :],
        )
    ]
    assert swapped


@given(expressions(), SEEDS)
def test_without_any_mutation_a_tree_stays(tree, seed) -> None:
    assert only().mutate(tree.nodes, np.random.default_rng(seed)) == tree.nodes


@given(expressions(), SEEDS)
def test_integer_mutation_moves_every_integer_by_one_and_nothing_else(tree, seed) -> None:
    mutant = only(integer_mutation_probability=1.0).mutate(tree.nodes, np.random.default_rng(seed))
    for before, after in zip(tree.nodes, mutant, strict=True):
        if isinstance(before, int):
            assert abs(after - before) == 1
        else:
            assert after == before


FACTORS = st.floats(0.1, 9).filter(lambda factor: factor != 1.0)


@given(expressions(unit=False, coefficients=FACTORS), SEEDS)
def test_constant_mutation_scales_every_constant_and_nothing_else(tree, seed) -> None:
    operators = GloOperators(glo_constants(), **{**OFF, "constant_mutation_probability": 1.0})
    parts = parts_of(tree)
    mutant = operators.mutate(parts, np.random.default_rng(seed))
    for before, after in zip(parts, mutant, strict=True):
        if isinstance(before, float):
            assert abs(after) == pytest.approx(abs(before), rel=2.0**9)
            assert (after != before) == (before != 0.0)
        else:
            assert after == before


@given(expressions(unit=False, coefficients=FACTORS), SEEDS)
def test_without_mutation_factors_are_only_exchanged(tree, seed) -> None:
    operators = GloOperators(glo_constants(), **{**OFF, "crossover_probability": 1.0})
    rng = np.random.default_rng(seed)
    children = operators.breed(lambda: tree, rng)
    whole = dataclasses.replace(glo_constants(), const_range=None)
    assert set(GloOperators(whole, **OFF).breed(lambda: tree, rng)[0].coefficients) == {1.0}
    if all(child is not tree for child in children):
        product = math.prod(part for part in parts_of(tree) if isinstance(part, float))
        parts = [part for child in children for part in parts_of(child)]
        assert math.prod(part for part in parts if isinstance(part, float)) == pytest.approx(
            product**2
        )


@given(expressions(), SEEDS)
def test_node_mutation_keeps_the_shape(tree, seed) -> None:
    mutant = only(node_mutation_probability=1.0).mutate(tree.nodes, np.random.default_rng(seed))
    assert list(map(arity, mutant)) == list(map(arity, tree.nodes))
    assert set(mutant) <= set(SPACE.weights)


@given(expressions(), SEEDS)
def test_shrinking_everything_leaves_one_leaf(tree, seed) -> None:
    mutant = only(shrink_probability=1.0).mutate(tree.nodes, np.random.default_rng(seed))
    assert len(mutant) == 1
    assert mutant == tree.nodes or mutant[0] in SPACE.weights


@given(expressions(), SEEDS)
def test_growing_puts_a_function_in_every_leafs_place(tree, seed) -> None:
    mutant = Expression(only(grow_probability=1.0).mutate(tree.nodes, np.random.default_rng(seed)))
    assert mutant.depth == tree.depth + 1
    functions = [node for node in tree.nodes if arity(node)]
    leaves = tree.size - len(functions)
    assert sum(arity(node) > 0 for node in mutant.nodes) == len(functions) + leaves


@given(st.lists(expressions(), min_size=2, max_size=5), SEEDS)
def test_offspring_are_trees_within_the_size(population, seed) -> None:
    rng = np.random.default_rng(seed)
    largest = max(tree.size for tree in population)
    operators = GloOperators(SPACE, max_size=largest, grow_probability=0.5)
    children = operators.breed(lambda: population[rng.integers(len(population))], rng)
    assert len(children) == 2
    for child in children:
        assert child.size <= largest
        assert set(child.coefficients) == {1.0}


def test_the_default_rates_are_those_of_the_facts() -> None:
    operators, rng = GloOperators(SPACE), np.random.default_rng(0)
    trials = 40_000
    parents = Expression(("y",)), Expression(("x",))
    kinds: collections.Counter[str] = collections.Counter()
    for _ in range(trials):
        mutant = operators.mutate((3,), rng)
        kinds["integer"] += mutant in ((2,), (4,))
        kinds["grown"] += len(mutant) > 1
        kinds["shrunk"] += len(operators.mutate(("sqrt", "y"), rng)) == 1
    # Of the integers that moved, 5% are replaced and 2.5% grow afterwards.
    expected = {"integer": 0.05 * 0.95 * 0.975, "grown": 0.025, "shrunk": 0.025}
    for kind, rate in expected.items():
        deviation = np.sqrt(rate * (1 - rate) / trials)
        assert kinds[kind] / trials == pytest.approx(rate, abs=5 * deviation)
    crossed = 0
    for _ in range(trials // 10):
        pair = iter(parents)
        children = only(crossover_probability=0.8).breed(lambda pair=pair: next(pair), rng)
        crossed += children[0] == parents[1]
    assert crossed / (trials // 10) == pytest.approx(0.8, abs=0.035)


def test_offspring_that_are_too_large_or_too_deep_are_replaced_by_their_parent() -> None:
    parent = Expression(("y",))
    assert within_limits(("log", "x"), parent, 2) == Expression(("log", "x"))
    assert within_limits(("log", "x"), parent, 1) is parent
    deepest = (*("log",) * MAX_DEPTH, "x")
    assert within_limits(deepest, parent, 10_000) == Expression(deepest)
    assert within_limits(("log", *deepest), parent, 10_000) is parent


def test_a_space_without_functions_cannot_grow() -> None:
    space = SearchSpace("leaves", "", {"x": 1.0, "y": 1.0}, max_initial_depth=0)
    operators = GloOperators(space, **{**OFF, "grow_probability": 1.0})
    assert operators.mutate(("x",), np.random.default_rng(0)) == ("x",)


@pytest.mark.parametrize("name", OFF)
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_probability_out_of_range_is_refused(name, value) -> None:
    with pytest.raises(ValueError, match=rf"Expected {name} in \[0, 1\]. Received: {name}={value}"):
        GloOperators(SPACE, **{name: value})


def test_a_max_size_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="max_size=0"):
        GloOperators(SPACE, max_size=0)
