"""Heats: short trainings before the full one, in which candidates run against each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Evaluation, Status

RACING_FACTOR = 3
"""Of the candidates in a heat, one in this many goes on."""


def heats(
    train_steps: int, shares: Sequence[int] = (RACING_FACTOR**2, RACING_FACTOR)
) -> tuple[int, ...]:
    """Training steps of the heats before the full training; fewer where there are few steps.

    Args:
        train_steps: Of the full training.
        shares: A heat has one in so many of these.
    """
    return tuple(train_steps // share for share in shares if train_steps >= share)


class Field:
    """What the candidates of a search reached in its heats; all but the best are pruned.

    That is successive halving (arXiv 1810.05934), against the candidates of earlier generations as
    well.

    Args:
        heats: Training steps of each heat.
    """

    def __init__(self, heats: Sequence[int]):
        self._reached: dict[int, list[float]] = {steps: [] for steps in heats}

    def prune(self, steps: int, results: Sequence[Evaluation]) -> Mapping[Candidate, Evaluation]:
        """Those that a heat ends for, with what is to be said of them.

        Args:
            steps: Of the heat.
            results: Of all its candidates.
        """
        reached = self._reached[steps]
        reached.extend(result.fitness for result in results)
        reached.sort(reverse=True)
        needed = reached[(len(reached) - 1) // RACING_FACTOR] if reached else 0.0
        lost = {}
        for result in results:
            if result.status != Status.OK:
                lost[result.candidate] = result
            elif result.fitness < needed:
                lost[result.candidate] = dataclasses.replace(result, status=Status.STOPPED)
        return lost
