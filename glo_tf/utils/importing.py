"""Imports of Keras and its backend, in three quarters of their time."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def quick_imports(*, freezes: bool = False) -> Iterator[None]:
    """Imports without looking for garbage, of which the million objects that they make are none.

    Args:
        freezes: Whether that is never done among these, either: in a process that has nothing else
            yet.
    """
    pauses = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if freezes:
            gc.freeze()
        if pauses:
            gc.enable()
