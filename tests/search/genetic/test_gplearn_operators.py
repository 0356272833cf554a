"""gplearn's own operators on the project's trees."""

import collections
import dataclasses

import numpy as np
import pytest
from expression_strategies import expressions
from gplearn.genetic import SymbolicRegressor
from hypothesis import given
from hypothesis import strategies as st

from glo_tf.expressions import operations
from glo_tf.expressions.prefix import arity
from glo_tf.expressions.tree import Expression
from glo_tf.search.genetic.gplearn_operators import GplearnOperators, from_gplearn, to_gplearn
from glo_tf.search.spaces.space import SearchSpace, glo_constants, glo_extended

SEEDS = st.integers(0, 2**32 - 1)
METHODS = {
    "p_crossover": "crossover",
    "p_subtree_mutation": "subtree_mutation",
    "p_hoist_mutation": "hoist_mutation",
    "p_point_mutation": "point_mutation",
}
BAIKAL, ERROR = Expression.parse("log(y) - x/y"), Expression.parse("square(x - y)")


def only(method: str | None = None, **arguments) -> GplearnOperators:
    probabilities = {name: float(name == method) for name in METHODS}
    return GplearnOperators(glo_extended(), **{**probabilities, **arguments})


@given(expressions())
def test_conversion_is_exact_and_valid_for_gplearn(tree) -> None:
    assert from_gplearn(to_gplearn(tree.nodes)) == tree.nodes
    program = GplearnOperators(glo_extended()).program(tree)
    assert program.validate_program()
    assert program.length_ == tree.size
    assert program.depth_ == tree.depth


@pytest.mark.parametrize(
    "operation",
    [each for each in operations.registered() if not each.gplearn],
    ids=lambda operation: operation.name,
)
def test_what_gplearn_lacks_it_computes_by_the_node(operation) -> None:
    operands = np.array([[-0.5, 0.4], [1.0, 0.6]])
    tree = Expression((operation.name, "x", "y")[: 1 + operation.arity])
    computed = GplearnOperators(glo_extended()).program(tree).execute(operands)
    expected = operation.value(np, *operands.T[: operation.arity])
    np.testing.assert_array_equal(computed, expected)


def test_names_and_defaults_are_gplearns() -> None:
    theirs = SymbolicRegressor().get_params()
    ours = GplearnOperators.__init__.__kwdefaults__
    assert {name: theirs[name] for name in (*METHODS, "p_point_replace")} == {
        name: value for name, value in ours.items() if name in theirs
    }


@pytest.mark.parametrize("name", METHODS)
def test_each_method_is_gplearns_own(name, monkeypatch) -> None:
    operators, called = only(name), []
    program = type(operators.program(BAIKAL))
    original = getattr(program, METHODS[name])

    def spy(self, *arguments):
        called.append(name)
        return original(self, *arguments)

    monkeypatch.setattr(program, METHODS[name], spy)
    rng = np.random.default_rng(0)
    for _ in range(20):
        parents = iter((BAIKAL, ERROR))
        (child,) = operators.breed(lambda parents=parents: next(parents), rng)
        assert set(child.nodes) <= {*glo_extended().weights}
    assert called == [name] * 20


@given(expressions(), SEEDS)
def test_hoist_mutation_never_grows(tree, seed) -> None:
    (child,) = only("p_hoist_mutation", max_size=2_000).breed(
        lambda: tree, np.random.default_rng(seed)
    )
    assert child.size <= tree.size
    assert not collections.Counter(map(repr, child.nodes)) - collections.Counter(
        map(repr, tree.nodes)
    )


@given(expressions(), SEEDS)
def test_point_mutation_keeps_the_shape(tree, seed) -> None:
    operators = only("p_point_mutation", p_point_replace=1.0)
    (child,) = operators.breed(lambda: tree, np.random.default_rng(seed))
    assert list(map(arity, child.nodes)) == list(map(arity, tree.nodes))


def test_real_constants_are_gplearns() -> None:
    space = dataclasses.replace(glo_constants(), const_range=(5.0, 6.0), const_weight=50.0)
    operators = GplearnOperators(space, p_crossover=0.5, p_subtree_mutation=0.4)
    rng, parent = np.random.default_rng(0), Expression.parse("x*log(0.7*y) - 0.2*x")
    children = [operators.breed(lambda: parent, rng)[0] for _ in range(200)]
    factors = {factor for child in children for factor in child.coefficients}
    assert {1.0, 0.7, 0.2} <= factors
    assert any(5.0 < factor < 6.0 for factor in factors)


@given(expressions(), SEEDS)
def test_reproduction_returns_the_parent(tree, seed) -> None:
    assert list(only().breed(lambda: tree, np.random.default_rng(seed))) == [tree]


def test_children_depend_on_the_generator_alone() -> None:
    def children(seed: int) -> list[Expression]:
        rng, operators = np.random.default_rng(seed), GplearnOperators(glo_extended())
        return [operators.breed(lambda: BAIKAL, rng)[0] for _ in range(50)]

    np.random.seed(0)
    first = children(1)
    np.random.seed(7)
    assert children(1) == first
    assert children(2) != first
    assert len(set(first)) > 5


def test_children_that_are_too_large_are_replaced_by_their_parent() -> None:
    operators = only("p_subtree_mutation", max_size=BAIKAL.size)
    rng = np.random.default_rng(0)
    sizes = {operators.breed(lambda: BAIKAL, rng)[0].size for _ in range(100)}
    assert max(sizes) == BAIKAL.size


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"p_crossover": 1.5}, r"Expected p_crossover in \[0, 1\]"),
        ({"p_point_replace": -0.1}, r"Expected p_point_replace in \[0, 1\]"),
        ({"p_crossover": 0.9, "p_hoist_mutation": 0.2}, "to sum to at most 1"),
        ({"max_size": 0}, "max_size=0"),
    ],
)
def test_bad_arguments_are_refused(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        GplearnOperators(glo_extended(), **arguments)


def test_a_space_without_functions_is_refused() -> None:
    with pytest.raises(ValueError, match=r"with functions\. Received: 'leaves'"):
        GplearnOperators(SearchSpace("leaves", "", {"x": 1.0, "y": 1.0}))
