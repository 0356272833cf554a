"""Figures of losses, searches and comparisons, as matplotlib figures that belong to no window."""

from glo_tf.plots.surface import plot_surface

__all__ = ["plot_surface"]
