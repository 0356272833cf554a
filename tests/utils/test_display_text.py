"""Any name of a loss, in every place where names are shown."""

import html
import io
import json

import example_comparison
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from glo_tf.display.comparison import ComparisonDisplay
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.losses.files import load_loss, save_loss
from glo_tf.plots import plot_loss
from glo_tf.report import write_report
from glo_tf.results.comparison import Comparison
from glo_tf.utils.display_text import legible
from glo_tf.utils.style import literal, save

pytestmark = pytest.mark.usefixtures("made_figures")

NAMES = {
    r"$\frac$": r"$\frac$",
    "a_{": "a_{",
    "50%$": "50%$",
    "_hidden": "_hidden",
    r"\$x$ \\": r"\$x$ \\",
    "\ud800": r"\ud800",
    "two\nlines": r"two\nlines",
    "null\x00 \x1b[31mred": r"null\x00 \x1b[31mred",
    "a\u202eb": r"a\u202eb",
    "שלום": "שלום",
    "漢字 👩‍🔬": "漢字 👩‍🔬",
    "[red]x[/] [/]": "[red]x[/] [/]",
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "{{ 7*7 }}": "{{ 7*7 }}",
    "n" * 5000: "n" * 5000,
}


@given(st.text(st.characters()))
def test_text_is_shown_in_one_line_and_only_once_escaped(text) -> None:
    found = legible(text)
    found.encode()
    assert len(found.splitlines()) <= 1
    assert legible(found) == found
    assert legible("".join(c for c in text if c.isprintable())) in found or found != text


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> tuple[str, str]:
    """Report and table of a comparison whose losses have all the names."""
    folder = tmp_path_factory.mktemp("names")
    document = example_comparison.document()
    for part, key in (("losses", "name"), ("tests", "loss")):
        renamed = [entry for entry in document[part] if entry[key] == "baikal"]
        document[part] = [entry for entry in document[part] if entry[key] != "baikal"]
        document[part] += [{**entry, key: name} for name in NAMES for entry in renamed]
    (folder / "comparison.json").write_text(json.dumps(document))
    page = write_report(folder).read_text(encoding="utf-8")
    file = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    display = ComparisonDisplay(Console(file=file))
    display.show(Comparison.load(folder / "comparison.json"))
    file.flush()
    return page, file.buffer.getvalue().decode()


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
def test_a_name_is_shown_in_report_table_and_figures(name, shown) -> None:
    page, table = shown
    assert f'<th scope="row">{NAMES[name]}</th>' in html.unescape(page)
    assert page.count("<script>") == 1
    first, *_ = NAMES[name].split()
    assert first[:10] in table  # the rest may go on in the next line


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
def test_a_loss_of_any_name_is_drawn_and_saved(name, tmp_path) -> None:
    loss = ExpressionLoss("square(x - y)", name=name)
    figure = plot_loss(loss)
    save(figure, tmp_path / "loss")
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert len(labels) == 2
    assert labels[1] == literal(name)
    save_loss(loss, tmp_path / "loss.json")
    assert load_loss(tmp_path / "loss.json").name == name


def test_long_names_are_cut_in_figures_only() -> None:
    assert len(literal("n" * 5000)) == 44
    assert literal("n" * 44) == "n" * 44
