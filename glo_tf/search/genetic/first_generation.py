"""The first generation: random trees, of which enough can learn for evolution to select among."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glo_tf.data.outputs import Activation, Outputs
from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.prefix import Node
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import kind_of
from glo_tf.screening.screen import Screen, Verdict
from glo_tf.search.ask_tell import loss_of, tree_of
from glo_tf.search.genetic import evolution
from glo_tf.search.spaces.space import SearchSpace
from glo_tf.training.candidate import Candidate

_HINT = "; a minus sign inside a loss, or none before it, is a product with -1"
_LARGEST_DRAW = 20_000  # trees, before a space is taken for one in which few can learn


def evolvable(loss: Expression) -> Expression:
    """The tree without coefficients whose loss is the given one, to the last bit.

    Evolution exchanges nodes, which have no coefficients there: a minus sign in the tree becomes a
    product with the leaf -1.

    Raises:
        ValueError: If a coefficient is neither 1 nor -1.
    """
    tree = tree_of(loss)

    def combine(index: int, operands: Sequence[tuple[Node, ...]]) -> tuple[Node, ...]:
        nodes = (tree.nodes[index], *(node for operand in operands for node in operand))
        factor = tree.coefficients[index]
        if factor not in (1.0, -1.0):
            raise InvalidArgumentError(
                "Expected initial_expressions without coefficients, which the discovery phase does "
                "not evolve without real constants: leave them out, for the coefficient phase to "
                "find, or search a space that has them, such as glo_constants. "
                f"Received: {loss.coefficients[index]} in '{loss}'"
            )
        return ("*", -1, *nodes) if factor == -1.0 else nodes

    return Expression(tree.fold(combine))


def evolvable_in(loss: Expression, space: SearchSpace) -> Expression:
    """The tree of a loss as a space evolves it: with factors where it has real constants.

    Raises:
        ValueError: If a coefficient is neither 1 nor -1, where the space has integers alone.
    """
    return evolvable(loss) if space.const_range is None else tree_of(loss)


def initial_trees(losses: Sequence[Expression], space: SearchSpace) -> list[Expression]:
    """The trees of given losses, without duplicates.

    Args:
        losses: Whole losses.
        space: What their trees have to be made of; one with integers has all, as mutation does.

    Raises:
        ValueError: If a loss lacks x or y, needs a node that the space lacks, or has coefficients
            where that has no real constants.
    """
    trees: dict[Expression, Expression] = {}
    for loss in losses:
        if not loss.has_x_and_y:
            raise InvalidArgumentError(
                f"Expected initial_expressions with x and y. Received: '{loss}'"
            )
        tree = evolvable_in(loss, space)
        absent = missing_nodes(tree, space)
        if absent:
            raise InvalidArgumentError(
                f"Expected initial_expressions of the nodes of search space '{space.name}'. "
                f"Received: '{loss}', with {', '.join(map(str, absent))}"
                + _HINT
                * (not {"*", -1}.isdisjoint(absent))
            )
        trees.setdefault(tree.canonical(), tree)
    return list(trees.values())


def known_trees(outputs: Outputs, space: SearchSpace) -> list[Expression]:
    """The trees that a search space begins with beside given ones, by what outputs are.

    Raises:
        ValueError: If one is no expression of x and y (`ParseError`).
    """
    texts = {
        Activation.LINEAR: space.begins_with,
        Activation.SOFTMAX: space.begins_with_of_classes,
    }.get(kind_of(outputs), ())
    losses = [Expression.parse(text) for text in texts]
    trees = [evolvable_in(loss, space) for loss in losses]
    return [tree for tree in trees if all(_has(space, node) for node in tree.nodes)]


def missing_nodes(tree: Expression, space: SearchSpace) -> list[Node]:
    """The nodes of a tree that a space has not; one with integers has all, as mutation does."""
    return sorted({node for node in tree.nodes if not _has(space, node)}, key=str)


def _has(space: SearchSpace, node: Node) -> bool:
    if isinstance(node, int):
        return space.const_range is not None or bool(space.constants)
    return node in space.weights


def first_generation(
    space: SearchSpace,
    size: int,
    rng: np.random.Generator,
    *,
    initial: Sequence[Expression] = (),
    screen: Screen | None = None,
    able: int = 1,
) -> list[Expression]:
    """Given trees, then random ones; if the screen rejects, at least `able` of all can learn.

    Hardly one random tree in a hundred can. To draw and examine a tree takes a fraction of a
    millisecond, so trees are drawn until enough are found; they replace others of the first draw.

    Args:
        space: What trees are made of.
        size: Trees in the generation.
        rng: Source of all randomness.
        initial: Trees that come first, at most `size`, whether they can learn or not.
        screen: Of the search; None for the plain algorithm.
        able: How many trees have to pass the screen.
    """
    population = [*initial, *evolution.initial_population(space, size, rng)][:size]
    if screen is None or not screen.rejects:
        return population
    passing = _passing(population, screen)
    for _ in range(_LARGEST_DRAW // size):
        if len(passing) >= able:
            break
        drawn = evolution.initial_population(space, size, rng)
        passing = _passing(passing + drawn, screen)
    first = [*initial, *(tree for tree in passing if tree not in initial)]
    others = [tree for tree in population if tree not in first]
    return (first + others)[:size]


def _passing(trees: Sequence[Expression], screen: Screen) -> list[Expression]:
    """The distinct ones that the screen lets through."""
    candidates = {tree: Candidate(loss_of(tree.canonical())) for tree in trees if tree.has_x_and_y}
    verdicts = screen.examine(list(candidates.values()))
    examined = zip(candidates, verdicts, strict=True)
    return [tree for tree, verdict in examined if verdict == Verdict()]
