"""The leaves with a name, and all that is known of each; integers are leaves, too."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Leaf:
    """What stands for data in an expression.

    Attributes:
        name: In trees and in their text.
        argument: Name of what it stands for in `keras.losses.Loss.call`; text may have that, too.
        depends: Whether it changes with the prediction y, so that it has a slope.
        assumed: What SymPy may assume of its symbol where labels and predictions are probabilities.
    """

    name: str
    argument: str
    depends: bool
    assumed: Mapping[str, bool]


LEAVES: Mapping[str, Leaf] = {
    leaf.name: leaf
    for leaf in (
        Leaf("x", "y_true", depends=False, assumed={"nonnegative": True}),
        Leaf("y", "y_pred", depends=True, assumed={"positive": True}),
    )
}
"""By name, in the order of their registers in programs."""

SPELLINGS: Mapping[str, str] = {
    **{name: name for name in LEAVES},
    **{leaf.argument: name for name, leaf in LEAVES.items()},
}
"""The leaf that each name in a text stands for; no operation has one of these names."""


def values(y_true: Any, y_pred: Any) -> dict[str, Any]:
    """The value of each leaf, by name, in the order of `LEAVES`."""
    return {"x": y_true, "y": y_pred}
