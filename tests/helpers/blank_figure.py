"""Takes the place of the figures of reports, which most tests don't look at.

Drawing takes longer than all else in a small search.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from glo_tf.utils import style

_DRAWN_BY = "glo_tf.report.inline.svg"


def svg(*_: object, **__: object) -> str:
    """As `glo_tf.utils.style.svg`, without a drawing."""
    return '<svg viewBox="0 0 1 1"></svg>'


@contextlib.contextmanager
def blank() -> Iterator[None]:
    """Reports have figures, and nothing is on them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_DRAWN_BY, svg)
        yield


@contextlib.contextmanager
def drawn() -> Iterator[None]:
    """Reports have figures as users have them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_DRAWN_BY, style.svg)
        yield
