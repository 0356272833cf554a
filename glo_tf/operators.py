"""Genetic operators: the paper's."""

from glo_tf.search.genetic.operators import GloOperators

__all__ = ["GloOperators"]
