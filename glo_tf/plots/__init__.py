"""Figures of losses, searches and comparisons, as matplotlib figures that belong to no window."""

from glo_tf.losses.figure import plot_binary_losses, plot_loss
from glo_tf.plots.comparison import (
    plot_accuracy,
    plot_rate_curves,
    plot_train_sizes,
    plot_training_curves,
)
from glo_tf.plots.history import (
    plot_coefficients,
    plot_diversity,
    plot_fitness,
    plot_pareto,
    plot_size,
)
from glo_tf.plots.slopes import plot_slopes
from glo_tf.plots.surface import plot_surface
from glo_tf.plots.tree import plot_tree
from glo_tf.utils.style import save

__all__ = [
    "plot_accuracy",
    "plot_binary_losses",
    "plot_coefficients",
    "plot_diversity",
    "plot_fitness",
    "plot_loss",
    "plot_pareto",
    "plot_rate_curves",
    "plot_size",
    "plot_slopes",
    "plot_surface",
    "plot_train_sizes",
    "plot_training_curves",
    "plot_tree",
    "save",
]
