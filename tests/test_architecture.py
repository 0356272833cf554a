"""The structure of the package: what may import what, and the page that says so."""

import pathlib
import re
import subprocess
import sys
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text()
ROWS = re.findall(r"^\| (`.+?`) \| (.*) \|$", PAGE, re.M)


def names(text: str) -> set[str]:
    return set(re.findall(r"`([\w.]+)`", text))


def test_imports_go_down_and_in_no_circle() -> None:
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kept, 0 broken" in done.stdout


def test_the_page_has_the_layers_in_their_order() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [set(re.split(r" \| ", layer)) for layer in settings["contracts"][0]["layers"]]
    assert layers == [names(packages) for packages, _ in ROWS if "." not in packages]


@pytest.mark.parametrize("folder", sorted(ROOT.glob("glo_tf/**/__init__.py")), ids=str)
def test_the_page_names_every_module(folder: pathlib.Path) -> None:
    package = ".".join(folder.parent.relative_to(ROOT / "glo_tf").parts)
    modules = {path.stem for path in folder.parent.glob("*.py")} - {"__init__", "_version"}
    if package:
        (said,) = (text for packages, text in ROWS if names(packages) == {package})
        assert modules <= names(said)
    else:
        assert modules <= set().union(*(names(packages) for packages, _ in ROWS))


QUESTIONS = re.findall(r"^\| (where .+|what .+) \| (.+) \| (.+) \|$", PAGE, re.M)


@pytest.mark.parametrize(("question", "files", "names"), QUESTIONS, ids=[q for q, *_ in QUESTIONS])
def test_what_the_page_says_where_to_look_is_there(question: str, files: str, names: str) -> None:
    paths = [ROOT / "glo_tf" / name for name in re.findall(r"`(.+?)`", files)]
    assert 1 <= len(paths) <= 2
    sources = [path.read_text() for path in paths]
    named = re.findall(r"`(.+?)`", names)
    assert len(named) >= len(paths)
    assert all(any(re.search(rf"\b{name}\b", source) for source in sources) for name in named)
    assert all(any(re.search(rf"\b{name}\b", source) for name in named) for source in sources)


def test_the_page_answers_ten_questions() -> None:
    assert len(QUESTIONS) == 10


@pytest.mark.parametrize(
    "module",
    [
        *("glo_tf", "glo_tf.main", "glo_tf.nodes", "glo_tf.search_spaces", "glo_tf.operators"),
        *("glo_tf.plots", "glo_tf.report.writing", "glo_tf.search.settings", "glo_tf.results"),
        *("glo_tf.display.search", "glo_tf.display.comparison", "glo_tf.display.tensorboard"),
        *("glo_tf.losses", "glo_tf.screening.screen", "glo_tf.screening.scale"),
        "glo_tf.comparison.verdict",
    ],
)
def test_what_trains_nothing_imports_no_tensorflow(module: str) -> None:
    code = f"import sys, {module}; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
