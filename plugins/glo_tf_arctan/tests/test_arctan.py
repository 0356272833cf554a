import glo_tf_arctan
import numpy as np

from glo_tf.leaves import Surroundings
from glo_tf.nodes import Dual

A, STEP = np.linspace(-3.0, 3.0, 13), 1e-6


def test_value_and_slope_are_those_of_the_arc_tangent() -> None:
    value, slope = glo_tf_arctan.ARCTAN.dual(np, Dual(A, 2.0, True))
    np.testing.assert_allclose(np.tan(value), A, atol=1e-12)
    difference = (np.arctan(A + STEP) - np.arctan(A - STEP)) / (2 * STEP)
    np.testing.assert_allclose(slope, 2 * difference, rtol=1e-8)


def test_the_leaf_is_made_of_the_frequency() -> None:
    assert glo_tf_arctan.RARITY.value(Surroundings(frequencies=0.25)) == 2.0


def test_the_search_space_names_the_node() -> None:
    assert "arctan" in glo_tf_arctan.glo_arctan().functions
