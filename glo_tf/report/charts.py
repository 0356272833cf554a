"""Figures of a page that answer to a pointer: what Plotly draws, in the colours of the page.

A chart says what a figure says; scripts put it in the figure's place. Where there are none, and on
paper, the figure stays.
"""

from __future__ import annotations

import dataclasses
import html
import json
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from glo_tf.utils.display_text import legible

_LINE, _LINES = 56, 5  # characters of a line of what a pointer shows, and lines of a loss


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


def line(x: Sequence[float], y: Sequence[float], name: str, color: str) -> dict[str, Any]:
    """A line in a colour of the page; it has dots where these can be told apart."""
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(x) < 40 else "lines",
        "x": list(x),
        "y": list(y),
        "name": short(name),
        "line": {"color": f"--{color}", "width": 2},
        "marker": {"color": f"--{color}"},
    }


def short(name: str) -> str:
    """A loss's name in few and short lines."""
    return "<br>".join(map(text, textwrap.wrap(textwrap.shorten(legible(name), 60), 24)))


def _plain(value: Any) -> Any:
    """Without what JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value
