"""Comparisons of losses on paired seeds, each at its own learning rate."""
