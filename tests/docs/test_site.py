"""The documentation site: it builds without a warning, is complete, and holds together."""

import html.parser
import inspect
import pathlib
import sys
import urllib.parse

import pytest
from side_programs import Program

import glo_tf
import glo_tf.plots
import glo_tf.strategies
import glo_tf.testing

DOCS = pathlib.Path(__file__).parents[2] / "docs"
_BUILD = (sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", str(DOCS))
SITE = Program(
    "site",
    lambda folder: [*_BUILD, str(folder / "html")],
    needs=["sphinx", "furo", "myst_nb"],
)
pytestmark = [pytest.mark.docs, pytest.mark.beside(SITE)]


class Page(html.parser.HTMLParser):
    """What a page offers to links, where its own lead, and what it loads."""

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.heading_levels: list[str | None] = []  # of what is no h1 to h6
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attributes) -> None:
        given = dict(attributes)
        self.anchors.add(given.get("id"))
        if given.get("role") == "heading":
            self.heading_levels.append(given.get("aria-level"))
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        elif target := given.get("src") or given.get("href"):
            self.loads.add(target)


@pytest.fixture(scope="module")
def folder(beside) -> pathlib.Path:
    built = beside(SITE)
    assert built.code == 0, built.err
    return built.folder / "html"


@pytest.fixture(scope="module")
def site(folder) -> dict[pathlib.Path, Page]:
    return {path: Page(path) for path in folder.rglob("*.html")}


def test_the_reference_has_every_public_name(site) -> None:
    named = set().union(*(page.anchors for page in site.values()))
    for module in (glo_tf, glo_tf.plots, glo_tf.strategies, glo_tf.testing):
        assert {f"{module.__name__}.{name}" for name in module.__all__} <= named
    assert {
        "glo_tf.nodes.Operation",
        "glo_tf.results.record.Record",
        "glo_tf.LossSearch.run",
    } <= named


def test_the_reference_is_made_of_docstrings(folder, site) -> None:
    for parameter in inspect.signature(glo_tf.LossSearch).parameters:
        assert f"<strong>{parameter}</strong>" in site[folder / "api" / "search.html"].text


def test_every_page_is_in_the_menu(folder, site) -> None:
    menu = {link.partition("#")[0] for link in site[folder / "index.html"].links}
    sources = [path.relative_to(DOCS) for path in DOCS.rglob("*.md") if path.name != "index.md"]
    assert {str(source.with_suffix(".html")) for source in sources} <= menu


def test_links_and_anchors_inside_the_site_lead_somewhere(site) -> None:
    checked = 0
    for path, page in site.items():
        for link in page.links:
            url = urllib.parse.urlsplit(link)
            if url.scheme:
                continue
            target = (path.parent / urllib.parse.unquote(url.path)) if url.path else path
            assert target.exists(), f"{path}: {link}"
            if url.fragment and target.resolve() in site:
                fragment = urllib.parse.unquote(url.fragment)
                assert fragment in site[target.resolve()].anchors, f"{path}: {link}"
                checked += 1
    assert checked > 100


def test_captions_of_the_menu_are_headings_of_a_level(site) -> None:
    """Without one, screen readers miss where they belong."""
    levels = [level for page in site.values() for level in page.heading_levels]
    assert len(levels) > len(site)
    assert set(levels) == {"2"}


def test_nothing_is_loaded_from_a_network(folder, site) -> None:
    for path, page in site.items():
        for target in page.loads:
            url = urllib.parse.urlsplit(target)
            assert not url.netloc, f"{path}: {target}"
            assert not url.path or (path.parent / url.path).exists(), f"{path}: {target}"
    for style in folder.rglob("*.css"):
        assert "url(http" not in style.read_text(encoding="utf-8")
