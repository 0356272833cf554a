"""Search spaces: which nodes trees are made of, and how likely each is."""

from __future__ import annotations

import bisect
import dataclasses
import functools
import itertools
from collections.abc import Mapping

import numpy as np

from glo_tf.expression import Node, arity, is_named_node, named_nodes


@dataclasses.dataclass(frozen=True)
class SearchSpace:
    """The nodes of a search and their weights.

    Attributes:
        name: Under which it is registered.
        description: One line for `--mode=list`.
        weights: Relative probability of each node (operations of `glo_tf.nodes`, x, y and integers)
            among the nodes that may stand at a place.
        max_initial_depth: Deepest tree of the initial population, in edges.

    Raises:
        ValueError: If a node is unknown, a weight is not positive, or x or y is missing.
    """

    name: str
    description: str
    weights: Mapping[Node, float]
    max_initial_depth: int = 2

    def __post_init__(self) -> None:
        for node, weight in self.weights.items():
            if not (isinstance(node, int) or is_named_node(node)):
                raise ValueError(
                    f"Expected integers and nodes among {named_nodes()}. Received: {node!r}"
                )
            if not weight > 0:
                raise ValueError(f"Expected positive weights. Received: weights[{node!r}]={weight}")
        if not {"x", "y"} <= set(self.weights):
            raise ValueError(
                f"Expected weights for x and y. Received: {sorted(map(str, self.weights))}"
            )
        if self.max_initial_depth < 0:
            raise ValueError(
                "Expected max_initial_depth of at least 0. "
                f"Received: max_initial_depth={self.max_initial_depth}"
            )

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the nodes that take operands."""
        return tuple(node for node in self.weights if isinstance(node, str) and arity(node))

    def draw_same_arity(self, count: int, random: float) -> Node:
        """The node with `count` operands at `random`, uniform in [0, 1), on the weights' wheel."""
        return self._by_arity[count].at(random)

    def draw_leaf(self, random: float) -> Node:
        """A leaf; `random` as in `draw_same_arity`."""
        return self.draw_same_arity(0, random)

    def draw_function(self, random: float) -> str | None:
        """A node with operands; None if the space has none."""
        return str(self._functions.at(random)) if self.functions else None

    def draw_tree(self, rng: np.random.Generator) -> tuple[Node, ...]:
        """Random prefix list of depth at most `max_initial_depth`, its nodes drawn by weight."""

        def grow(depth: int) -> list[Node]:
            node = (self._any if depth else self._by_arity[0]).at(rng.random())
            return [node, *itertools.chain(*(grow(depth - 1) for _ in range(arity(node))))]

        return tuple(grow(self.max_initial_depth))

    @functools.cached_property
    def _by_arity(self) -> dict[int, _Wheel]:
        return {count: _Wheel(self.weights, {count}) for count in set(map(arity, self.weights))}

    @functools.cached_property
    def _functions(self) -> _Wheel:
        return _Wheel(self.weights, {1, 2})

    @functools.cached_property
    def _any(self) -> _Wheel:
        return _Wheel(self.weights, {0, 1, 2})


class _Wheel:
    """Nodes of some arities, found by a uniform random number."""

    def __init__(self, weights: Mapping[Node, float], arities: set[int]):
        self._nodes = [node for node in weights if arity(node) in arities]
        self._cumulative = list(itertools.accumulate(weights[node] for node in self._nodes))

    def at(self, random: float) -> Node:
        place = bisect.bisect_right(self._cumulative, random * self._cumulative[-1])
        return self._nodes[min(place, len(self._nodes) - 1)]


def glo() -> SearchSpace:
    """log, square, sqrt, + - * /, x, y, 1, -1: the nodes of arXiv 1905.11528.

    The nodes are the paper's; weights and initial depth are the project's default, as the paper's
    appendix is not public.
    """
    weights: dict[Node, float] = {
        "log": 3.0,
        "square": 1.0,
        "sqrt": 2.0,
        "+": 1.0,
        "-": 1.0,
        "*": 1.0,
        "/": 1.0,
        "x": 3.0,
        "y": 3.0,
        1: 1.0,
        -1: 1.0,
    }
    return SearchSpace("glo", "the paper's nodes: log, square, sqrt, + - * /, x, y, 1, -1", weights)


def glo_extended() -> SearchSpace:
    """The nodes of `glo`, and min, max, abs, exp, tanh, aq, plog, psqrt.

    Loss functions found by others have these, such as those of arXiv 2403.03274. The protected
    nodes have no singularity: aq(a, b) is a/sqrt(1 + b*b), plog(a) is log(abs(a) + 1e-7), psqrt(a)
    is sqrt(abs(a) + 1e-7). Weights and initial depth are the project's default.
    """
    added = ("min", "max", "abs", "exp", "tanh", "aq", "plog", "psqrt")
    return SearchSpace(
        "glo_extended",
        f"the paper's nodes and {', '.join(added)}",
        {**glo().weights, **dict.fromkeys(added, 1.0)},
    )
