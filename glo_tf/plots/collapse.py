"""Trainings that collapsed, in figures: told in words, so that the others can be told apart."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from glo_tf.metrics.mode import Mode
from glo_tf.results.outcomes import collapses
from glo_tf.utils.style import LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glo_tf.results.loss_trainings import LossTrainings


def limits_without(
    entries: Sequence[LossTrainings], collapsed: Mapping[int, Sequence[float]]
) -> tuple[float, float]:
    """The ends of an axis that shows all but the trainings that collapsed."""
    shown: list[float] = []
    for row, entry in enumerate(entries):
        gone = collapsed.get(row, ())
        shown += [value for value in entry.last() if value not in gone]
        shown += [] if gone or entry.interval is None else entry.interval
    margin = 0.08 * (max(shown) - min(shown)) or 0.01 * abs(shown[0]) or 0.01
    return min(shown) - margin, max(shown) + margin


def tell(axes: Axes, row: int, entry: LossTrainings, values: Sequence[float], mode: Mode) -> None:
    """Words at the end of the axis at which the trainings would be."""
    said = f"{len(values)} of {len(entry.seeds)} seeds: {statistics.median(values):.4g}"
    low = mode == Mode.MAX
    axes.text(
        0.0 if low else 1.0,
        row,
        f"◂ {said}" if low else f"{said} ▸",
        transform=axes.get_yaxis_transform(),
        ha="left" if low else "right",
        va="center",
        fontsize=8.5,
        color=LIGHT["orange"],
    )


def keep_out(axes: Axes, entries: Sequence[LossTrainings], mode: Mode) -> None:
    """Of errors: what collapses has errors of any size, beside which others would be one line."""
    collapsed = collapses(entries, mode)
    if mode == Mode.MAX or not collapsed:
        return
    kept = [
        curve
        for row, entry in enumerate(entries)
        for curve in entry.array()
        if curve[-1] not in collapsed.get(row, ())
    ]
    if kept:
        axes.set_ylim(top=1.05 * float(np.nanmax(kept)))
