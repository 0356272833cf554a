"""Losses beside each other: Figures 1 and 3 of arXiv 1905.11528, data sizes and learning rates."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from glo_tf.data.split import Split
from glo_tf.metrics.mode import Mode
from glo_tf.plots.collapse import keep_out, limits_without, tell
from glo_tf.results.loss_trainings import label
from glo_tf.results.outcomes import collapses
from glo_tf.utils.style import LIGHT, SERIES, SIZE, Picture, axis_label, literal, panel, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glo_tf.results.comparison import Comparison
    from glo_tf.results.loss_trainings import LossTrainings
    from glo_tf.results.recommendation import Recommendation

_DASHES = (("-", "--"), (":", "-."))  # of a loss at the given learning rate, and at its own
_CURVES = ("-", "--", ":", "-.")  # of the first losses that have a colour, the second ones...
_WIDE = 100.0  # from the lowest to the highest learning rate, where each power of ten is enough
_SHORT = 32  # characters of labels that stand in two columns
_MOST_INSIDE = 4  # entries of a legend that lies on the axes


def plot_means(entries: Sequence[LossTrainings], label: str, mode: Mode = Mode.MAX) -> Figure:
    """Draws one row for each loss: every training, their mean and its interval.

    Trainings that collapsed are told in words, and do not stretch the axis.

    Args:
        entries: The losses, from the top.
        label: What the values are.
        mode: Direction of the metric.

    Returns:
        A figure that belongs to no window, with each mean as a number.
    """
    looks, collapsed = _looks(entries), collapses(entries, mode)
    with style():
        figure = Picture(figsize=(SIZE[0], 1.1 + 0.62 * len(entries)), layout="constrained")
        axes = figure.subplots()
        axes.grid(visible=False, axis="y")
        for row, entry in enumerate(entries):
            mean, color = entry.mean, looks[entry.name, entry.tuned]["color"]
            each = entry.array()[:, -1].tolist()
            axes.text(
                0.0,
                row - 0.24,
                literal(entry.label),
                transform=axes.get_yaxis_transform(),
                va="bottom",
                fontsize=9,
            )
            axes.scatter(each, [row] * len(each), s=16, color=color, alpha=0.4, lw=0)
            if mean is None:
                continue
            if entry.interval is not None:
                axes.plot(entry.interval, [row, row], color=color, lw=2.2, solid_capstyle="butt")
            axes.plot(mean, row, marker="D", ms=6, color=color)
            axes.annotate(
                f"{mean:#.4g}",
                (mean, row),
                xytext=(0, -8),
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=8.5,
            )
        axes.set(xlabel=label, ylim=(len(entries) - 0.3, -0.75))
        axes.yaxis.set_visible(False)
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.08)
        if collapsed:
            axes.set_xlim(*limits_without(entries, collapsed))
            for row, values in collapsed.items():
                tell(axes, row, entries[row], values, mode)
        axes.xaxis.set_major_locator(MaxNLocator(6))
    return figure


def plot_accuracy(comparison: Comparison) -> Figure:
    """Draws the metric of each loss at the end of training, with its confidence interval.

    Figure 1 of arXiv 1905.11528, for the largest share of the training data.

    Args:
        comparison: Of at least one loss.

    Returns:
        A figure that belongs to no window.
    """
    return plot_means(
        comparison.at(comparison.train_fractions[-1]),
        axis_label(f"{comparison.split} {comparison.metric}")
        + f" after {comparison.steps[-1]} steps "
        f"({comparison.confidence:.0%} interval)",
        comparison.mode,
    )


def plot_training_curves(comparison: Comparison) -> Figure:
    """Draws the metric during training: the mean of the seeds, and a band over all of them.

    Figure 3 of arXiv 1905.11528, for the largest share of the training data.

    Args:
        comparison: Of at least one loss.

    Returns:
        A figure that belongs to no window.
    """
    with style():
        figure, axes = panel(
            "Training curves, with the range of the seeds",
            "training steps",
            f"{comparison.split} {comparison.metric}",
        )
        entries = _different(comparison.at(comparison.train_fractions[-1]))
        looks = _looks(entries)
        for entry in entries:
            look = looks[entry.name, entry.tuned]
            mean, lowest, highest = _over_seeds(entry.array())
            axes.fill_between(
                comparison.steps, lowest, highest, color=look["color"], alpha=0.15, lw=0
            )
            axes.plot(comparison.steps, mean, label=literal(entry.label), marker=".", **look)
        keep_out(axes, entries, comparison.mode)
        _legend(figure, axes)
    return figure


def plot_train_sizes(comparison: Comparison) -> Figure:
    """Draws the metric at the end of training against the share of the training data.

    Args:
        comparison: Of at least one loss, with several shares.

    Returns:
        A figure that belongs to no window, with the confidence intervals as bars.
    """
    series: dict[tuple[str, bool], list[tuple[float, float, tuple[float, float]]]] = {}
    for fraction in comparison.train_fractions:
        for entry in comparison.at(fraction):
            points = series.setdefault((entry.name, entry.tuned), [])
            if entry.mean is not None:
                points.append((100 * fraction, entry.mean, entry.interval or (entry.mean,) * 2))
    with style():
        figure, axes = panel(
            "Less training data",
            "training data (%)",
            f"{comparison.split} {comparison.metric}",
        )
        looks = _looks(comparison.losses)
        for (name, tuned), points in series.items():
            sizes = [size for size, _, _ in points]
            means = [mean for _, mean, _ in points]
            bars = [  # a mean may lie a rounding error outside
                [max(0.0, mean - low) for _, mean, (low, _) in points],
                [max(0.0, high - mean) for _, mean, (_, high) in points],
            ]
            axes.errorbar(
                sizes,
                means,
                bars,
                label=literal(label(name, tuned)),
                marker="o",
                ms=4,
                capsize=3,
                **looks[name, tuned],
            )
        axes.set_xscale("log")
        ticks = [100 * fraction for fraction in comparison.train_fractions]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        _legend(figure, axes)
    return figure


def plot_rate_curves(comparison: Comparison | Recommendation) -> Figure:
    """Draws what each loss is worth at the learning rates that were tried with it.

    For the largest share of the training data that there are curves of. The chosen rate of each
    loss is marked, and stands in the legend with what it gave.

    Args:
        comparison: Of losses whose learning rates were tuned; or a recommendation.

    Returns:
        A figure that belongs to no window.
    """
    largest = max(curve.train_fraction for curve in comparison.rate_curves)
    curves = [curve for curve in comparison.rate_curves if curve.train_fraction == largest]
    measured = f"{Split.VALIDATION} {comparison.metric}"
    if comparison.mode == Mode.MIN:
        measured = f"fitness, the larger the smaller {measured}"
    with style():
        figure, axes = panel("Each loss at its learning rates", "learning rate", measured)
        for place, curve in enumerate(curves):
            color = LIGHT[SERIES[place % len(SERIES)]]
            dashes = _CURVES[place // len(SERIES) % len(_CURVES)]
            axes.plot(
                curve.learning_rates,
                curve.fitnesses,
                color=color,
                ls=dashes,
                lw=1.6,
                marker=".",
                label=literal(f"{curve.name}: {curve.fitness:#.4g} at {curve.learning_rate:g}"),
            )
            axes.plot(curve.learning_rate, curve.fitness, color=color, marker="D", ms=7)
        axes.set_xscale("log")
        lowest, highest = axes.get_xlim()
        steps = (1.0,) if highest > _WIDE * lowest else (1.0, 2.0, 5.0)
        axes.xaxis.set_major_locator(LogLocator(subs=steps))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        columns = 2 if max(len(str(line.get_label())) for line in axes.lines) <= _SHORT else 1
        # Curves rise and fall anywhere, so that no place inside is free of them.
        figure.set_figheight(SIZE[1] + 0.2 + 0.18 * math.ceil(len(curves) / columns))
        figure.legend(loc="outside lower center", ncols=columns)
    return figure


def _looks(entries: Sequence[LossTrainings]) -> dict[tuple[str, bool], dict[str, Any]]:
    """A colour for each loss; one line where its learning rate was tuned, another where not."""
    losses = list(dict.fromkeys(entry.name for entry in entries))
    looks = {}
    for entry in entries:
        place = losses.index(entry.name)
        dashes = _DASHES[place // len(SERIES) % len(_DASHES)][entry.tuned]
        color = LIGHT[SERIES[place % len(SERIES)]]
        looks[entry.name, entry.tuned] = {"color": color, "ls": dashes, "lw": 1.6}
    return looks


def _different(entries: Sequence[LossTrainings]) -> list[LossTrainings]:
    """Without those that are the same trainings: a tuned rate that is the given one."""
    found = {entry.setting: entry for entry in reversed(entries)}
    return list(reversed(found.values()))


def _legend(figure: Figure, axes: Axes) -> None:
    """Inside the axes; below them where it would cover the curves."""
    if len(axes.get_legend_handles_labels()[0]) > _MOST_INSIDE:
        figure.set_figheight(SIZE[1] + 0.8)
        figure.legend(loc="outside lower center", ncols=2)
    else:
        axes.legend()


def _over_seeds(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, smallest and largest at each step, of the trainings that did not fail."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all of them failed: there is a gap
        return np.nanmean(values, 0), np.nanmin(values, 0), np.nanmax(values, 0)
