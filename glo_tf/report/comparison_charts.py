"""Charts of losses beside each other."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glo_tf.metrics.mode import Mode
from glo_tf.plots.collapse import limits_without
from glo_tf.report.charts import Chart, line, short, text
from glo_tf.results.outcomes import collapses
from glo_tf.utils.style import SERIES

if TYPE_CHECKING:
    from glo_tf.results.comparison import Comparison
    from glo_tf.results.loss_trainings import LossTrainings
    from glo_tf.results.recommendation import Recommendation

_DASHES = ("solid", "dash", "dot", "dashdot")


def accuracy_chart(comparison: Comparison) -> Chart:
    """Each training of each loss, with the means and their intervals; see `plot_accuracy`."""
    entries = comparison.at(comparison.train_fractions[-1])
    collapsed = collapses(entries, comparison.mode)
    measured = f"{comparison.split} {comparison.metric}"
    data: list[dict[str, Any]] = []
    for place, (entry, color) in enumerate(_coloured(entries)):
        data.append(_each_training(entry, place, color))
        if entry.mean is not None:
            data.append(_mean_and_interval(entry, entry.mean, place, color))
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": text(measured)}},
        "yaxis": {
            "tickvals": list(range(len(entries))),
            "ticktext": [short(entry.label) for entry in entries],
            "range": [len(entries) - 0.5, -0.5],
            "automargin": True,
            "showgrid": False,
        },
        "showlegend": False,
        "height": 120 + 46 * len(entries),
        "annotations": [
            {
                "xref": "paper",
                "x": 0 if comparison.mode == Mode.MAX else 1,
                "y": place,
                "showarrow": False,
                "font": {"color": "--orange"},
                "text": f"{len(values)} of {len(entries[place].seeds)} seeds: "
                f"{statistics.median(values):.4g}",
            }
            for place, values in collapsed.items()
        ],
    }
    if collapsed:
        layout["xaxis"]["range"] = list(limits_without(entries, collapsed))
    return Chart(data, layout)


def _each_training(entry: LossTrainings, place: int, color: str) -> dict[str, Any]:
    values = [of_seed[-1] for of_seed in entry.array().tolist()]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": values,
        "y": [place] * len(values),
        "text": [f"seed {seed}" for seed in entry.seeds],
        "marker": {"color": f"--{color}", "opacity": 0.45, "size": 7},
        "hovertemplate": f"{text(entry.label)}<br>%{{text}}: %{{x:.4f}}<extra></extra>",
    }


def _mean_and_interval(entry: LossTrainings, mean: float, place: int, color: str) -> dict[str, Any]:
    low, high = entry.interval or (mean, mean)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [mean],
        "y": [place],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, high - mean)],
            "arrayminus": [max(0.0, mean - low)],
            "color": f"--{color}",
            "width": 0,
        },
        "marker": {"color": f"--{color}", "symbol": "diamond", "size": 11},
        "hovertemplate": f"{text(entry.label)}<br>mean %{{x:.4f}}<br>"
        f"{low:.4f} to {high:.4f}<extra></extra>",
    }


def curves_chart(comparison: Comparison) -> Chart:
    """The metric during training, the mean of the seeds; see `plot_training_curves`."""
    data = []
    for entry, color in _coloured(comparison.at(comparison.train_fractions[-1])):
        means = np.array([_mean(column) for column in entry.array().T]).tolist()
        drawn = line(list(comparison.steps), means, entry.label, color)
        if entry.tuned:
            drawn["line"]["dash"] = "dash"
        data.append({**drawn, "hovertemplate": "%{x} steps: %{y:.4f}"})
    return Chart(
        data,
        {
            "xaxis": {"title": {"text": "training steps"}},
            "yaxis": {"title": {"text": text(f"{comparison.split} {comparison.metric}")}},
        },
    )


def rates_chart(comparison: Comparison | Recommendation, measured: str) -> Chart:
    """What each loss is worth at the learning rates that were tried; see `plot_rate_curves`."""
    largest = max(curve.train_fraction for curve in comparison.rate_curves)
    data = []
    curves = [curve for curve in comparison.rate_curves if curve.train_fraction == largest]
    for place, curve in enumerate(curves):
        color = SERIES[place % len(SERIES)]
        drawn = line(list(curve.learning_rates), list(curve.fitnesses), curve.name, color)
        drawn["line"]["dash"] = _DASHES[place // len(SERIES) % len(_DASHES)]
        chosen = [rate == curve.learning_rate for rate in curve.learning_rates]
        drawn["marker"] |= {
            "symbol": ["diamond" if one else "circle" for one in chosen],
            "size": [12 if one else 6 for one in chosen],
        }
        data.append({**drawn, "hovertemplate": "at %{x:.4g}: %{y:.4f}"})
    return Chart(
        data,
        {
            "xaxis": {"type": "log", "title": {"text": "learning rate"}},
            "yaxis": {"title": {"text": text(measured)}},
        },
    )


def _coloured(entries: Sequence[LossTrainings]) -> list[tuple[LossTrainings, str]]:
    """Each entry with the colour of its loss."""
    names = list(dict.fromkeys(entry.name for entry in entries))
    return [(entry, SERIES[names.index(entry.name) % len(SERIES)]) for entry in entries]


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
