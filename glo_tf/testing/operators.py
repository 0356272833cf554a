"""What all genetic operators have to do."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from glo_tf.expressions.constants import expression_of
from glo_tf.expressions.prefix import MAX_NODES
from glo_tf.expressions.tree import Expression
from glo_tf.plugins.options import OptionValue
from glo_tf.results.record import Phase
from glo_tf.search.spaces.space import SearchSpace, glo, glo_extended
from glo_tf.testing.plugin import PluginTestCase
from glo_tf.testing.small_task import small_search

if TYPE_CHECKING:
    from glo_tf.search.genetic.evolution import Operators

_GENERATIONS, _POPULATION = 20, 100


class OperatorsTestCase(PluginTestCase):
    """Tests of registered genetic operators.

    Attributes:
        largest: Nodes that no offspring of smaller parents has more of; see `max_size` of
            `glo_tf.operators.GloOperators`.
    """

    group = "glo_tf.operators"
    largest: ClassVar[int] = 64

    def operators(self, space: SearchSpace, options: Mapping[str, OptionValue]) -> Operators:
        """The operators of a search space."""
        operators: Operators = self.load()(space, **options)
        return operators

    @pytest.mark.parametrize("space", [glo(), glo_extended()], ids=lambda space: space.name)
    def test_offspring_are_trees_of_the_space(
        self, space: SearchSpace, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """But for integers, which mutations may count up and down; coefficients come later."""
        for _, children in _broods(self.operators(space, plugin_options), space, seed=0):
            assert children
            for child in children:
                assert isinstance(child, Expression)
                assert set(child.coefficients) == {1.0}
                assert Expression.parse(str(child)) == child
                assert {node for node in child.nodes if isinstance(node, str)} <= set(space.weights)

    @pytest.mark.parametrize("space", [glo(), glo_extended()], ids=lambda space: space.name)
    def test_trees_do_not_grow_beyond_bounds(
        self, space: SearchSpace, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """The largest of each generation become the parents of the next one."""
        largest = min(self.largest, MAX_NODES)
        operators = self.operators(space, plugin_options)
        broods = _broods(operators, space, seed=1, largest_breed=True)
        for parents, children in broods:
            bound = max(largest, *(parent.size for parent in parents))
            assert max(child.size for child in children) <= bound

    def test_offspring_differ_from_their_parents(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """Else nothing new would ever be tried."""
        space = glo()
        broods = _broods(self.operators(space, plugin_options), space, seed=2)
        assert any(child not in parents for parents, children in broods for child in children)

    def test_a_seed_decides_all(self, plugin_options: Mapping[str, OptionValue]) -> None:
        """A search that is resumed breeds the same trees; nothing else is a source of chance."""
        space, found = glo(), []
        for seed in (0, 1):
            random.seed(seed)
            np.random.seed(seed)
            operators = self.operators(space, plugin_options)
            found.append([children for _, children in _broods(operators, space, seed=3)])
        assert found[0] == found[1]
        other = _broods(self.operators(space, plugin_options), space, seed=4)
        assert found[0] != [children for _, children in other]

    def test_a_small_search_runs(self, plugin_options: Mapping[str, OptionValue]) -> None:
        """Two generations of ten, twice, with the same candidates."""
        results = [small_search(operators=self.operators(glo(), plugin_options)) for _ in range(2)]
        assert [record.phase for record in results[0].records] == 20 * [Phase.DISCOVERY]
        assert results[0].records == results[1].records


def _broods(
    operators: Operators, space: SearchSpace, *, seed: int, largest_breed: bool = False
) -> Iterator[tuple[list[Expression], list[Expression]]]:
    """The parents that were drawn, and their children, of several generations.

    Args:
        operators: What breeds.
        space: Of the first generation.
        seed: Of all chance.
        largest_breed: Whether the larger half of a generation become parents, rather than all.
    """
    rng = np.random.default_rng(seed)
    trees = [expression_of(space.draw_tree(rng)) for _ in range(_POPULATION)]
    for _ in range(_GENERATIONS):
        drawn: list[Expression] = []
        offspring: list[Expression] = []
        select = functools.partial(_select, trees, drawn, rng)
        while len(offspring) < _POPULATION:
            drawn.clear()
            children = list(operators.breed(select, rng))
            yield list(drawn), children
            offspring += children
        by_size = sorted(offspring, key=lambda tree: -tree.size)
        trees = by_size[: _POPULATION // 2] if largest_breed else offspring


def _select(
    trees: list[Expression], drawn: list[Expression], rng: np.random.Generator
) -> Expression:
    drawn.append(trees[rng.integers(len(trees))])
    return drawn[-1]
