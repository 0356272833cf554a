"""Which part of the data something was measured on."""

from __future__ import annotations

import enum


class Split(enum.StrEnum):
    """Data that networks are not trained on."""

    VALIDATION = "validation"
    """Chooses: fitness and learning rates come from it."""
    TEST = "test"
    """Judges: nothing is chosen by it."""
