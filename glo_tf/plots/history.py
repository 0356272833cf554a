"""How a search went: figures of the candidates of all generations."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from glo_tf.errors import InvalidArgumentError
from glo_tf.results.record import Phase, Record, Source, pareto_front
from glo_tf.training.trial import Status
from glo_tf.utils.statistics import mean_of
from glo_tf.utils.style import LIGHT, SIZE, Picture, axis_label, panel, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def generations(records: Sequence[Record]) -> list[list[Record]]:
    """The candidates by generation, those of all phases and of all tuned expressions in a row."""
    return [
        list(group)
        for _, group in itertools.groupby(records, key=lambda r: (r.phase, r.generation))
    ]


def plot_fitness(records: Sequence[Record], fitness: str = "fitness") -> Figure:
    """Draws the best fitness so far and the mean of each generation.

    Args:
        records: Candidates in order, at least one.
        fitness: What fitness is, for the axis.

    Returns:
        A figure that belongs to no window; the coefficient phase follows the discovery.
    """
    grouped = generations(records)
    numbers = _numbers(grouped)
    best = np.maximum.accumulate([max(r.fitness for r in group) for group in grouped])
    means = [mean_of(r.fitness for r in group) for group in grouped]
    with style():
        figure, axes = panel("Fitness per generation", "generation", fitness)
        _line(axes, numbers, best, "best so far", "blue")
        _line(axes, numbers, means, "mean of the generation", "orange")
        _mark_coefficients(axes, grouped)
        axes.legend()
    return figure


def plot_size(records: Sequence[Record]) -> Figure:
    """Draws how large the expressions of each generation are, in nodes.

    Args:
        records: Candidates in order, at least one.

    Returns:
        A figure that belongs to no window: mean, smallest and largest, and the fittest's.
    """
    grouped = generations(records)
    sizes = [[record.loss.size for record in group] for group in grouped]
    fittest = [max(group, key=lambda record: record.fitness).loss.size for group in grouped]
    numbers = _numbers(grouped)
    with style():
        figure, axes = panel("Size per generation", "generation", "nodes")
        axes.fill_between(
            numbers,
            [min(each) for each in sizes],
            [max(each) for each in sizes],
            color=LIGHT["blue"],
            alpha=0.15,
            lw=0,
            label="smallest to largest",
        )
        _line(axes, numbers, [statistics.fmean(each) for each in sizes], "mean", "blue")
        _line(axes, numbers, fittest, "fittest", "orange")
        axes.set_ylim(bottom=0)
        _mark_coefficients(axes, grouped)
        axes.legend()
    return figure


def plot_diversity(records: Sequence[Record]) -> Figure:
    """Draws how many of a generation's candidates differ, and how many were trained to the end.

    Args:
        records: Candidates in order, at least one.

    Returns:
        A figure that belongs to no window.
    """
    grouped = generations(records)
    numbers = _numbers(grouped)
    different = [len({record.loss for record in group}) for group in grouped]
    trained = [sum(record.source == Source.TRAINED for record in group) for group in grouped]
    with style():
        figure, axes = panel("Diversity per generation", "generation", "candidates")
        _line(axes, numbers, [len(group) for group in grouped], "all", "grey")
        _line(axes, numbers, different, "different losses", "blue")
        _line(axes, numbers, trained, "trained to the end", "orange")
        axes.set_ylim(bottom=0)
        _mark_coefficients(axes, grouped)
        axes.legend()
    return figure


def plot_pareto(records: Sequence[Record], fitness: str = "fitness") -> Figure:
    """Draws fitness against size, with the Pareto front: the fittest of each size and smaller.

    Args:
        records: Candidates in order.
        fitness: What fitness is, for the axis.

    Returns:
        A figure that belongs to no window; see `glo_tf.SearchResult.hall_of_fame`.
    """
    # Most candidates are there many times; a figure should not be.
    finished = sorted({(r.loss.size, r.fitness) for r in records if r.status == Status.OK})
    front = pareto_front(records)
    with style():
        figure, axes = panel("Fitness against size", "nodes", fitness)
        axes.scatter(
            [size for size, _ in finished],
            [value for _, value in finished],
            s=10,
            color=LIGHT["grey"],
            alpha=0.45,
            lw=0,
            label="candidates",
        )
        axes.step(
            [record.loss.size for record in front],
            [record.fitness for record in front],
            where="post",
            color=LIGHT["blue"],
            marker="o",
            ms=5,
            label="Pareto front",
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="lower right")
    return figure


def plot_coefficients(records: Sequence[Record], fitness: str = "fitness") -> Figure:
    """Draws how CMA-ES converged, one line for each expression that it tuned.

    Args:
        records: Candidates in order, of which some are of the coefficient phase.
        fitness: What fitness is, for the axis.

    Returns:
        A figure that belongs to no window: above the fitness of each generation, below how far its
        coefficients lie apart (their mean standard deviation, which the step size of CMA-ES sets).

    Raises:
        ValueError: If there is no coefficient phase.
    """
    tuned = [group for group in generations(records) if group[0].phase == Phase.COEFFICIENTS]
    if not tuned:
        raise InvalidArgumentError("Expected candidates of the coefficient phase. Received: none")
    runs: list[list[list[Record]]] = []
    for group in tuned:
        if not runs or group[0].generation == 1:
            runs.append([])
        runs[-1].append(group)
    with style():
        figure = Picture(figsize=(SIZE[0], 5.0), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True)
        upper.set(title="CMA-ES: fitness", ylabel=axis_label(fitness))
        lower.set(
            title="CMA-ES: spread of the coefficients",
            xlabel="generation",
            ylabel="standard deviation",
        )
        for place, run in enumerate(runs):
            name = f" {place + 1}" if len(runs) > 1 else ""
            numbers = [group[0].generation for group in run]
            best = np.maximum.accumulate([max(r.fitness for r in group) for group in run])
            means = [mean_of(r.fitness for r in group) for group in run]
            color = f"C{place % 5}"
            upper.plot(numbers, best, color=color, marker=".", label=f"best so far{name}")
            upper.plot(numbers, means, color=color, ls="--", lw=1.0, label=f"mean{name}")
            spreads = [
                float(np.mean(np.std([r.loss.coefficients for r in group], axis=0)))
                for group in run
            ]
            lower.plot(numbers, spreads, color=color, marker=".")
        lower.set_ylim(bottom=0)
        lower.xaxis.set_major_locator(MaxNLocator(integer=True))
        upper.legend()
    return figure


def _line(
    axes: Axes,
    numbers: Sequence[int],
    values: Sequence[float] | np.ndarray,
    label: str,
    color: str,
) -> None:
    dots = "." if len(numbers) < 40 else ""
    axes.plot(numbers, values, color=LIGHT[color], label=label, lw=1.6, marker=dots)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _mark_coefficients(axes: Axes, grouped: Sequence[Sequence[Record]]) -> None:
    """A line between the phases, where there are both."""
    phases = [group[0].phase for group in grouped]
    if len(set(phases)) > 1:
        start = phases.index(Phase.COEFFICIENTS) + 0.5
        axes.axvline(start, color=LIGHT["muted"], lw=0.8, ls=":")
        axes.annotate(
            " CMA-ES",
            (start, 1.0),
            xycoords=("data", "axes fraction"),
            va="top",
            color=LIGHT["muted"],
            fontsize=8.5,
        )


def _numbers(grouped: Sequence[Sequence[Record]]) -> list[int]:
    return list(range(1, len(grouped) + 1))
