"""Sizes of a search, of all its phases together."""

from __future__ import annotations

import enum

from glo_tf.search.config import SearchKeywords
from glo_tf.utils.choice import choice


class Preset(enum.StrEnum):
    """How much a search tries.

    Attributes:
        QUICK: To see that all works, and what a search does: some 100 trainings at most.
        STANDARD: For a result: some 1,000 trainings at most.
        PAPER: At the scale of arXiv 1905.11528, as far as it is known: some 10,000.
    """

    QUICK = "quick"
    STANDARD = "standard"
    PAPER = "paper"


_SIZES: dict[Preset, SearchKeywords] = {
    Preset.QUICK: {
        "population_size": 12,
        "elites": 2,
        "generations": 4,
        "coefficient_expressions": 1,
        "coefficient_generations": 3,
        "finalists": 3,
        "finalist_seeds": 1,
        "comparison_seeds": 3,
        "patience": 2,
    },
    Preset.STANDARD: {
        "population_size": 40,
        "elites": 4,
        "generations": 20,
        "coefficient_expressions": 1,
        "coefficient_generations": 15,
        "finalists": 5,
        "finalist_seeds": 3,
        "comparison_seeds": 5,
        "patience": 6,
    },
    Preset.PAPER: {
        "population_size": 80,
        "elites": 6,
        "generations": 100,
        "coefficient_expressions": 3,
        "coefficient_generations": 40,
        "finalists": 10,
        "finalist_seeds": 4,
        "comparison_seeds": 10,
        "patience": 20,
    },
}


def preset(name: str) -> SearchKeywords:
    """The arguments of `glo_tf.LossSearch` that say how much a search tries, by the name of a size.

    Args:
        name: `"quick"`, `"standard"` or `"paper"`.

    Raises:
        ValueError: If it is none of them.

    Example:
        >>> import glo_tf
        >>> glo_tf.preset("quick") | {"generations": 6}  # for LossSearch(model, ..., **these)
        {'population_size': 12, 'elites': 2, 'generations': 6, 'coefficient_expressions': 1, \
'coefficient_generations': 3, 'finalists': 3, 'finalist_seeds': 1, 'comparison_seeds': 3, \
'patience': 2}
    """
    return SearchKeywords(**_SIZES[choice(Preset, "preset", name)])
