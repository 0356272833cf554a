"""Ways to search for a loss of one task, by their names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glo_tf.search_spaces import SearchSpace


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to search.

    Attributes:
        name: How what it finds is shown.
        settings: Arguments of `glo_tf.LossSearch` that differ.
        random: Whether trees are random in all generations.
        constants: Whether trees have real constants, beside the nodes of the task's search space.
        steps_of: Name of a variant that has run before, and whose training steps end this one.
        space: In place of the task's search space.
        nodes: Weights of nodes beside those of the search space.
        begins_with: By the search spaces of the tasks that it is for, with which losses it begins
            beside the known ones; None if it is for all tasks.
        against: Name of the variant from which it differs in one thing.
    """

    name: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    random: bool = False
    constants: bool = True
    steps_of: str | None = None
    space: str | None = None
    nodes: Mapping[str, float] = dataclasses.field(default_factory=dict)
    begins_with: Mapping[str, Sequence[str]] | None = None
    against: str = "found"

    def is_for(self, space: str) -> bool:
        """Whether it is one for tasks with this search space."""
        return self.begins_with is None or space in self.begins_with

    def space_of(self, name: str) -> SearchSpace:
        """The search space that takes the place of a task's."""
        from glo_tf import search_spaces

        space = getattr(search_spaces, self.space or name)()
        weights = {**space.weights, **self.nodes}
        space = dataclasses.replace(
            space, weights=weights, begins_with=(), begins_with_of_classes=()
        )
        return with_constants(space) if self.constants else space


_RANDOM: dict[str, Any] = {"initial_losses": None}
_FADING = (
    "-(log(y)*(x*(1 - t) + y*t))",
    "-(x*log(y)*(1 - t) + square(t)*(y*log(y)))",
    "-(x*(y + 0.1*log(y)) + t*(y*log(y)))",
    "-(x*(y + 0.1*log(y))*(1 - t) + square(t)*(y*log(y)))",
)
"""For losses that see t, beside known ones: learn from labels first, then grow sure of it."""
_SMOOTHED = (
    "-(log(y)*(1 + x/n))",
    "-(x*log(n*y/total(n*y)) + 0.02*log(y))",
    "-(x*log(n*y/total(n*y)) + 0.02*((1 - t)*log(y)))",
    "-(x*log(y*exp(0.9*log(n))/total(y*exp(0.9*log(n)))) + 0.02*((1 - t)*log(y)))",
)
"""The same with long tails: adjust to n, and keep a share of all classes, for good or at first."""
_FIXED = "found from random trees with fixed coefficients"

VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("found"),
        Variant(
            "found with t",
            nodes={"t": 2.0},
            begins_with={"glo": _FADING, "glo_long_tail": _SMOOTHED},
        ),
        Variant("found from random trees", _RANDOM),
        Variant("found without real constants", constants=False),
        Variant("found at the given rate", {"learning_rate": "given"}),
        Variant(
            _FIXED, {**_RANDOM, "coefficient_expressions": 0}, against="found from random trees"
        ),
        Variant(
            "found by random search",
            {**_RANDOM, "coefficient_expressions": 0, "generations": 100},
            random=True,
            steps_of=_FIXED,
            against=_FIXED,
        ),
        Variant("found without n", space="glo", begins_with={"glo_long_tail": ()}),
        Variant("found without early stopping", {"strategy": "local"}),
        Variant("found without screening", {"screening": "none"}),
    )
}
"""By name. The first is what claims are made with; the others show why."""


def chosen_variants(names: Sequence[str]) -> list[str]:
    """Names of variants, each after what it needs.

    Args:
        names: Of variants, or `all`.

    Raises:
        ValueError: If there is no such one, or one that it needs is not before it.
    """
    chosen = list(VARIANTS) if list(names) == ["all"] else list(names)
    for place, name in enumerate(chosen):
        if name not in VARIANTS:
            raise ValueError(
                f"Expected all, or variants among {', '.join(VARIANTS)}. Received: variants={name}"
            )
        needed = VARIANTS[name].steps_of
        if needed and needed not in chosen[:place]:
            raise ValueError(f"Expected '{needed}' before '{name}'. Received: variants={names}")
    return chosen


def with_constants(space: SearchSpace) -> SearchSpace:
    """The same with the real constants of `glo_constants`."""
    from glo_tf import search_spaces

    given = search_spaces.glo_constants()
    return dataclasses.replace(
        space,
        const_range=given.const_range,
        const_weight=given.const_weight,
        coefficient_sigma0=given.coefficient_sigma0,
    )
