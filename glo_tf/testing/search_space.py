"""What every search space has to be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from glo_tf.expressions.constants import expression_of
from glo_tf.expressions.tree import Expression
from glo_tf.plugins.options import OptionValue
from glo_tf.results.record import Phase
from glo_tf.search.ask_tell import loss_of
from glo_tf.search.genetic.operators import GloOperators
from glo_tf.search.spaces.space import SearchSpace
from glo_tf.testing.plugin import PluginTestCase
from glo_tf.testing.small_task import small_search

_TREES = 1_000


class SearchSpaceTestCase(PluginTestCase):
    """Tests of a registered search space."""

    group = "glo_tf.search_spaces"

    def space(self, options: Mapping[str, OptionValue]) -> SearchSpace:
        """The search space."""
        space: SearchSpace = self.load()(**options)
        return space

    def test_it_is_a_search_space_with_its_name(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """`SearchSpace` itself checks nodes, weights and phases."""
        space = self.space(plugin_options)
        assert isinstance(space, SearchSpace)
        assert space.name == self.name
        assert space.description

    def test_its_trees_are_made_of_its_nodes_within_its_depth(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """Or of those of its parameterization; some have x and y, without which no loss trains."""
        space = self.space(plugin_options)
        trees = _trees(space)
        if space.parameterization is None:
            assert {node for tree in trees for node in tree.nodes} <= set(space.weights)
            assert max(tree.depth for tree in trees) <= space.max_initial_depth
        else:
            assert len({tree.nodes for tree in trees}) == 1
        assert any(tree.has_x_and_y for tree in trees)

    def test_a_tree_is_what_its_text_says(self, plugin_options: Mapping[str, OptionValue]) -> None:
        """Losses are kept as text."""
        for tree in _trees(self.space(plugin_options)):
            assert Expression.parse(str(tree)) == tree

    def test_the_operators_stay_in_the_space(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """But for integers, which mutations count up and down."""
        from glo_tf.search.genetic.gplearn_operators import GplearnOperators

        space = self.space(plugin_options)
        if not space.has_discovery:
            pytest.skip("the space has no discovery phase")
        rng, trees = np.random.default_rng(1), _trees(space)
        preferred = () if space.operators is None else (space.operators(space),)
        for operators in (GloOperators(space), GplearnOperators(space), *preferred):
            for _ in range(_TREES):
                for child in operators.breed(lambda: trees[rng.integers(_TREES)], rng):
                    named = {node for node in child.nodes if isinstance(node, str)}
                    assert named <= set(space.weights)

    def test_its_invariant_holds_for_some_losses(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """Or nothing would be trained."""
        space = self.space(plugin_options)
        if space.invariant is None:
            pytest.skip("the space has no invariant")
        losses = [loss_of(tree) for tree in _trees(space) if tree.has_x_and_y]
        for num_classes in (2, 10):
            assert any(space.invariant(loss, num_classes) for loss in losses)

    def test_a_small_search_runs(self, plugin_options: Mapping[str, OptionValue]) -> None:
        """Two generations of ten, of discovery or else of CMA-ES."""
        space = self.space(plugin_options)
        result = small_search(
            search_space=space, coefficient_generations=2, coefficient_population_size=10
        )
        phase = Phase.DISCOVERY if space.has_discovery else Phase.COEFFICIENTS
        assert [record.phase for record in result.records] == 20 * [phase]
        assert not result.interrupted


def _trees(space: SearchSpace) -> list[Expression]:
    """Random ones, of whichever kind the space has."""
    rng = np.random.default_rng(0)
    if space.parameterization is None:
        return [expression_of(space.draw_tree(rng)) for _ in range(_TREES)]
    start, expression = space.parameterization.start, space.parameterization.expression
    vectors = rng.normal(start, space.coefficient_sigma0, (_TREES, len(start)))
    return [expression(vector) for vector in vectors.tolist()]
