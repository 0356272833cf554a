"""What a loss is worth at each learning rate that was tried with it."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class RateCurve:
    """Fitness against learning rate, of one loss on one part of the training data.

    Attributes:
        name: Of the loss.
        train_fraction: Of the training data.
        learning_rates: All that were tried, rising, positive.
        fitnesses: Mean fitness at each of them, from validation data; a training that failed counts
            with 0.
        learning_rate: The one that was chosen, which is one of them.
    """

    name: str
    train_fraction: float
    learning_rates: tuple[float, ...]
    fitnesses: tuple[float, ...]
    learning_rate: float

    @property
    def fitness(self) -> float:
        """That of the chosen learning rate."""
        return self.fitnesses[self.learning_rates.index(self.learning_rate)]
