"""Writes the report of a folder: what is there makes the page."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import pathlib
import platform

import jinja2
from markupsafe import Markup

from glo_tf.report.comparison_part import ComparisonPart
from glo_tf.report.run_folder import read_search
from glo_tf.report.search_part import SearchPart
from glo_tf.results import run_files
from glo_tf.results.comparison import Comparison
from glo_tf.results.owned_files import check_free, write_owned
from glo_tf.results.run_files import COMPARISON
from glo_tf.utils.display_text import legible
from glo_tf.utils.files import user_path
from glo_tf.utils.style import DARK, LIGHT, as_files, file_names

FIGURES = "figures"


def write_report(folder: str | os.PathLike[str], *, figures: bool = True) -> pathlib.Path:
    """Writes `report.html` for a search, ended or not, for a comparison, or for both.

    Args:
        folder: The search's `output_dir`, or a folder with a `comparison.json`.
        figures: Whether to write each figure also as PNG and SVG, into the folder's `figures`.

    Returns:
        The page: one file that needs no network.

    Raises:
        OSError: If files cannot be read or written.
        ValueError: If the folder holds neither, a file is not as glo_tf writes it, or others have
            put one where the report or its figures go.
    """
    folder = user_path(folder)
    page = folder / run_files.REPORT
    check_free(page)
    path = folder / COMPARISON
    comparison = ComparisonPart(Comparison.load(path)) if path.is_file() else None
    alone = comparison is not None and not (folder / run_files.STUDY).exists()
    search = None if alone else SearchPart(read_search(folder))
    parts = [part for part in (search, comparison) if part is not None]
    html = (
        _environment()
        .get_template("report.html.jinja")
        .render(
            name=folder.resolve().name,
            search=search,
            comparison=comparison,
            light=LIGHT,
            dark=DARK,
            written_with={
                "glo_tf": importlib.metadata.version("glo_tf"),
                "Python": platform.python_version(),
                "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
            },
        )
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
    write_owned(page, html.encode())
    return page


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("glo_tf.report"),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["value"] = functools.partial(_number, form=".4g")
    environment.filters["measured"] = functools.partial(_number, form="#.4g")  # 0.9910, not 0.991
    environment.filters["p_value"] = functools.partial(_number, form=".2g")
    return environment


def _shown(value: object) -> object:
    """What the page says: text that is no markup may hold anything."""
    text = isinstance(value, str) and not isinstance(value, Markup)
    return legible(str(value), keep="\n\t") if text else value


def _number(value: float | None, *, form: str) -> str:
    """A number for readers."""
    return "–" if value is None else format(value, form)  # noqa: RUF001 (a dash: there is none)
