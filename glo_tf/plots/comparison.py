"""Losses beside each other: Figures 1 and 3 of arXiv 1905.11528, and accuracy against data size."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from glo_tf.results.comparison import TUNED
from glo_tf.utils.style import LIGHT, SERIES, SIZE, axis_label, literal, panel, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glo_tf.results.comparison import Comparison, LossTrainings

_DASHES = (("-", "--"), (":", "-."))  # of a loss at the given learning rate, and at its own
_MOST_INSIDE = 4  # entries of a legend that lies on the axes


def plot_means(
    names: Sequence[str],
    values: Sequence[Sequence[float]],
    means: Sequence[float | None],
    intervals: Sequence[tuple[float, float] | None],
    label: str,
) -> Figure:
    """Draws one row for each loss: every training, their mean and its interval.

    Args:
        names: Of the losses, from the top.
        values: Of each loss's trainings; NaN for one that failed.
        means: Of each loss; None for no finished training.
        intervals: Of the means; None for none.
        label: What the values are.

    Returns:
        A figure that belongs to no window, with each mean as a number.
    """
    looks = _looks(names)
    with style():
        figure = Figure(figsize=(SIZE[0], 1.1 + 0.62 * len(names)), layout="constrained")
        axes = figure.subplots()
        axes.grid(visible=False, axis="y")
        for row, (name, each, mean, interval) in enumerate(
            zip(names, values, means, intervals, strict=True)
        ):
            color = looks[name]["color"]
            axes.text(
                0.0,
                row - 0.24,
                literal(name),
                transform=axes.get_yaxis_transform(),
                va="bottom",
                fontsize=9,
            )
            axes.scatter(each, [row] * len(each), s=16, color=color, alpha=0.4, lw=0)
            if mean is None:
                continue
            if interval is not None:
                axes.plot(interval, [row, row], color=color, lw=2.2, solid_capstyle="butt")
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
        axes.set(xlabel=label, ylim=(len(names) - 0.3, -0.75))
        axes.yaxis.set_visible(False)
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.08)
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
    entries = comparison.at(comparison.train_fractions[-1])
    return plot_means(
        [entry.name for entry in entries],
        [entry.array(comparison.metric)[:, -1].tolist() for entry in entries],
        [entry.mean for entry in entries],
        [entry.interval for entry in entries],
        axis_label(f"{comparison.split} {comparison.metric}")
        + f" after {comparison.steps[-1]} steps "
        f"({comparison.confidence:.0%} interval)",
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
        looks = _looks([entry.name for entry in entries])
        for entry in entries:
            look = looks[entry.name]
            mean, lowest, highest = _over_seeds(entry.array(comparison.metric))
            axes.fill_between(
                comparison.steps, lowest, highest, color=look["color"], alpha=0.15, lw=0
            )
            label = literal(entry.name)
            axes.plot(comparison.steps, mean, label=label, marker=".", **look)
        _legend(figure, axes)
    return figure


def plot_train_sizes(comparison: Comparison) -> Figure:
    """Draws the metric at the end of training against the share of the training data.

    Args:
        comparison: Of at least one loss, with several shares.

    Returns:
        A figure that belongs to no window, with the confidence intervals as bars.
    """
    series: dict[str, list[tuple[float, float, tuple[float, float]]]] = {}
    for fraction in comparison.train_fractions:
        for entry in comparison.at(fraction):
            points = series.setdefault(entry.name, [])
            if entry.mean is not None:
                points.append((100 * fraction, entry.mean, entry.interval or (entry.mean,) * 2))
    with style():
        figure, axes = panel(
            "Less training data",
            "training data (%)",
            f"{comparison.split} {comparison.metric}",
        )
        looks = _looks(list(series))
        for label, points in series.items():
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
                label=literal(label),
                marker="o",
                ms=4,
                capsize=3,
                **looks[label],
            )
        axes.set_xscale("log")
        ticks = [100 * fraction for fraction in comparison.train_fractions]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        _legend(figure, axes)
    return figure


def _looks(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """A colour for each loss; one line where its learning rate was tuned, another where not."""
    losses = list(dict.fromkeys(name.removesuffix(TUNED) for name in names))
    looks = {}
    for name in names:
        place = losses.index(name.removesuffix(TUNED))
        dashes = _DASHES[place // len(SERIES) % len(_DASHES)][name.endswith(TUNED)]
        looks[name] = {"color": LIGHT[SERIES[place % len(SERIES)]], "ls": dashes, "lw": 1.6}
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
