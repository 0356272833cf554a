"""Settings of the documentation site: `make docs` builds it with Sphinx."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

import glo_tf

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

# What TensorFlow says of the processor is no concern of the build.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

project = "glo_tf"
release = glo_tf.__version__
author = "the authors of glo_tf"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# Pages are Markdown, which GitHub shows too; headings can be linked to.
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# Notebooks are shown with the outputs that `make notebooks` gave them.
nb_execution_mode = "off"
nb_merge_streams = True

# The reference is made of docstrings, in the order of the source.
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
autoclass_content = "class"
napoleon_numpy_docstring = False
napoleon_attr_annotations = False  # the constructor shows the types
napoleon_use_rtype = False
napoleon_custom_sections = [("Call arguments", "params_style")]
python_maximum_signature_line_length = 88
# In docstrings `LossSearch` is code, and a link where the reference has such a name.
default_role = "py:obj"
# Names of this package that are written in full have to be there.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:\w+", r"(?!glo_tf\.).*|glo_tf\.(printing|task|training)\b.*|glo_tf\.losses\.named\.Loss"),
    (r"py:class", r"glo_tf\.recommendation\.time_limit\.TuningTimeLimit"),
]

# Nothing comes from the network: system fonts, local search, formulas as MathML.
html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "glo_tf"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_math_renderer = "mathml"


def _inline_math(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block_math(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(tex2mathml(node.astext(), as_block=True))
    raise nodes.SkipNode


def _level_captions(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Sphinx calls captions of contents headings and leaves out of which level, as readers need."""
    for part in ("furo_navigation_tree", "body"):
        given = context.get(part, "")
        context[part] = given.replace('role="heading">', 'role="heading" aria-level="2">')


def setup(app: Sphinx) -> None:
    """Adds the renderer of formulas, and what the theme leaves out."""
    app.add_html_math_renderer("mathml", (_inline_math, None), (_block_math, None))
    app.connect("html-page-context", _level_captions, priority=900)  # after the theme
