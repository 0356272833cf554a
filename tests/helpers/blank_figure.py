"""Takes the place of the figures of reports, which most tests don't look at.

Drawing takes longer than all else in a small search.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from glo_tf.utils import style


def svg(*_: object, **__: object) -> str:
    """As `glo_tf.utils.style.svg`, without a drawing."""
    return '<svg viewBox="0 0 1 1"></svg>'


def blank() -> contextlib.AbstractContextManager[None]:
    """Reports have figures, and nothing is on them."""
    return _drawn_by(svg)


def drawn() -> contextlib.AbstractContextManager[None]:
    """Reports have figures as users have them."""
    return _drawn_by(style.svg)


@contextlib.contextmanager
def _drawn_by(draw: Callable[..., str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glo_tf.report.inline.svg", draw)
        yield
