"""Several runs in one page: what each found, beside each other."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from glo_tf.errors import InvalidArgumentError, InvalidFileError
from glo_tf.plots.history import generations
from glo_tf.plots.slopes import CLASSES
from glo_tf.report.asked import read_asked
from glo_tf.report.charts import Chart, line, text, wrapped
from glo_tf.report.comparison_part import ComparisonPart
from glo_tf.report.inline import Drawing
from glo_tf.report.page import render
from glo_tf.report.run_folder import read_search
from glo_tf.report.search_charts import slopes_chart
from glo_tf.report.search_part import SearchPart
from glo_tf.results import run_files
from glo_tf.results.comparison import Comparison
from glo_tf.results.owned_files import check_free, write_owned
from glo_tf.results.record import Record
from glo_tf.results.run_files import COMPARISON
from glo_tf.utils.files import user_path
from glo_tf.utils.style import SERIES

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss


class OverviewRun:
    """One run of the page.

    Args:
        folder: Of a search, of a comparison, or of both.
        page: The folder of the page, from which links lead to the run's own.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If there is no run, or a file is not as glo_tf writes it.
    """

    def __init__(self, folder: pathlib.Path, page: pathlib.Path):
        path = folder / COMPARISON
        self.comparison: ComparisonPart | None = None
        if path.is_file():
            asked = read_asked(folder / run_files.COMPARISON_FLAGS)
            self.comparison = ComparisonPart(Comparison.load(path), asked=asked)
        self.search: SearchPart | None = None
        if self.comparison is None or (folder / run_files.STUDY).exists():
            asked = read_asked(folder / run_files.FLAGS)
            self.search = SearchPart(read_search(folder), asked)
        self.name = folder.resolve().name
        own = folder / run_files.REPORT
        self.link = pathlib.Path(os.path.relpath(own, page)).as_posix() if own.is_file() else ""

    @property
    def lead(self) -> dict[str, str]:
        """What it was asked for, in a few words."""
        if self.search is not None:
            return self.search.lead
        assert self.comparison is not None
        return self.comparison.lead

    @property
    def headlines(self) -> list[str]:
        """One line each for the end of the search, and for the comparison on test data."""
        of_search = "" if self.search is None else self.search.headline
        of_comparison = "" if self.comparison is None else self.comparison.headline
        return [line for line in (of_search, of_comparison) if line]

    @property
    def records(self) -> list[Record]:
        """Candidates of the search."""
        return [] if self.search is None else self.search.files.records


def write_overview(
    folders: Sequence[str | os.PathLike[str]], page: str | os.PathLike[str] | None = None
) -> pathlib.Path:
    """Writes a `report.html` that shows several runs beside each other.

    Args:
        folders: Of searches and comparisons, at least two different ones.
        page: Folder of the page, which is created if absent; that which holds all the runs if
            None. It is no run's own, whose report would be lost.

    Returns:
        The page: one file that needs no network.

    Raises:
        OSError: If files cannot be read or written.
        ValueError: As `write_report`, or if the folders are not as described.
    """
    paths = [user_path(folder) for folder in folders]
    resolved = [path.resolve() for path in paths]
    if len(set(resolved)) < max(2, len(paths)):
        raise InvalidArgumentError(
            "Expected the folders of several runs, each once. "
            f"Received: {', '.join(map(str, paths)) or 'none'}"
        )
    target = user_path(page) if page else pathlib.Path(os.path.commonpath(resolved))
    if target.resolve() in resolved or any(
        (target / name).exists() for name in (run_files.STUDY, COMPARISON)
    ):
        raise InvalidArgumentError(
            "Expected a folder for the page of several runs that is no run's (output_dir). "
            f"Received: output_dir='{target}'"
        )
    path = target / run_files.REPORT
    check_free(path)
    runs = []
    for folder in paths:
        if not folder.is_dir():
            raise InvalidFileError(f"Expected the folder of a run. Received: '{folder}'")
        runs.append(OverviewRun(folder, target))
    target.mkdir(parents=True, exist_ok=True)
    name = f"{len(runs)} runs"
    write_owned(path, render("overview.html.jinja", name=name, runs=runs, drawings=_drawings(runs)))
    return path


def _drawings(runs: Sequence[OverviewRun]) -> list[Drawing]:
    drawings = []
    searched = [run for run in runs if run.records]
    if searched:
        drawings += [
            Drawing(
                "fitness",
                "The best fitness so far of each run.",
                "One line for each run, over its generations.",
                _fitness(searched),
            ),
            Drawing(
                "pareto",
                "The Pareto front of each run: fitness against size.",
                "One line for each run.",
                _fronts(searched),
            ),
        ]
    return [*drawings, *_slopes(searched)]


def _slopes(runs: Sequence[OverviewRun]) -> list[Drawing]:
    """The found losses beside each other, each among those of networks with as many classes."""
    alike: dict[tuple[bool, int], list[tuple[str, ExpressionLoss]]] = {}
    for run in runs:
        for why in [] if run.search is None else run.search.why:
            kind = (why.loss.probabilities, why.classes if why.loss.probabilities else CLASSES)
            alike.setdefault(kind, []).append((run.name, why.loss))
    drawings = []
    for (probabilities, classes), losses in sorted(alike.items(), reverse=True):
        at = "the right and at a wrong one" if probabilities else "an output of a regression"
        network = f" of {classes} classes" if probabilities else ""
        drawings.append(
            Drawing(
                f"slopes_{classes}" if probabilities else "slopes_regression",
                f"The pull of each found loss at {at}{network}.",
                "One line for each run, and one for the usual loss.",
                slopes_chart(losses, classes),
            )
        )
    return drawings


def _fitness(runs: Sequence[OverviewRun]) -> Chart:
    data = []
    for place, run in enumerate(runs):
        best: list[Record] = []
        for group in generations(run.records):
            best.append(max([*best[-1:], *group], key=lambda record: record.fitness))
        numbers = list(range(1, len(best) + 1))
        color = SERIES[place % len(SERIES)]
        data.append(
            {
                **line(numbers, [record.fitness for record in best], run.name, color),
                "text": [wrapped(record.loss) for record in best],
                "hovertemplate": "generation %{x}: %{y:.4f}<br>%{text}",
            }
        )
    return Chart(data, _axes("generation", runs))


def _fronts(runs: Sequence[OverviewRun]) -> Chart:
    data = []
    for place, run in enumerate(runs):
        assert run.search is not None
        front = run.search.front
        sizes = [record.loss.size for record in front]
        fitnesses = [record.fitness for record in front]
        drawn = line(sizes, fitnesses, run.name, SERIES[place % len(SERIES)])
        drawn["line"]["shape"] = "hv"
        data.append(
            {
                **drawn,
                "text": [wrapped(record.loss) for record in front],
                "hovertemplate": "%{x} nodes: %{y:.4f}<br>%{text}",
            }
        )
    return Chart(data, _axes("nodes", runs))


def _axes(x: str, runs: Sequence[OverviewRun]) -> dict[str, object]:
    measured = {run.search.fitness for run in runs if run.search is not None}
    title = text(measured.pop()) if len(measured) == 1 else "fitness"
    return {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": title}}}
