"""Every registered search space, and the wheel that draws by weight."""

import collections
import math

import numpy as np
import pytest

from glo_tf.expressions.prefix import arity
from glo_tf.expressions.tree import Expression
from glo_tf.search.coefficients.parameterization import Parameterization
from glo_tf.search.spaces.space import SearchSpace, glo, glo_extended
from glo_tf.testing import SearchSpaceTestCase, registered

globals().update(registered(SearchSpaceTestCase, "glo_tf"))

LINE = Parameterization.of_coefficients(Expression.parse("x*y"))
PRODUCTS = {"x": 1.0, "y": 1.0, "*": 1.0}


def test_glo_has_the_nodes_and_weights_of_the_facts() -> None:
    space = glo()
    assert set(space.functions) == {"log", "square", "sqrt", "+", "-", "*", "/"}
    assert {node for node in space.weights if not arity(node)} == {"x", "y", 1, -1}
    assert {node for node, weight in space.weights.items() if weight == 3} == {"log", "x", "y"}
    assert space.weights["sqrt"] == 2
    assert space.constants == (1, -1)
    assert space.phases == ("discovery", "coefficients")
    assert space.max_initial_depth == 2


def test_glo_extended_adds_to_the_nodes_of_glo() -> None:
    space = glo_extended()
    added = {"min", "max", "abs", "exp", "tanh", "aq", "plog", "psqrt"}
    assert set(space.weights) == {*glo().weights, *added}
    assert {node: space.weights[node] for node in glo().weights} == glo().weights


def test_nodes_are_drawn_by_weight() -> None:
    space, rng = glo(), np.random.default_rng(0)
    draws = 40_000
    roots = collections.Counter(space.draw_tree(rng)[0] for _ in range(draws))
    total = sum(space.weights.values())
    for node, weight in space.weights.items():
        expected = weight / total
        deviation = np.sqrt(expected * (1 - expected) / draws)
        assert roots[node] / draws == pytest.approx(expected, abs=5 * deviation)


def test_the_wheel_covers_the_whole_interval() -> None:
    space = SearchSpace("small", "", {"x": 1.0, "y": 3.0, "log": 1.0})
    assert [space.draw_leaf(at) for at in (0.0, 0.24, 0.25, 0.5, np.nextafter(1, 0))] == [
        *("x", "x"),
        *("y", "y", "y"),
    ]
    assert space.draw_function(0.99) == "log"
    assert space.draw_same_arity(1, 0.0) == "log"


def test_real_constants_are_drawn_by_weight_and_uniformly() -> None:
    space = SearchSpace("real", "", {"x": 1.0, "y": 1.0, "*": 1.0}, (-1.0, 3.0), 2.0)
    drawn = [space.draw_leaf(at) for at in (0.0, 0.25, 0.5, 0.75, np.nextafter(1, 0))]
    assert drawn[:4] == ["x", "y", -1.0, 1.0]
    assert drawn[4] == pytest.approx(3.0)
    assert space.draw_same_arity(2, 0.9) == "*"
    rng = np.random.default_rng(0)
    trees = [space.draw_tree(rng) for _ in range(2_000)]
    constants = [part for parts in trees for part in parts if isinstance(part, float)]
    leaves = sum(part != "*" for parts in trees for part in parts)
    assert len(constants) / leaves == pytest.approx(0.5, abs=0.05)
    assert np.quantile(constants, [0.25, 0.5, 0.75]) == pytest.approx([0.0, 1.0, 2.0], abs=0.15)


def test_a_space_of_leaves_alone_has_no_function() -> None:
    assert SearchSpace("leaves", "", {"x": 1.0, "y": 1.0}).draw_function(0.5) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": {"x": 1.0, "y": 1.0, "tan": 1.0}}, "Received: 'tan'"),
        ({"weights": {"x": 1.0, "y": 0.0}}, r"weights\['y'\]=0.0"),
        ({"weights": {"x": 1.0, "y": float("nan")}}, r"weights\['y'\]=nan"),
        ({"weights": {"x": 1.0, "log": 1.0}}, "Expected weights for x and y"),
        ({"weights": {"x": 1.0, "y": 1.0}, "max_initial_depth": -1}, "max_initial_depth=-1"),
        (
            {"weights": PRODUCTS, "const_range": (1.0, 1.0)},
            r"the smaller one first\. .*=\(1.0, ",
        ),
        ({"weights": PRODUCTS, "const_range": (0.0, math.inf)}, "two finite numbers"),
        ({"weights": PRODUCTS, "const_range": (0.0,)}, "two finite numbers"),
        ({"weights": PRODUCTS, "const_range": (0, 1), "const_weight": 0.0}, "const_weight=0.0"),
        ({"weights": {"x": 1.0, "y": 1.0}, "const_range": (0, 1)}, r"Expected '\*' among"),
        ({"weights": {"x": 1.0, "y": 1.0}, "phases": ()}, r"phases=\(\)"),
        ({"weights": {"x": 1.0, "y": 1.0}, "phases": ("comparison",)}, "phases=.*comparison"),
        ({"weights": {}, "phases": ("coefficients",)}, "Expected a parameterization where .*=None"),
        ({"weights": {"x": 1.0, "y": 1.0}, "parameterization": LINE}, "and only there. Received"),
        (
            {"weights": {"x": 1.0}, "phases": ("coefficients",), "parameterization": LINE},
            r"Expected no weights without a discovery phase. Received: \['x'\]",
        ),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        SearchSpace("bad", "", **arguments)
