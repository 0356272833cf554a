"""Writes the report of a folder: what is there makes the page."""

from __future__ import annotations

import os
import pathlib

from glo_tf.report.asked import read_asked
from glo_tf.report.comparison_part import ComparisonPart
from glo_tf.report.page import render
from glo_tf.report.recommendation_part import RecommendationPart
from glo_tf.report.run_folder import read_search
from glo_tf.report.search_part import SearchPart
from glo_tf.results import run_files
from glo_tf.results.comparison import Comparison
from glo_tf.results.owned_files import check_free, write_owned
from glo_tf.results.recommendation import Recommendation
from glo_tf.results.run_files import COMPARISON
from glo_tf.utils.files import user_path
from glo_tf.utils.style import as_files, file_names

FIGURES = "figures"


def write_report(folder: str | os.PathLike[str], *, figures: bool = True) -> pathlib.Path:
    """Writes `report.html` for a search, ended or not, a comparison, a recommendation, or several.

    Args:
        folder: The search's `output_dir`, or a folder with a `comparison.json` or a
            `recommendation.json`.
        figures: Whether to write each figure also as PNG and SVG, into the folder's `figures`.

    Returns:
        The page: one file that needs no network.

    Raises:
        OSError: If files cannot be read or written.
        ValueError: If the folder holds none of them, a file is not as glo_tf writes it, or others
            have put one where the report or its figures go.
    """
    folder = user_path(folder)
    page = folder / run_files.REPORT
    check_free(page)
    path = folder / COMPARISON
    comparison: ComparisonPart | None = None
    if path.is_file():
        compared = read_asked(folder / run_files.COMPARISON_FLAGS)
        comparison = ComparisonPart(Comparison.load(path), asked=compared)
    recommendation: RecommendationPart | None = None
    if (folder / run_files.RECOMMENDATION).is_file():
        recommended = Recommendation.load(folder / run_files.RECOMMENDATION)
        asked = read_asked(folder / run_files.RECOMMENDATION_FLAGS)
        recommendation = RecommendationPart(recommended, asked)
    alone = (comparison or recommendation) is not None and not (folder / run_files.STUDY).exists()
    search = None if alone else _search_of(folder)
    parts = [part for part in (search, recommendation, comparison) if part is not None]
    html = render(
        "report.html.jinja",
        name=folder.resolve().name,
        search=search,
        recommendation=recommendation,
        comparison=comparison,
    )
    if figures:
        pictures = {
            folder / FIGURES / picture.name: picture
            for part in parts
            for picture in part.pictures()
        }
        check_free(*(file for path in pictures for file in file_names(path)))
        (folder / FIGURES).mkdir(exist_ok=True)
        for path, picture in pictures.items():
            for file, data in zip(file_names(path), as_files(picture.figure), strict=True):
                write_owned(file, data)
    write_owned(page, html)
    return page


def _search_of(folder: pathlib.Path) -> SearchPart:
    return SearchPart(read_search(folder), read_asked(folder / run_files.FLAGS))
