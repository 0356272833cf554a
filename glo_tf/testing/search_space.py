"""What every search space has to be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from glo_tf.expression import Expression
from glo_tf.operators import GloOperators
from glo_tf.plugin_options import OptionValue
from glo_tf.search_spaces import SearchSpace
from glo_tf.testing.plugin import PluginTestCase
from glo_tf.testing.small_task import TRAIN_STEPS, small_data

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
        """`SearchSpace` itself checks nodes and weights."""
        space = self.space(plugin_options)
        assert isinstance(space, SearchSpace)
        assert space.name == self.name
        assert space.description

    def test_its_trees_are_made_of_its_nodes_within_its_depth(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """Some of them have x and y, without which no loss trains."""
        space = self.space(plugin_options)
        trees = _trees(space)
        assert {node for tree in trees for node in tree.nodes} <= set(space.weights)
        assert max(tree.depth for tree in trees) <= space.max_initial_depth
        assert any(tree.has_x_and_y for tree in trees)

    def test_a_tree_is_what_its_text_says(self, plugin_options: Mapping[str, OptionValue]) -> None:
        """Losses are kept as text."""
        for tree in _trees(self.space(plugin_options)):
            assert Expression.parse(str(tree)) == tree

    def test_the_operators_stay_in_the_space(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """But for integers, which mutations count up and down."""
        from glo_tf.gplearn_operators import GplearnOperators

        space = self.space(plugin_options)
        rng, trees = np.random.default_rng(1), _trees(space)
        for operators in (GloOperators(space), GplearnOperators(space)):
            for _ in range(_TREES):
                for child in operators.breed(lambda: trees[rng.integers(_TREES)], rng):
                    named = {node for node in child.nodes if isinstance(node, str)}
                    assert named <= set(space.weights)

    def test_a_small_search_runs(self, plugin_options: Mapping[str, OptionValue]) -> None:
        """Two generations of ten."""
        from glo_tf.architectures import NamedArchitecture
        from glo_tf.search import LossSearch

        shape, classes = (4, 4, 1), 3
        result = LossSearch(
            NamedArchitecture("mlp", shape, classes),
            small_data(shape, classes, 64, seed=1),
            small_data(shape, classes, 64, seed=2),
            search_space=self.space(plugin_options),
            train_steps=TRAIN_STEPS,
            batch_size=16,
            population_size=10,
            elites=2,
            generations=2,
            coefficient_expressions=0,
            finalists=0,
            comparison_seeds=0,
            strategy="local",
        ).run()
        assert len(result.history) == 20
        assert not result.interrupted


def _trees(space: SearchSpace) -> list[Expression]:
    rng = np.random.default_rng(0)
    return [Expression(space.draw_tree(rng)) for _ in range(_TREES)]
