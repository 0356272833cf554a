"""The pictures of the page."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from benchmarks.suite.leads import Row, Tested
from glo_tf.utils.style import LIGHT, SERIES, literal, style

_SHOWN = 12  # panels of a figure
_COLUMNS = 3


def leads(pairs: Sequence[tuple[Tested, Tested]]) -> Figure:
    """Leads of the found loss with SGD and their intervals: over the usual and the best known."""
    points = [pair for pair in pairs if pair[0].lead and pair[0].row.document["points"]]
    shown = [pair for pair in points if pair[0].row.optimizer == "sgd"]
    with style():
        figure = Figure(figsize=(7.2, 1.2 + 0.3 * len(shown)), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0.0, color=LIGHT["muted"], lw=1.0)
        for place, label in enumerate(("over cross-entropy", "over the best known loss")):
            for height, pair in enumerate(shown):
                lead = pair[place].lead
                if lead is None:
                    continue
                low, high = lead.interval
                y = height + 0.16 * (2 * place - 1)
                color = LIGHT[SERIES[place]]
                name = label if height == 0 else None
                axes.plot([100 * low, 100 * high], [y, y], color=color, lw=1.4)
                axes.plot([100 * lead.mean], [y], "o", color=color, ms=4, label=name)
        names = [
            f"{usual.row.document['task']}{usual.loss.removeprefix('found')}" for usual, _ in shown
        ]
        axes.set_yticks(range(len(shown)), [literal(name, 60) for name in names])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        figure.supxlabel("lead of the found loss with SGD, in points; 95 % of the mean", fontsize=9)
        figure.legend(loc="outside upper left", ncols=2)
    return figure


def rates(shown: Sequence[Row], found: Sequence[str]) -> Figure:
    """What each trial reached at its learning rate, a panel a task."""
    shown = shown[:_SHOWN]
    columns = min(_COLUMNS, len(shown))
    lines = -(-len(shown) // columns)
    with style():
        figure = Figure(figsize=(3.2 * columns, 2.6 * lines + 0.4), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False).ravel()
        for axes, row in zip(panels, shown, strict=False):
            names = dict.fromkeys([row.usual, row.best(), *found])
            for name, color in zip(names, ("grey", *SERIES), strict=False):
                if name not in row.entries:
                    continue
                trials = row.entries[name]["trials"]
                pairs = zip(trials["rate"], trials["stopped"], strict=True)
                known = [(rate, abs(score)) for rate, score in pairs if score is not None]
                xs, ys = [rate for rate, _ in known], [score for _, score in known]
                axes.plot(xs, ys, ".", color=LIGHT[color], ms=5, label=literal(name))
            axes.set_xscale("log")
            axes.set_title(literal(row.document["task"], 40), fontsize=8)
            axes.legend(fontsize=7)
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
        figure.supxlabel("learning rate", fontsize=9)
        figure.supylabel("metric on validation data", fontsize=9)
    return figure


def beside_known(shown: Sequence[Row], name: str, label: str) -> Figure:
    """Means on test data of the usual loss, of the best known one, and of a loss of ours.

    Args:
        shown: Rows that have it, of one optimizer, in points.
        name: Of the loss.
        label: How it is shown.
    """
    with style():
        figure = Figure(figsize=(7.2, 1.2 + 0.42 * len(shown)), layout="constrained")
        axes = figure.subplots()
        for height, row in enumerate(shown):
            best = row.best()
            values = [100.0 * (row.mean(each) or 0.0) for each in (row.usual, best, name)]
            axes.plot(
                [min(values), max(values)], [height, height], color=LIGHT["grid"], lw=2.0, zorder=1
            )
            labels = (literal(row.usual), "the best known loss, in hindsight", literal(label))
            for value, color, text in zip(values, ("grey", *SERIES), labels, strict=False):
                mark = {"label": text} if height == 0 else {}
                axes.plot([value], [height], "o", color=LIGHT[color], ms=7, **mark)
            axes.annotate(literal(best), (values[1], height - 0.22), ha="center", fontsize=7)
        measures = dict.fromkeys(row.document["measure"] for row in shown)
        names = [row.document["task"].split("/", 1)[1] for row in shown]
        if len(measures) == 1:
            names = [name.removesuffix(f"/{next(iter(measures))}") for name in names]
        axes.set_yticks(range(len(shown)), [literal(each, 60) for each in names])
        axes.set_ylim(len(shown) - 0.5, -0.6)
        axes.margins(x=0.08)  # names are wider than marks
        axes.set(xlabel=f"mean {' or '.join(measures)} on test data, n = 20 draws; %")
        figure.legend(loc="outside upper left", ncols=3)
    return figure
