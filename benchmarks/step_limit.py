"""What ends a search that may have as many training steps as another one had."""

from __future__ import annotations

from typing import Any

import glo_tf


class StepLimit(glo_tf.Callback):
    """Ends a search after the generation in which its candidates reach a number of training steps.

    Args:
        limit: Of all candidates together; None to count only.

    Attributes:
        steps: What there has been so far, heats included, confirmation and comparison not.
    """

    def __init__(self, limit: int | None = None):
        self._limit = limit
        self.steps = 0

    def on_evaluation(self, record: Any) -> None:
        """Counts."""
        self.steps += record.steps

    def on_generation(self, generation: Any) -> None:
        """Ends the search."""
        if self._limit is not None and self.steps >= self._limit:
            raise glo_tf.StopSearch
