"""Charts of a search's candidates, and of what losses do to predictions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from glo_tf.plots.history import generations
from glo_tf.plots.slopes import (
    limits,
    predictions,
    pull_of_right,
    pull_of_wrong,
    usual_pulls,
)
from glo_tf.report.charts import Chart, line, text, wrapped
from glo_tf.results.record import Phase, Record, pareto_front
from glo_tf.training.trial import Status
from glo_tf.utils.statistics import mean_of
from glo_tf.utils.style import SERIES

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss

_MOST_DOTS = 4000  # of a figure, the fittest: a page stays small


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
    means = [mean_of(record.fitness for record in group) for group in grouped]
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
