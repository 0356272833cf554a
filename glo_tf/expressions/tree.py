"""Expressions: trees over label, prediction and other leaves that can be read and written."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from glo_tf.expressions.parsing import parse
from glo_tf.expressions.prefix import PrefixList
from glo_tf.expressions.printing import to_text

if TYPE_CHECKING:
    from sympy import Expr


@dataclasses.dataclass(frozen=True)
class Expression(PrefixList):
    """A function of x, y and what else a loss may see, as a tree in prefix order.

    Attributes:
        nodes: Names of operations (`glo_tf.nodes`) and leaves (`"x"`, `"y"`, ...), and integers,
            parents before operands.
        coefficients: One finite factor per node, applied to that node's output. Ones if omitted.

    Raises:
        ValueError: If the nodes are not exactly one tree, are unknown or too many, or if the
            coefficients do not match them.

    Example:
        >>> from glo_tf import Expression
        >>> baikal = Expression(("-", "log", "y", "/", "x", "y"))
        >>> str(baikal), baikal.size, baikal.depth
        ('log(y) - x/y', 6, 2)
    """

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Reads infix text.

        Args:
            text: Such as `log(y) - x/y` or `-2.7*(0.98*log(1.5*y) - 1.8*(x/y))`. `y_true` and
                `y_pred` are accepted for x and y. Beside these stand the other leaves: n, the
                frequency of the class in the training data, t, the progress of the training from 0
                to 1, w, the weight of the sample, and C, the number of classes; `total(...)` sums
                over the classes.

        Raises:
            TypeError: If `text` is not a string.
            ParseError: (a `ValueError`) If the text is not an expression, or exceeds the limits of
                one; the message points at the column.
            PluginError: (a `ValueError`) If an installed package has an operation of the text, and
                it cannot be loaded.
        """
        read = parse(text)
        return cls(read.nodes, read.coefficients)

    def __str__(self) -> str:
        return to_text(self)

    def sympy(self) -> Expr:
        """The expression as SymPy sees it, in symbols of its leaves.

        Its value is the loss's wherever that is finite, as far as rounding goes. SymPy rearranges
        it on its own where the tree is small enough for that to be quick, and the result agrees
        with the loss; else it has the tree's shape, unevaluated.
        """
        from glo_tf.expressions.symbolic import to_sympy

        return to_sympy(self)

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def latex(self) -> str:
        """LaTeX of the expression, node by node as it was found."""
        from glo_tf.expressions.notation import latex

        return latex(self)
