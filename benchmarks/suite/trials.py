"""An equal number of trials for each loss, over its learning rate and its own parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import qmc

from benchmarks.suite.known import Rival

RATES = {"sgd": (0.002, 1.0), "adam": (0.0002, 0.1)}
"""Where the learning rates of cross-entropy are looked for, and by steepness those of others."""


@dataclasses.dataclass(frozen=True)
class Budget:
    """What each loss is given.

    Attributes:
        spread: Trials over the whole of the ranges.
        near: Trials around the best of those.
        draws: Draws of which each trial trains one network.
        seeds: Fresh draws on which the chosen trial is tested.
    """

    spread: int = 16
    near: int = 8
    draws: int = 3
    seeds: int = 20


BUDGET = Budget()


@dataclasses.dataclass(frozen=True)
class Setting:
    """One trial.

    Attributes:
        rate: Learning rate.
        parameters: Of the loss.
    """

    rate: float
    parameters: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Trial:
    """A setting and what it gave on validation data; None where a network diverged.

    Attributes:
        setting: What was tried.
        stopped: Mean score with early stopping, the larger the better.
        last: Mean score at the end of the training.
    """

    setting: Setting
    stopped: float | None
    last: float | None


def tuned(
    rival: Rival,
    optimizer: str,
    budget: Budget,
    steepness: Callable[[Sequence[float]], float],
    tried: Callable[[Setting], Trial],
) -> list[Trial]:
    """All trials of a loss: first spread over the ranges, then around the best of them.

    Args:
        rival: The loss.
        optimizer: Whose rates.
        budget: How many.
        steepness: Of the loss with some parameters; what the steps of SGD grow with.
        tried: Does a trial.
    """
    low, high = RATES[optimizer]
    sides = 1 + len(rival.ranges)

    def setting(point: np.ndarray) -> Setting:
        values = tuple(
            each.value(float(np.clip(share, 0.0, 1.0)))
            for each, share in zip(rival.ranges, point[1:], strict=True)
        )
        rate = low * (high / low) ** float(point[0])
        if optimizer == "sgd":
            steep = steepness(values)
            rate /= steep if 0.0 < steep < np.inf else 1.0
        return Setting(rate, values)

    points = list(_spread(sides, budget.spread))
    trials = [tried(setting(point)) for point in points]
    centre = points[trials.index(best(trials))]
    around = centre + (_spread(sides, budget.near) - 0.5) * 0.3
    return trials + [tried(setting(point)) for point in around]


def as_data(trials: Sequence[Trial]) -> dict[str, list[Any]]:
    """Columns for JSON."""
    return {
        "rate": [rounded(trial.setting.rate) for trial in trials],
        "parameters": [[rounded(p) for p in trial.setting.parameters] for trial in trials],
        "stopped": [trial.stopped for trial in trials],
        "last": [trial.last for trial in trials],
    }


def best(trials: Sequence[Trial], *, stopped: bool = True) -> Trial:
    """The one with the best validation score; the first of equals."""

    def score(trial: Trial) -> float:
        found = trial.stopped if stopped else trial.last
        return -np.inf if found is None else found

    return max(trials, key=score)


def rounded(value: float) -> float:
    """To five digits."""
    return float(f"{value:.5g}")


def _spread(sides: int, count: int) -> np.ndarray:
    """Points that fill `[0, 1]^sides` evenly, the same for all losses with as many sides."""
    if sides == 1:
        return (np.arange(count)[:, None] + 0.5) / count
    found: np.ndarray = qmc.Halton(sides, seed=0).random(count)
    return found
