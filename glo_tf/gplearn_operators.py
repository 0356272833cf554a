"""Genetic operators: gplearn's."""

from glo_tf.search.genetic.gplearn_operators import GplearnOperators

__all__ = ["GplearnOperators"]
