"""Search spaces: what losses are made of, and how they are searched."""

from __future__ import annotations

import bisect
import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.constants import Part
from glo_tf.expressions.leaves import LEAVES
from glo_tf.expressions.prefix import Node, arity, is_named_node, named_nodes
from glo_tf.expressions.tree import Expression
from glo_tf.identity.stable_id import stable_id
from glo_tf.results.record import Phase
from glo_tf.search.coefficients.parameterization import Parameterization

_KNOWN_OF_NUMBERS = (
    "square(x - y)",
    "abs(x - y)",
    "sqrt(1 + square(x - y))",
    "min(abs(x - y), 1)*(abs(x - y) + abs(x - y) - min(abs(x - y), 1))",
    "log(1 + square(x - y))",
)
"""Squared and absolute error, pseudo-Huber, twice Huber, Cauchy; without coefficients."""

_FADING = (
    "-(log(y)*(x*(1 - t) + y*t))",
    "-(x*log(y)*(1 - t) + square(t)*(y*log(y)))",
    "-(x*(y + log(y))*(1 - t) + square(t)*(y*log(y)))",
)
"""Soft bootstrapping (arXiv 1412.6596) that passes from labels to predictions, and its kin."""

_SMOOTHED = ("-(log(y)*(1 + x/n))",)
"""Class weights, and a share of all classes alike: what a search over several long tails found."""

if TYPE_CHECKING:
    from glo_tf.search.genetic.evolution import Operators


@stable_id("SearchSpace")
@dataclasses.dataclass(frozen=True)
class SearchSpace:
    """The losses of a search: their nodes and constants, and the phases that find them.

    There are two kinds. One has a discovery phase, in which trees of weighted nodes evolve; the
    coefficient phase, if it has that too, tunes the best of them. The other has the coefficient
    phase alone, which searches the parameters of one expression.

    Constants are integers among the nodes, and real ones where the space has a `const_range`; the
    coefficient phase gives each node a factor of its own.

    Attributes:
        name: Under which it is registered.
        description: One line that says what it is.
        weights: Relative probability of each node (operations of `glo_tf.nodes`, leaves such as x
            and n, and integers) among the nodes that may stand at a place; empty without a
            discovery phase.
        const_range: Of the real constants that stand among the leaves, as gplearn draws them; with
            them, the factors that nodes of a known loss have evolve as well. None for trees of
            integers alone, as in the paper.
        const_weight: Relative probability of a real constant among the nodes.
        max_initial_depth: Deepest tree of the initial population, in edges.
        phases: Which apply, of discovery and coefficients.
        parameterization: What the coefficient phase searches where there is no discovery phase.
        operators: Makes the genetic operators that the space prefers, such as `GplearnOperators`;
            the paper's (`GloOperators`) if None.
        invariant: `invariant(loss, num_classes)`: whether a loss deserves a training. Under full
            screening, one that does not is rejected.
        begins_with: Known losses of numbers, as text without coefficients, which the first
            generation begins with where an output is a number; those that need other nodes than the
            space has are left out.
        begins_with_of_classes: The same where outputs are probabilities of classes.
        coefficient_sigma0: Initial step size of CMA-ES, if the caller gives none; in proportion to
            the coefficients that it starts from, where these are not all 1.
        coefficient_population_size: Candidates per generation of CMA-ES, if the caller gives none;
            None is pycma's default, 4 + 3 ln(parameters).

    Raises:
        ValueError: If a node is unknown, a weight is not positive, x or y is missing, real
            constants have no range or no product, or phases, weights and parameterization do not
            fit together.
    """

    name: str
    description: str
    weights: Mapping[Node, float]
    const_range: tuple[float, float] | None = None
    const_weight: float = 1.0
    max_initial_depth: int = 2
    phases: tuple[Phase, ...] = (Phase.DISCOVERY, Phase.COEFFICIENTS)
    parameterization: Parameterization | None = None
    operators: Callable[[SearchSpace], Operators] | None = None
    invariant: Callable[[Expression, int], bool] | None = None
    begins_with: tuple[str, ...] = _KNOWN_OF_NUMBERS
    begins_with_of_classes: tuple[str, ...] = ()
    coefficient_sigma0: float = 1.5
    coefficient_population_size: int | None = None

    def __post_init__(self) -> None:
        searches = Phase.DISCOVERY, Phase.COEFFICIENTS
        if not self.phases or not set(searches).issuperset(self.phases):
            raise InvalidArgumentError(
                f"Expected phases among {', '.join(searches)}. Received: phases={self.phases}"
            )
        if self.has_discovery == (self.parameterization is not None):
            raise InvalidArgumentError(
                "Expected a parameterization where there is no discovery phase, and only there. "
                f"Received: phases={self.phases}, parameterization={self.parameterization}"
            )
        for node, weight in self.weights.items():
            if not (isinstance(node, int) or is_named_node(node)):
                raise InvalidArgumentError(
                    f"Expected integers and nodes among {named_nodes()}. Received: {node!r}"
                )
            if not weight > 0:
                raise InvalidArgumentError(
                    f"Expected positive weights. Received: weights[{node!r}]={weight}"
                )
        if self.has_discovery and not {"x", "y"} <= set(self.weights):
            raise InvalidArgumentError(
                f"Expected weights for x and y. Received: {sorted(map(str, self.weights))}"
            )
        if self.weights and not self.has_discovery:
            raise InvalidArgumentError(
                "Expected no weights without a discovery phase. "
                f"Received: {sorted(map(str, self.weights))}"
            )
        if self.const_range is not None:
            self._check_constants(self.const_range)
        if self.max_initial_depth < 0:
            raise InvalidArgumentError(
                "Expected max_initial_depth of at least 0. "
                f"Received: max_initial_depth={self.max_initial_depth}"
            )

    def _check_constants(self, bounds: tuple[float, float]) -> None:
        if not (len(bounds) == 2 and all(map(math.isfinite, bounds)) and bounds[0] < bounds[1]):
            raise InvalidArgumentError(
                "Expected const_range as two finite numbers, the smaller one first. "
                f"Received: const_range={bounds}"
            )
        if not self.const_weight > 0:
            raise InvalidArgumentError(
                "Expected a positive const_weight; const_range=None leaves real constants out. "
                f"Received: const_weight={self.const_weight}"
            )
        if "*" not in self.weights:
            raise InvalidArgumentError(
                "Expected '*' among the weights, by which constants become factors. "
                f"Received: const_range={bounds}, {sorted(map(str, self.weights))}"
            )

    @property
    def has_discovery(self) -> bool:
        """Whether trees evolve."""
        return Phase.DISCOVERY in self.phases

    @property
    def constants(self) -> tuple[int, ...]:
        """Integers that trees are made of; mutations count them up and down."""
        return tuple(node for node in self.weights if isinstance(node, int))

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the nodes that take operands."""
        return tuple(node for node in self.weights if isinstance(node, str) and arity(node))

    @property
    def leaves(self) -> tuple[str, ...]:
        """Names of the leaves that losses may have beside x and y."""
        if self.parameterization is not None:
            return self.parameterization.expression(self.parameterization.start).surroundings
        nodes = [node for node in self.weights if isinstance(node, str)]
        return tuple(node for node in nodes if arity(node) == 0 and node not in ("x", "y"))

    def needs(self, part: str) -> bool:
        """Whether losses may see this part of `glo_tf.expressions.leaves.Surroundings`."""
        return any(part in LEAVES[name].needs for name in self.leaves)

    def draw_same_arity(self, count: int, random: float) -> Part:
        """The node with `count` operands at `random`, uniform in [0, 1), on the weights' wheel.

        Where the wheel stops at real constants, how far it went there says which one.
        """
        return self._by_arity[count].at(random)

    def draw_leaf(self, random: float) -> Part:
        """A leaf; `random` as in `draw_same_arity`."""
        return self.draw_same_arity(0, random)

    def draw_function(self, random: float) -> str | None:
        """A node with operands; None if the space has none."""
        return str(self._functions.at(random)) if self.functions else None

    def draw_tree(self, rng: np.random.Generator) -> tuple[Part, ...]:
        """Random prefix list of depth at most `max_initial_depth`, its nodes drawn by weight."""

        def grow(depth: int) -> list[Part]:
            node = (self._any if depth else self._by_arity[0]).at(rng.random())
            return [node, *itertools.chain(*(grow(depth - 1) for _ in range(arity(node))))]

        return tuple(grow(self.max_initial_depth))

    @functools.cached_property
    def _by_arity(self) -> dict[int, _Wheel]:
        return {count: self._wheel({count}) for count in set(map(arity, self.weights))}

    @functools.cached_property
    def _functions(self) -> _Wheel:
        return self._wheel({1, 2})

    @functools.cached_property
    def _any(self) -> _Wheel:
        return self._wheel({0, 1, 2})

    def _wheel(self, arities: set[int]) -> _Wheel:
        places: dict[Node | tuple[float, float], float] = {
            node: weight for node, weight in self.weights.items() if arity(node) in arities
        }
        if self.const_range is not None and 0 in arities:
            places[self.const_range] = self.const_weight
        return _Wheel(places)


class _Wheel:
    """Nodes and ranges of constants with their weights, found by a uniform random number."""

    def __init__(self, weights: Mapping[Node | tuple[float, float], float]):
        self._places = list(weights)
        self._cumulative = list(itertools.accumulate(weights.values()))

    def at(self, random: float) -> Part:
        position = random * self._cumulative[-1]
        index = min(bisect.bisect_right(self._cumulative, position), len(self._places) - 1)
        place = self._places[index]
        if not isinstance(place, tuple):
            return place
        (low, high), start = place, self._cumulative[index - 1]
        return low + (high - low) * (position - start) / (self._cumulative[index] - start)


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


def glo_constants() -> SearchSpace:
    """The nodes of `glo`, and real constants.

    Where known losses begin the search, their factors are passed on with the parts that offspring
    take of them. Weights, range and initial depth are the project's default.
    """
    return SearchSpace(
        "glo_constants",
        "the paper's nodes, and real constants",
        glo().weights,
        const_range=(-1.0, 1.0),
        const_weight=2.0,
        coefficient_sigma0=0.3,
    )


def glo_long_tail() -> SearchSpace:
    """The nodes of `glo`, exp, n (the frequency of the class) and total (the sum over the classes).

    For training data in which some classes are rare: class weights, as in `-(x*log(y)/n)`, and
    logit adjustment, `-(x*log(y*n/total(y*n)))`, are among its losses, with n to any power as
    `exp(0.7*log(n))`. Of classes, searches begin with weights and a share of all classes alike, a
    loss that was found by one. Weights and initial depth are the project's default.
    """
    return SearchSpace(
        "glo_long_tail",
        "the paper's nodes, exp, n (frequency of the class), total (sum over the classes)",
        {**glo().weights, "exp": 1.0, "n": 3.0, "total": 1.0},
        begins_with_of_classes=_SMOOTHED,
    )


def glo_annealed() -> SearchSpace:
    """The nodes of `glo`, and t, the progress of the training from 0 to 1.

    So losses may change in the course of trainings, as `-(x*log(y) + t*x*y)` does. Of classes,
    searches begin with losses that fade from the labels to what the network itself predicts: for
    training data of which many labels are wrong. Weights and initial depth are the project's
    default.
    """
    return SearchSpace(
        "glo_annealed",
        "the paper's nodes, and t (progress of the training from 0 to 1)",
        {**glo().weights, "t": 2.0},
        begins_with_of_classes=_FADING,
    )
