"""Whether a metric is to be large or small."""

from __future__ import annotations

import enum


class Mode(enum.StrEnum):
    """Whether a metric is to be large or small; Keras's names."""

    MAX = "max"
    MIN = "min"

    def better(self, difference: float) -> bool:
        """Whether a value that differs by so much from another is the better one."""
        return difference > 0 if self is Mode.MAX else difference < 0
