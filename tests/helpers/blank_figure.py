"""Takes the place of the figures of reports, which most tests don't look at.

To make and draw them takes longer than all else in a small search.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from matplotlib.figure import Figure

from glo_tf.report import comparison_part, inline, recommendation_part, search_pictures
from glo_tf.utils import style

_PLOTS = {
    (module, name): function
    for module in (comparison_part, recommendation_part, search_pictures)
    for name, function in vars(module).items()
    if name.startswith("plot_")
}


def svg(*_: object, **__: object) -> str:
    """As `glo_tf.utils.style.svg`, without a drawing."""
    return '<svg viewBox="0 0 1 1"></svg>'


def plot(*_: object, **__: object) -> Figure:
    """As the functions of `glo_tf.plots`, without anything on it."""
    return Figure()


def blank() -> contextlib.AbstractContextManager[None]:
    """Reports have figures, and nothing is on them."""
    return _figures(svg, dict.fromkeys(_PLOTS, plot))


def made() -> contextlib.AbstractContextManager[None]:
    """Reports make their figures, of which none is drawn."""
    return _figures(svg, _PLOTS)


def drawn() -> contextlib.AbstractContextManager[None]:
    """Reports have figures as users have them."""
    return _figures(style.svg, _PLOTS)


@contextlib.contextmanager
def _figures(
    draw: Callable[..., str], plots: dict[tuple[types.ModuleType, str], Callable[..., Any]]
) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inline, "svg", draw)
        for (module, name), function in plots.items():
            patch.setattr(module, name, function)
        yield
