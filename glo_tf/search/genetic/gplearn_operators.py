"""The genetic operators of the gplearn package, on the project's trees."""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions import operations
from glo_tf.expressions.constants import Part
from glo_tf.expressions.leaves import LABEL_AND_PREDICTION
from glo_tf.expressions.tree import Expression
from glo_tf.identity.stable_id import stable_id
from glo_tf.search.genetic.operators import inherited, within_limits
from glo_tf.search.genetic.options import GplearnArguments
from glo_tf.utils.keywords import documented, made_of

if TYPE_CHECKING:
    from gplearn._program import _Program
    from gplearn.functions import _Function


@documented(GplearnArguments)
@stable_id("GplearnOperators")
class GplearnOperators:
    """Crossover, subtree, hoist and point mutation as gplearn performs them.

    Names and defaults are those of `gplearn.genetic.SymbolicRegressor`. gplearn draws all nodes
    with equal weight; it works on floating constants, of which the sign is taken, -1 or 1, unless
    the space has real constants.

    Raises:
        ValueError: If a probability is not in [0, 1], the four sum to more than 1, the space has no
            function, or `max_size` is not positive.
    """

    @made_of(GplearnArguments)
    def __init__(self, options: GplearnArguments):
        space = options.space
        self._space = space
        self._features = (*LABEL_AND_PREDICTION, *space.leaves)
        self._bounds = np.cumsum(list(options.methods.values()))
        if not space.functions:
            raise InvalidArgumentError(
                f"Expected a search space with functions. Received: '{space.name}'"
            )
        self.probabilities = {**options.methods, "p_point_replace": options.p_point_replace}
        self.max_size = options.max_size
        function_set = [_function(name) for name in space.functions]
        by_arity = collections.defaultdict(list)
        for function in function_set:
            by_arity[function.arity].append(function)
        self._settings: dict[str, Any] = {
            "function_set": function_set,
            "arities": dict(by_arity),
            "init_depth": (1, space.max_initial_depth),
            "init_method": "half and half",
            "n_features": len(self._features),
            "const_range": space.const_range or ((-1.0, 1.0) if space.constants else None),
            "metric": None,
            "p_point_replace": options.p_point_replace,
            "parsimony_coefficient": 0.0,
            "random_state": None,  # every operator is given the caller's
        }

    def breed(
        self, select: Callable[[], Expression], rng: np.random.Generator
    ) -> Sequence[Expression]:
        """One offspring, by the method that the probabilities draw."""
        random_state = np.random.RandomState(rng.bit_generator)  # shares the caller's stream
        parent = select()
        program = self.program(parent)
        method = int(np.searchsorted(self._bounds, random_state.uniform(), side="right"))
        if method == 0:
            offspring, *_ = program.crossover(self._program_of(select()), random_state)
        elif method == 1:
            offspring, *_ = program.subtree_mutation(random_state)
        elif method == 2:
            offspring, *_ = program.hoist_mutation(random_state)
        elif method == 3:
            offspring, *_ = program.point_mutation(random_state)
        else:
            return [parent]
        integers = self._space.const_range is None
        parts = from_gplearn(offspring, self._features, integers=integers)
        return [within_limits(parts, parent, self.max_size)]

    def program(self, expression: Expression) -> _Program:
        """The expression as a gplearn program."""
        from gplearn._program import _Program  # it imports scikit-learn

        return _Program(program=self._program_of(expression), **self._settings)

    def _program_of(self, expression: Expression) -> list[Any]:
        return to_gplearn(inherited(expression, self._space), self._features)


def to_gplearn(nodes: Sequence[Part], features: Sequence[str] = LABEL_AND_PREDICTION) -> list[Any]:
    """Prefix list of gplearn: its functions, feature indices for leaves, floats for numbers."""
    return [
        float(node)
        if isinstance(node, int | float)
        else features.index(node)
        if node in features
        else _function(node)
        for node in nodes
    ]


def from_gplearn(
    program: Sequence[Any],
    features: Sequence[str] = LABEL_AND_PREDICTION,
    *,
    integers: bool = True,
) -> tuple[Part, ...]:
    """Inverse of `to_gplearn`.

    Args:
        program: As gplearn has it.
        features: Names of its features.
        integers: Whether a constant that gplearn drew, in (-1, 1), becomes -1 or 1.
    """

    def node(item: Any) -> Part:
        if isinstance(item, float):
            if item.is_integer():
                return int(item)
            return (1 if item > 0 else -1) if integers else item
        return features[item] if isinstance(item, int) else item.name

    return tuple(node(item) for item in program)


@functools.cache
def _function(node: str) -> _Function:
    """The gplearn function of a node, under the node's name.

    It computes what gplearn's own does, if there is one. It is not made by `make_function`, which
    refuses what is not finite everywhere, as an unprotected quotient is not.
    """
    from gplearn.functions import _Function, _function_map

    operation = operations.get(node)
    if operation.gplearn:
        compute = _function_map[operation.gplearn].function
    else:
        compute = functools.partial(operation.value, np)
    return _Function(compute, node, operation.arity)
