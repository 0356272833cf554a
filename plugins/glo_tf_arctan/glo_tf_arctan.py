"""Example plugin of glo_tf: a node and a leaf that the package lacks, and a search space."""

from __future__ import annotations

from glo_tf.leaves import Leaf
from glo_tf.nodes import Operation
from glo_tf.search_spaces import SearchSpace, glo

ARCTAN = Operation(
    name="arctan",
    arity=1,
    description="Arc tangent, which bounds what it is given.",
    value=lambda ops, a: ops.arctan(a),
    slope=lambda ops, value, a: a.slope / (1.0 + a.value * a.value),
    sympy=lambda sympy, a: sympy.atan(a),
    numpy="np.arctan({0})",
)


RARITY = Leaf(
    name="rarity",
    argument="class_rarity",
    description="Square root of one over the frequency of the class.",
    value=lambda seen: seen.frequencies**-0.5,
    needs=("frequencies",),
    assumed={"positive": True},
)


def glo_arctan() -> SearchSpace:
    """The nodes of `glo`, and arctan.

    A loss that is bounded cannot be dominated by a few wrong labels.
    """
    return SearchSpace(
        "glo_arctan", "the paper's nodes and arctan", {**glo().weights, ARCTAN.name: 1.0}
    )
