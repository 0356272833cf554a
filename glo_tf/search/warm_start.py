"""Known losses that a search begins with: in its population, and where CMA-ES starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from glo_tf.data.outputs import Outputs
from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.prefix import Node
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import kind_of
from glo_tf.losses.given import Losses
from glo_tf.search.ask_tell import tree_of
from glo_tf.search.genetic.first_generation import evolvable_in, missing_nodes
from glo_tf.search.spaces.space import SearchSpace

LIBRARY = "library"
"""Stands for all losses with a name that fit the outputs of the model."""

_NO_EXPRESSION = "it looks at all classes at once"


@dataclasses.dataclass(frozen=True)
class WarmStart:
    """The known losses of a search.

    Attributes:
        losses: What begins the population, by name: whole losses, with their coefficients.
        left_out: Why others of the library do not, by name.
    """

    losses: Mapping[str, Expression] = dataclasses.field(default_factory=dict)
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        line = f"begins with {', '.join(self.losses)}"
        others = "; ".join(f"{name}, as {reason}" for name, reason in self.left_out.items())
        return f"{line}; without {others}" if others else line


def warm_start(given: str | Losses | None, space: SearchSpace, outputs: Outputs) -> WarmStart:
    """The losses that a user wants to begin with, as far as the space can express them.

    Args:
        given: Losses, or text with commas between them; `LIBRARY`, or that among them, stands for
            all with a name. None for none.
        space: What the trees of the search are made of.
        outputs: Of the model.

    Raises:
        ValueError: If one that is named is no loss that can be trained, or not of the nodes of the
            space, or the space has no discovery phase; of the library, if none is left.
        OSError: If a file cannot be read.
    """
    from glo_tf.losses.lookup import by_name, known_losses, known_of_all_classes, split_losses

    if given is None:
        return WarmStart()
    if not space.has_discovery:
        raise InvalidArgumentError(
            "Expected a search space with a discovery phase for initial_losses. "
            f"Received: search_space='{space.name}'"
        )
    if isinstance(given, str):
        given = split_losses(given, "initial_losses")
    with_library = not isinstance(given, Mapping) and LIBRARY in given
    if not isinstance(given, Mapping):
        given = [loss for loss in given if loss != LIBRARY]
    named = by_name(given, outputs, "initial_losses")
    for name, loss in named.items():
        if absent := missing_nodes(tree_of(loss), space):
            raise InvalidArgumentError(
                f"Expected initial_losses of the nodes of search space '{space.name}', or another "
                f"search space. Received: '{name}', which needs {_listed(absent)}"
            )
    losses, left_out = dict(named), {}
    if with_library:
        library = {**known_losses(outputs), **known_of_all_classes(outputs)}
        for name, loss in library.items():
            if absent := missing_nodes(tree_of(loss), space):
                left_out[name] = f"it needs {_listed(absent)}"
            elif loss not in losses.values():
                losses.setdefault(name, loss)
        for name in _of_all_classes(outputs):
            if name not in library:
                left_out.setdefault(name, _NO_EXPRESSION)
    if not losses:
        raise InvalidArgumentError(
            f"Expected initial_losses that search space '{space.name}' can express. "
            f"Received: none; {WarmStart({}, left_out)}"
        )
    return WarmStart(losses, left_out)


def starting_trees(losses: Sequence[Expression], space: SearchSpace) -> list[Expression]:
    """The trees of known losses, as the first generation has them.

    Where the space has real constants, offspring inherit the coefficients. Else they are made of
    nodes alone, without them; a minus sign becomes a node where the space has that.
    """
    return [_tree(loss, space) for loss in losses]


def known_starts(
    tree: Expression, losses: Sequence[Expression], space: SearchSpace
) -> list[tuple[float, ...]]:
    """The coefficients that known losses have in the shape of a tree, where these are not all 1.

    Args:
        tree: In canonical order, as it was evaluated.
        losses: Known ones.
        space: Of the search.
    """
    known = [tree, *(each.canonical() for each in starting_trees(losses, space))]
    starts = [one.coefficients for one in known if one.nodes == tree.nodes]
    return list(dict.fromkeys(start for start in starts if set(start) != {1.0}))


def _tree(loss: Expression, space: SearchSpace) -> Expression:
    try:
        tree = evolvable_in(loss, space)
    except InvalidArgumentError:
        return tree_of(loss)
    return tree_of(loss) if missing_nodes(tree, space) else tree


def _of_all_classes(outputs: Outputs) -> list[str]:
    """Names of losses that fit the outputs, and look at all classes at once."""
    from glo_tf.losses.all_classes import AllClassesLoss
    from glo_tf.losses.named import NAMED_LOSSES

    kind = kind_of(outputs)
    return [
        name
        for name, loss in NAMED_LOSSES.items()
        if issubclass(loss, AllClassesLoss) and kind in loss.FITS
    ]


def _listed(nodes: Sequence[Node]) -> str:
    return ", ".join(map(str, nodes))
