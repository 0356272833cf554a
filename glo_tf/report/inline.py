"""Figures and formulas as parts of a page."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape
from matplotlib.figure import Figure

from glo_tf.expressions.agreement import agree, points, values
from glo_tf.expressions.notation import mathml
from glo_tf.expressions.tree import Expression
from glo_tf.utils.display_text import legible
from glo_tf.utils.style import LIGHT, svg

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss
    from glo_tf.report.charts import Chart

_DIGITS = (4, 6, 9)  # significant digits of a coefficient in a formula: the first that are enough
_TOLERANCE = 2e-3  # of the value


@dataclasses.dataclass(frozen=True)
class InlinePicture:
    """One figure of a page.

    Attributes:
        name: Of its files and ids, unique in the page.
        caption: Shown under it.
        description: What it shows, for those who do not see it.
        figure: The figure.
        chart: What takes its place where scripts run; None for none.
    """

    name: str
    caption: str
    description: str
    figure: Figure
    chart: Chart | None = None

    def svg(self) -> Markup:
        """The figure as SVG inside HTML, in the colours of the page's theme."""
        text = svg(self.figure, text_as_text=True)
        text = text[text.index("<svg") :]
        # The style is the page's, for all figures; ids are unique in the page.
        text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
        text = re.sub(r'\bid="', f'id="{self.name}-', text)
        text = re.sub(r'(href="#|url\(#)', rf"\g<1>{self.name}-", text)
        for name, color in LIGHT.items():
            text = text.replace(color, f"var(--{name})")
        box = re.search(r'viewBox="0 0 ([\d.]+) ', text)
        assert box is not None
        head = (
            f'<svg role="img" aria-labelledby="{self.name}-title {self.name}-description" '
            f'style="width: {float(box[1]):.0f}pt" viewBox="'
        )
        text = re.sub(r'<svg [^>]*?viewBox="', lambda _: head, text, count=1)
        title = f'<title id="{self.name}-title">{escape(legible(self.caption))}</title>'
        description = (
            f'<desc id="{self.name}-description">{escape(legible(self.description))}</desc>'
        )
        return Markup(re.sub(r"(<svg [^>]*>)", lambda m: m[1] + title + description, text, count=1))


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A chart without a figure, for pages that are written often, or of many runs.

    Attributes:
        name: Of its id, unique in the page.
        caption: Shown under it.
        description: What it shows, for those who do not see it.
        chart: What is drawn.
    """

    name: str
    caption: str
    description: str
    chart: Chart


def formula(loss: ExpressionLoss) -> Markup:
    """MathML of a loss in the shape in which it was found, with its numbers rounded.

    They have four significant digits, or as many as leave the value what it is.
    """
    return Markup(
        '<math display="block"><mi mathvariant="script">L</mi><mo>(</mo><mi>x</mi><mo>,</mo>'
        f"<mi>y</mi><mo>)</mo><mo>=</mo>{mathml(_rounded(loss))}</math>"
    )


def _rounded(loss: ExpressionLoss) -> Expression:
    at = points(probabilities=loss.probabilities)
    for digits in _DIGITS:
        rounded = loss.tree.with_coefficients(
            [float(f"{factor:.{digits}g}") for factor in loss.tree.coefficients]
        )
        if agree(values(loss.tree, *at), values(rounded, *at), _TOLERANCE):
            return rounded
    return loss.tree
