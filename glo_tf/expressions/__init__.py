"""Expressions: operations, trees, their text, their values, and programs of them."""
