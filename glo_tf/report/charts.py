"""Figures of a page that answer to a pointer: what Plotly draws, in the colours of the page.

A chart says what a figure says; scripts put it in the figure's place. Where there are none, and on
paper, the figure stays.
"""

from __future__ import annotations

import dataclasses
import html
import json
import statistics
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glo_tf.metrics.mode import Mode
from glo_tf.plots.collapse import limits_without
from glo_tf.plots.history import generations
from glo_tf.plots.slopes import (
    limits,
    predictions,
    pull_of_right,
    pull_of_wrong,
    usual_pulls,
)
from glo_tf.results.outcomes import collapses
from glo_tf.results.record import Phase, Record, pareto_front
from glo_tf.training.trial import Status
from glo_tf.utils.display_text import legible
from glo_tf.utils.style import SERIES

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss
    from glo_tf.results.comparison import Comparison
    from glo_tf.results.loss_trainings import LossTrainings
    from glo_tf.results.recommendation import Recommendation

_MOST_DOTS = 4000  # of a figure, the fittest: a page stays small
_LINE, _LINES = 56, 5  # characters of a line of what a pointer shows, and lines of a loss
_DASHES = ("solid", "dash", "dot", "dashdot")


@dataclasses.dataclass(frozen=True)
class Chart:
    """What Plotly draws; text that begins with `--` is the name of one of the page's colours.

    Attributes:
        data: Its traces.
        layout: What differs from the layout of all charts.
    """

    data: list[dict[str, Any]]
    layout: dict[str, Any]

    def json(self) -> str:
        """For an attribute of an element; numbers that are not finite are gaps."""
        return json.dumps(_plain(dataclasses.asdict(self)), allow_nan=False, separators=(",", ":"))


def text(value: object) -> str:
    """Any text as Plotly shows it: it reads some HTML, and no name is any."""
    return html.escape(legible(str(value)), quote=False)


def wrapped(loss: object) -> str:
    """A loss in lines that a pointer's box holds."""
    lines = textwrap.wrap(legible(str(loss)), _LINE)
    cut = [*lines[:_LINES], *(["…"] if len(lines) > _LINES else [])]
    return "<br>".join(html.escape(line, quote=False) for line in cut)


def fitness_chart(records: Sequence[Record], fitness: str) -> Chart:
    """The best fitness so far and the mean of each generation; a pointer shows the best loss."""
    grouped = generations(records)
    best: list[Record] = []
    for group in grouped:
        best.append(max([*best[-1:], *group], key=lambda record: record.fitness))
    names = [f"{group[0].phase} {group[0].generation}" for group in grouped]
    numbers = list(range(1, len(grouped) + 1))
    phases = [group[0].phase for group in grouped]
    lines = []
    if len(set(phases)) > 1:
        start = phases.index(Phase.COEFFICIENTS) + 0.5
        lines = [{"type": "line", "x0": start, "x1": start, "yref": "paper", "y0": 0, "y1": 1}]
    means = [statistics.fmean(record.fitness for record in group) for group in grouped]
    return Chart(
        [
            {
                **line(numbers, [record.fitness for record in best], "best so far", "blue"),
                "customdata": [
                    [name, wrapped(record.loss)] for name, record in zip(names, best, strict=True)
                ],
                "hovertemplate": "%{customdata[0]}<br>best so far %{y:.4f}<br>%{customdata[1]}"
                "<extra></extra>",
            },
            {
                **line(numbers, means, "mean of the generation", "orange"),
                "text": names,
                "hovertemplate": "%{text}<br>mean %{y:.4f}<extra></extra>",
            },
        ],
        {
            "xaxis": {"title": {"text": "generation"}},
            "yaxis": {"title": {"text": text(fitness)}},
            "shapes": [{**one, "line": {"color": "--muted", "dash": "dot"}} for one in lines],
        },
    )


def pareto_chart(records: Sequence[Record], fitness: str) -> Chart:
    """Fitness against size; a pointer shows a candidate's loss, the first of equal ones."""
    dots: dict[tuple[int, float], Record] = {}
    for record in records:
        if record.status == Status.OK:
            dots.setdefault((record.loss.size, record.fitness), record)
    fittest = sorted(dots.values(), key=lambda r: -r.fitness)[:_MOST_DOTS]
    front = pareto_front(records)
    shown = "%{x} nodes, fitness %{y:.4f}<br>%{text}<extra></extra>"

    def of(some: Sequence[Record]) -> dict[str, Any]:
        return {
            "x": [record.loss.size for record in some],
            "y": [record.fitness for record in some],
            "text": [wrapped(record.loss) for record in some],
            "hovertemplate": shown,
        }

    return Chart(
        [
            {
                **of(fittest),
                "type": "scatter",
                "mode": "markers",
                "name": "candidates",
                "marker": {"color": "--grey", "size": 6, "opacity": 0.55},
            },
            {
                **of(front),
                "type": "scatter",
                "mode": "lines+markers",
                "name": "Pareto front",
                "line": {"color": "--blue", "shape": "hv"},
                "marker": {"color": "--blue", "size": 8},
            },
        ],
        {
            "xaxis": {"title": {"text": "nodes"}},
            "yaxis": {"title": {"text": text(fitness)}},
        },
    )


def slopes_chart(losses: Iterable[tuple[str, ExpressionLoss]], classes: int) -> Chart:
    """The pulls of losses of one kind at the right class, and at a wrong one; see `plot_slopes`.

    Args:
        losses: By the names that they are shown with, at least one.
        classes: Of the network.
    """
    shown = list(losses)
    (_, first) = shown[0]
    y = predictions(first)
    usual, of_right, of_wrong = usual_pulls(first, y, classes)
    pulls = [("right", of_right, pull_of_right)]
    if of_wrong is not None:
        pulls.append(("wrong", of_wrong, pull_of_wrong))
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {}
    titles = {"right": "right class", "wrong": "wrong class"}
    for panel, (kind, beside, pull) in enumerate(pulls):
        axis = str(panel + 1) if panel else ""
        own = [(name, pull(loss, y, classes)) for name, loss in shown]
        for place, (name, values) in enumerate([(usual, beside), *own]):
            color = "grey" if place == 0 else SERIES[(place - 1) % len(SERIES)]
            data.append(
                {
                    **line(y.tolist(), values.tolist(), name, color),
                    "mode": "lines",
                    "line": {"color": f"--{color}", "width": 5 if place == 0 else 2},
                    "legendgroup": str(place),
                    "showlegend": not panel,
                    "xaxis": f"x{axis}",
                    "yaxis": f"y{axis}",
                    "hovertemplate": "prediction %{x:.3f}<br>pull %{y:.4g}",
                }
            )
        both = [limits(beside, values) for _, values in own]
        title = titles[kind] if first.probabilities else "prediction, where the target is 0"
        layout[f"xaxis{axis}"] = {"title": {"text": title}, "anchor": f"y{axis}"}
        layout[f"yaxis{axis}"] = {
            "range": [min(low for low, _ in both), max(high for _, high in both)],
            "zeroline": True,
            "anchor": f"x{axis}",
        }
    layout["yaxis"]["title"] = {"text": "pull"}
    if len(pulls) > 1:
        layout["grid"] = {"rows": 1, "columns": 2, "pattern": "independent"}
    return Chart(data, layout)


def accuracy_chart(comparison: Comparison) -> Chart:
    """Each training of each loss, with the means and their intervals; see `plot_accuracy`."""
    entries = comparison.at(comparison.train_fractions[-1])
    collapsed = collapses(entries, comparison.mode)
    measured = f"{comparison.split} {comparison.metric}"
    data: list[dict[str, Any]] = []
    for place, (entry, color) in enumerate(_coloured(entries)):
        name = text(entry.label)
        seeds = [
            (seed, of_seed[-1])
            for seed, of_seed in zip(entry.seeds, entry.array().tolist(), strict=True)
        ]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [value for _, value in seeds],
                "y": [place] * len(seeds),
                "text": [f"seed {seed}" for seed, _ in seeds],
                "marker": {"color": f"--{color}", "opacity": 0.45, "size": 7},
                "hovertemplate": f"{name}<br>%{{text}}: %{{x:.4f}}<extra></extra>",
            }
        )
        if entry.mean is not None:
            low, high = entry.interval or (entry.mean, entry.mean)
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": [entry.mean],
                    "y": [place],
                    "error_x": {
                        "type": "data",
                        "symmetric": False,
                        "array": [max(0.0, high - entry.mean)],
                        "arrayminus": [max(0.0, entry.mean - low)],
                        "color": f"--{color}",
                        "width": 0,
                    },
                    "marker": {"color": f"--{color}", "symbol": "diamond", "size": 11},
                    "hovertemplate": f"{name}<br>mean %{{x:.4f}}<br>"
                    f"{low:.4f} to {high:.4f}<extra></extra>",
                }
            )
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": text(measured)}},
        "yaxis": {
            "tickvals": list(range(len(entries))),
            "ticktext": [_short(entry.label) for entry in entries],
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


def line(x: Sequence[float], y: Sequence[float], name: str, color: str) -> dict[str, Any]:
    """A line in a colour of the page; it has dots where these can be told apart."""
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(x) < 40 else "lines",
        "x": list(x),
        "y": list(y),
        "name": _short(name),
        "line": {"color": f"--{color}", "width": 2},
        "marker": {"color": f"--{color}"},
    }


def _short(name: str) -> str:
    return "<br>".join(map(text, textwrap.wrap(textwrap.shorten(legible(name), 60), 24)))


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _plain(value: Any) -> Any:
    """Without what JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value
