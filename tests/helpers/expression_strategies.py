"""Hypothesis strategies for expressions."""

from hypothesis import strategies as st

from glo_tf.expressions import operations
from glo_tf.expressions.prefix import Node
from glo_tf.expressions.tree import Expression

LEAVES = st.one_of(st.sampled_from(["x", "y"]), st.integers(-3, 3))
ELEMENT_WISE = [each for each in operations.registered() if not each.across]
UNARY = st.sampled_from([each.name for each in ELEMENT_WISE if each.arity == 1])
BINARY = st.sampled_from([each.name for each in ELEMENT_WISE if each.arity == 2])
COEFFICIENTS = st.one_of(
    st.sampled_from([1.0, -1.0, 0.0, 1e-7, 1e300]),
    st.floats(-4, 4, allow_subnormal=False),
    st.floats(allow_nan=False, allow_infinity=False),
)


SEEING = st.one_of(LEAVES, st.sampled_from(["n", "t", "w", "C"]))
ACROSS = st.one_of(UNARY, st.just("total"))


def node_lists(max_leaves: int = 12, *, seeing: bool = False) -> st.SearchStrategy[list[Node]]:
    """Prefix lists of one tree; with `seeing`, of all leaves, and with sums over classes."""
    leaves, unary = (SEEING, ACROSS) if seeing else (LEAVES, UNARY)
    return st.recursive(
        leaves.map(lambda leaf: [leaf]),
        lambda trees: st.one_of(
            st.tuples(unary, trees).map(lambda parts: [parts[0], *parts[1]]),
            st.tuples(BINARY, trees, trees).map(lambda parts: [parts[0], *parts[1], *parts[2]]),
        ),
        max_leaves=max_leaves,
    )


@st.composite
def expressions(
    draw: st.DrawFn,
    *,
    unit: bool = True,
    coefficients: st.SearchStrategy[float] = COEFFICIENTS,
    max_leaves: int = 12,
    seeing: bool = False,
) -> Expression:
    """Trees; with `unit`, all coefficients are 1; for `seeing` see `node_lists`."""
    nodes = draw(node_lists(max_leaves, seeing=seeing))
    if unit:
        return Expression(tuple(nodes))
    size = len(nodes)
    factors = draw(st.lists(coefficients, min_size=size, max_size=size))
    return Expression(tuple(nodes), tuple(factors))
