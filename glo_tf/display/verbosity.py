"""How much is shown, as `keras.Model.fit` has it."""

from __future__ import annotations

import enum
from typing import Literal, TypeAlias

from glo_tf.errors import InvalidArgumentError, shown

Verbose: TypeAlias = Literal["auto", 0, 1, 2]
"""What users say: `"auto"` is 1."""


class Verbosity(enum.IntEnum):
    """How much is shown.

    Attributes:
        SILENT: Nothing.
        BAR: Lines, and a bar where there is a terminal or a notebook.
        LINES: Lines alone.
    """

    SILENT = 0
    BAR = 1
    LINES = 2

    @classmethod
    def of(cls, verbose: object) -> Verbosity:
        """What a user's `verbose` says.

        Raises:
            ValueError: If it says nothing.
        """
        if verbose == "auto":
            return cls.BAR
        if isinstance(verbose, int) and verbose in [*cls]:
            return cls(verbose)
        raise InvalidArgumentError(
            "Expected verbose to be auto, 0 (silent), 1 (lines and a bar) or 2 (lines). "
            f"Received: verbose={shown(verbose)}"
        )
