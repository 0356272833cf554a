"""Whether a metric is to be large or small."""

from __future__ import annotations

import enum


class Mode(enum.StrEnum):
    """Whether a metric is to be large or small; Keras's names."""

    MAX = "max"
    MIN = "min"
