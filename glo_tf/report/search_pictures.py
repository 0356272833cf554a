"""The figures of a search in its report: of the best loss, and of how it was found."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from glo_tf import losses
from glo_tf.losses.figure import plot_binary_losses, plot_loss
from glo_tf.plots.history import (
    generations,
    plot_coefficients,
    plot_diversity,
    plot_fitness,
    plot_pareto,
    plot_size,
)
from glo_tf.plots.slopes import plot_slopes
from glo_tf.plots.surface import plot_surface
from glo_tf.plots.tree import plot_tree
from glo_tf.report.inline import Drawing, InlinePicture
from glo_tf.report.search_charts import fitness_chart, pareto_chart, slopes_chart
from glo_tf.results.record import Phase, Record, pareto_front
from glo_tf.utils.statistics import mean_of

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss


def pictures_of_loss(loss: ExpressionLoss) -> list[InlinePicture]:
    """Its tree, its surface, and its curve beside those of usual ones."""
    if loss.probabilities:
        usual, axes = "cross-entropy, Baikal and NGL", "label and prediction, of two classes"
        beside = {"found": loss, "Baikal": losses.Baikal(), "NGL": losses.NGL()}
        curves = plot_binary_losses(beside)
    else:
        usual, axes = "squared error", "target and prediction"
        curves = plot_loss(loss)
    return [
        InlinePicture(
            "tree",
            "The loss as a tree; a coefficient stands under its node.",
            f"The tree of {loss.tree}, with {loss.tree.size} nodes.",
            plot_tree(loss.tree),
        ),
        InlinePicture(
            "surface",
            f"The loss over {axes}.",
            "A surface; low is where training leads to.",
            plot_surface(loss),
        ),
        InlinePicture(
            "curves",
            f"The loss beside {usual}; each minimum is shifted to 0.",
            "Lines of the losses against the prediction.",
            curves,
        ),
    ]


def picture_of_slopes(loss: ExpressionLoss, classes: int, name: str) -> InlinePicture:
    """What it does to predictions, beside what the usual loss does."""
    return InlinePicture(
        name,
        "The pull of the found loss and of the usual one, by the prediction.",
        "Lines over the prediction; the table of pulls has values.",
        plot_slopes(loss, classes),
        slopes_chart([("found", loss)], classes),
    )


def pictures_of_records(records: Sequence[Record], fitness: str) -> list[InlinePicture]:
    """Fitness, diversity and size over the generations, and what the phases came to.

    Args:
        records: Every candidate, in order; none give no figures.
        fitness: What fitness is, for readers.
    """
    if not records:
        return []
    number, last = len(generations(records)), generations(records)[-1]
    pictures = [
        InlinePicture(
            "fitness",
            "Fitness per generation.",
            f"Lines over {number} generations: the best so far, which ends at "
            f"{max(record.fitness for record in records):.4f}, and the mean, which ends at "
            f"{mean_of(record.fitness for record in last):.4f}.",
            plot_fitness(records, fitness),
            fitness_chart(records, fitness),
        ),
        InlinePicture(
            "diversity",
            "Different losses in each generation, and how many were trained to the end.",
            f"Lines over {number} generations; the last has "
            f"{len({record.loss for record in last})} different losses of {len(last)}.",
            plot_diversity(records),
        ),
        InlinePicture(
            "size",
            "Size of the expressions per generation.",
            f"Mean, smallest and largest number of nodes; the last mean is "
            f"{statistics.fmean(record.loss.size for record in last):.1f}.",
            plot_size(records),
        ),
    ]
    if pareto_front(records):
        pictures.append(
            InlinePicture(
                "pareto",
                "Fitness against size, with the Pareto front.",
                "Dots of the candidates; the table of the Pareto front has the line's values.",
                plot_pareto(records, fitness),
                pareto_chart(records, fitness),
            )
        )
    if any(record.phase == Phase.COEFFICIENTS for record in records):
        pictures.append(
            InlinePicture(
                "coefficients",
                "How CMA-ES converged.",
                "Above the fitness of each generation, below how far its coefficients lie apart.",
                plot_coefficients(records, fitness),
            )
        )
    return pictures


def drawings_of_records(records: Sequence[Record], fitness: str) -> list[Drawing]:
    """Fitness over the generations and against size, without what takes long to draw.

    Args:
        records: Every candidate, in order; none give no drawings.
        fitness: What fitness is, for readers.
    """
    if not records:
        return []
    number, best = len(generations(records)), max(record.fitness for record in records)
    return [
        Drawing(
            "fitness",
            "Fitness per generation.",
            f"Lines over {number} generations; the best is {best:.4f}.",
            fitness_chart(records, fitness),
        ),
        Drawing(
            "pareto",
            "Fitness against size, with the Pareto front.",
            "Dots of the candidates, a line of the Pareto front.",
            pareto_chart(records, fitness),
        ),
    ]
