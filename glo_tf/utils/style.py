"""How figures look, and how they become files.

Figures are made with matplotlib's objects alone: they belong to no window, and nothing global is
changed. They are drawn in the colours of a light page, each of which has a counterpart in `DARK`.
"""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import matplotlib
from cycler import cycler
from matplotlib.figure import Figure

from glo_tf.utils.display_text import legible
from glo_tf.utils.files import GENERATOR, user_path, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIGHT = {
    "page": "#ffffff",
    "ink": "#1f2328",
    "muted": "#59636e",
    "grid": "#d0d7de",
    "grey": "#767e87",
    "blue": "#0067b0",
    "orange": "#b84a00",
    "green": "#007a5e",
    "purple": "#a03f86",
    "ochre": "#806600",
}
"""Colours of text, lines and series on a light page, by name; the series' differ in lightness or
hue to every kind of colour vision, and stand out from the page by 3:1 or more."""

DARK = {
    "page": "#14181d",
    "ink": "#e6edf3",
    "muted": "#9fa9b4",
    "grid": "#39414a",
    "grey": "#8b949e",
    "blue": "#58b4f0",
    "orange": "#f0883e",
    "green": "#34c8a0",
    "purple": "#e28bc8",
    "ochre": "#dcbf45",
}
"""Their counterparts on a dark page."""

SERIES = ("blue", "orange", "green", "purple", "ochre")
"""Names of the colours of series, in the order of their use; what is usual is `"grey"`."""

SIZE = (5.4, 3.6)
"""Width and height of a figure with one panel, in inches: its text is readable on a phone."""

_DPI = 110  # of a figure in a notebook
_LONGEST, _LONGEST_LABEL = 44, 80  # characters of a name in a figure, of the label of an axis

_STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": LIGHT["muted"],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": LIGHT["ink"],
    "axes.prop_cycle": cycler(color=[LIGHT[name] for name in SERIES]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "figure.facecolor": LIGHT["page"],
    "font.family": "DejaVu Sans",  # comes with matplotlib, so a figure is the same everywhere
    "font.size": 9.5,
    "grid.color": LIGHT["grid"],
    "grid.linewidth": 0.6,
    "legend.fontsize": 9.0,
    "legend.frameon": False,
    "text.color": LIGHT["ink"],
    "xtick.color": LIGHT["muted"],
    "xtick.labelcolor": LIGHT["ink"],
    "ytick.color": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["ink"],
}


class Picture(Figure):
    """A figure that notebooks show where it is the last of a cell, without pyplot."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=_DPI, facecolor=LIGHT["page"])
        return file.getvalue()


@contextlib.contextmanager
def style() -> Iterator[None]:
    """The look of figures that are drawn inside, whatever a user's own settings of matplotlib."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        with warnings.catch_warnings():
            # A sign that the font lacks is a box in a PNG; in a page, the reader's fonts have it.
            warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
            yield


def literal(text: str, longest: int = _LONGEST) -> str:
    """Text that matplotlib shows as it is, though it might read as a formula; long text is cut."""
    text = legible(text)
    if len(text) > longest:
        end = longest // 2  # holds what tells a tuned learning rate
        text = f"{text[: longest - end - 1]}…{text[-end:]}"
    # A legend leaves out what begins with an underscore; the space before it has no width.
    return ("\u200b" if text.startswith("_") else "") + text.replace("$", r"\$")


def axis_label(text: str) -> str:
    """The same for what an axis shows, which holds the name of a metric."""
    return literal(text, _LONGEST_LABEL)


def panel(title: str, xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    """A figure with one panel; for use in `style`."""
    figure = Picture(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlabel=axis_label(xlabel), ylabel=axis_label(ylabel))
    return figure, axes


def save(figure: Figure, path: str | os.PathLike[str]) -> list[pathlib.Path]:
    """Writes a figure as PNG, on white, and as SVG, transparent.

    Args:
        figure: The figure.
        path: Of the files, without a suffix.

    Returns:
        The two files.

    Raises:
        OSError: If they cannot be written.
    """
    paths = file_names(user_path(path))
    for written, data in zip(paths, as_files(figure), strict=True):
        write_whole(written, data)
    return paths


def file_names(path: pathlib.Path) -> list[pathlib.Path]:
    """The files that `save` writes."""
    return [path.with_name(path.name + suffix) for suffix in (".png", ".svg")]


def as_files(figure: Figure) -> tuple[bytes, bytes]:
    """Their contents."""
    image = io.BytesIO()
    with style():
        figure.savefig(image, format="png", dpi=200, metadata={"Software": GENERATOR})
    return image.getvalue(), svg(figure, creator=GENERATOR).encode()


def svg(figure: Figure, *, text_as_text: bool = False, creator: str | None = None) -> str:
    """A figure as an SVG document, the same for the same figure.

    Args:
        figure: The figure.
        text_as_text: Whether text stays text, in whatever font there is, and not outlines.
        creator: What the document names as its maker.
    """
    file = io.StringIO()
    with style():
        matplotlib.rcParams["svg.hashsalt"] = "glo_tf"  # ids would be random
        matplotlib.rcParams["svg.fonttype"] = "none" if text_as_text else "path"
        figure.savefig(
            file, format="svg", facecolor="none", metadata={"Date": None, "Creator": creator}
        )
    return file.getvalue()
