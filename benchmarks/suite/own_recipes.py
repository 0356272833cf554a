"""What the losses of our own were searched for with; a name each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from benchmarks.suite.variants import with_constants
from glo_tf import search_spaces
from glo_tf.search_spaces import SearchSpace

USUAL_LOSS = "-(x*log(y))"
_SIMPLE = (
    *(USUAL_LOSS, "-(x*sqrt(y))", "square(x-y)", "-(x*y)", "-(x*(y+log(y)))"),
    *("-(x*sqrt(sqrt(y)))", "-(x*y+sqrt(y))", "-(x*y+sqrt(sqrt(y)))", "-(x*y+log(y))"),
    *("-(x*sqrt(y)+log(y))", "-(x*log(y)-y*y)"),
)
_WITH_CONSTANTS = (
    *("-(x*(y + 0.05*log(y)))", "-(x*(y + 0.2*log(y)))", "square(3*x - y)", "square(1.5*x - y)"),
    *("-(x*y + 0.1*sqrt(y))", "-(x*y + sqrt(y)/C)", "-(x*y + 0.1*square(y))", "-(x*y + log(y)/C)"),
)
_FOUND_BEFORE = (
    *("-(x*y + sqrt(sqrt(y))/C)", "-(x*(y + 0.052*log(y)) + 0.047*(y*square(y)))"),
    *("-(x*y + 2*sqrt(sqrt(y))/C + 0.28*square(y))",),
    *("-(x*(y + 0.05*log(y)) + 2*sqrt(sqrt(y))/C + 0.28*square(y))",),
)
"""By searches that were cut off, and by that for `ladoga`, with its sum in proportion to 1/C."""
_RARE = (
    *(USUAL_LOSS, "-(x*log(y)/n)", "-(x*log(y)/sqrt(n))", "-(x*log(y*n/total(y*n)))"),
    *("-(x*log(y*sqrt(n)/total(y*sqrt(n))))", "square(x-y)", "-(x*sqrt(y)/n)", "-(x*y/n)"),
    *("-(x*sqrt(y))", "-(x*log(y) - n*log(y))", "-(x*log(y) + 0.1*log(y)/C)", "square(x-y)/n"),
)


@dataclasses.dataclass(frozen=True)
class OwnRecipe:
    """One search.

    Attributes:
        tasks: Whose mean fitness counts; those of a data set share a draw.
        space: Makes the search space.
        start: What the first generation begins with.
        seed: Of the search.
    """

    tasks: tuple[str, ...]
    space: Callable[[], SearchSpace]
    start: tuple[str, ...]
    seed: int


def _with_constants_and_classes() -> SearchSpace:
    space = search_spaces.glo_constants()
    return dataclasses.replace(space, name="own_loss", weights={**space.weights, "C": 1.5})


def _long_tail() -> SearchSpace:
    space = with_constants(search_spaces.glo_long_tail())
    return dataclasses.replace(space, name="own_long_tail", weights={**space.weights, "C": 1.0})


def _noise(*data_sets: str) -> tuple[str, ...]:
    kinds = ("symmetric", "asymmetric")
    return tuple(f"noise/{kind} 40 %/{data_set}" for data_set in data_sets for kind in kinds)


RECIPES: dict[str, OwnRecipe] = {
    "ladoga": OwnRecipe(_noise("digits", "satimage", "penbased"), search_spaces.glo, _SIMPLE, 12),
    "onega": OwnRecipe(
        _noise("digits", "letter", "satimage"),
        _with_constants_and_classes,
        _SIMPLE + _WITH_CONSTANTS + _FOUND_BEFORE,
        16,
    ),
    "long_tail": OwnRecipe(
        tuple(
            f"tail/ratio {ratio}/{data_set}/balanced accuracy"
            for data_set in ("letter", "satimage")
            for ratio in (20, 100)
        ),
        _long_tail,
        _RARE,
        15,
    ),
}
"""By the name of what was found, once that has one."""
