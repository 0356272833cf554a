"""Code in the README and in the pages of the documentation: it runs.

The blocks of a page run in their order in one folder, Python in one namespace. A command that takes
minutes, data from a network or other machines is checked as far as it can be: a search has flags
that exist, with values that they take, and names plugins that exist. A block or a command of a kind
that is not known here is an error; what is not for running is marked as `text`.
"""

import functools
import json
import pathlib
import re
import subprocess
import sysconfig

import markdown_pages
import pytest

import glo_tf
from glo_tf import plugins
from glo_tf.cli import flags as command_flags
from glo_tf.testing.plugin import PluginTestCase

ROOT = markdown_pages.ROOT
QUICK = 20_000
"""Training steps of a discovery phase that is not too long for a test."""


def described(page: pathlib.Path) -> str:
    return str(page.relative_to(ROOT))


every_page = pytest.mark.parametrize("page", markdown_pages.PAGES, ids=described)


class Reader:
    """Somebody who does what a page says, in a folder that is empty at first."""

    def __init__(self, page: pathlib.Path, home: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
        self.page, self.home, self.folder = page, home, home
        self.monkeypatch = monkeypatch
        self.namespace = {"__name__": "page"}
        self.installed: list[pathlib.Path] = []

    @functools.cached_property
    def environment(self) -> markdown_pages.Environment:
        return markdown_pages.Environment(self.home.with_name("environment"))

    def do(self, block: markdown_pages.Block) -> None:
        if block.language == "python" and block.file:
            (self.folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            self.monkeypatch.chdir(self.folder)
            # Lines are counted as in the page.
            source = "\n" * (block.line - 1) + block.text
            exec(compile(source, str(self.page), "exec"), self.namespace)
        elif block.language == "sh":
            for command in markdown_pages.commands(block.text):
                self.do_command(command)
        elif block.language.startswith("{"):  # Sphinx's; tests/docs/test_site.py builds the site
            assert ROOT / "docs" in self.page.parents
        else:
            assert block.language == "text", f"Expected a language that is known here: {block}"

    def do_command(self, command: list[str]) -> None:
        if command[0] == "cd":
            self.folder = self.folder / command[1]
        elif self.check(command):
            self.environment.run(command, self.folder)
            if "install" in command:
                self.installed.append(self.folder)

    def check(self, command: list[str]) -> bool:
        """Whether the command can run here, within seconds; fails if it could run nowhere."""
        match command:
            case ["glo-tf", "new-plugin", *_]:
                return True
            case ["glo-tf", *arguments]:
                return self.check_search(arguments)
            case ["python", "-m", "pip", "install", "--editable", target]:
                return self.check_install(target)
            case ["python", "-m", "pip", "install", *targets]:
                here = [self.check_install(target) for target in targets]
                return all(here)
            case ["python", "-m", "pytest"]:
                return True
            case ["python", "-m", "pytest", path]:
                assert (ROOT / path).is_dir()
            case ["make", target]:
                dry = ["make", "--dry-run", target]
                subprocess.run(dry, cwd=ROOT, check=True, capture_output=True)
            case ["docker", "build", "-f", file, "-t", "glo-tf", "."]:
                assert (ROOT / file).is_file()
            case ["docker", "run", "--gpus", "all", "glo-tf", *arguments]:
                self.check_search(arguments)
            case ["export", assignment]:
                assert re.fullmatch(r"[A-Z_]+=\w+", assignment)
            case ["ray", *_]:
                pass  # test_the_options_of_ray_exist
            case _:
                pytest.fail(f"Expected a command that is known here: {command}")
        return False

    def check_search(self, arguments: list[str]) -> bool:
        values = command_flags.parse_flags(["glo-tf", *arguments])
        here = [
            self.check_plugin(f"glo_tf.{kind}", name)
            for kind, name in (
                ("datasets", values.dataset),
                ("architectures", values.architecture),
                ("search_spaces", values.search_space),
                ("strategies", values.strategy),
            )
        ]
        steps = values.train_steps * values.population_size * values.generations
        if values.mode == "report":  # of a run that takes minutes
            return False
        return values.help or values.mode == "list" or (all(here) and steps <= QUICK)

    def check_plugin(self, group: str, name: str) -> bool:
        """Whether a plugin is installed here; if not, a package of this repository has it."""
        entry = f'"{name} = '
        if name == "auto" or name in plugins.names(group):
            return True
        if any(entry in (folder / "setup.py").read_text() for folder in self.installed):
            return True
        assert any(entry in path.read_text() for path in ROOT.glob("plugins/*/setup.py")), name
        return False

    def check_install(self, target: str) -> bool:
        """Whether it is what the page has written itself."""
        name, _, extras = target.rstrip("]").partition("[")
        here = (self.folder / name / "setup.py").is_file()
        folder = ROOT if name == "glo_tf" else (self.folder if here else ROOT) / name
        setup = (folder / "setup.py").read_text()
        assert all(f'"{extra}": [' in setup for extra in filter(None, extras.split(",")))
        return here


# Keras, when it saves a model, with NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")
@pytest.mark.docs
@every_page
def test_the_code_runs(page, tmp_path, monkeypatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    reader = Reader(page, home, monkeypatch)
    for block in markdown_pages.blocks(page):
        reader.do(block)

    for thing in reader.namespace.values():
        if isinstance(thing, type) and "name" in vars(thing) and issubclass(thing, PluginTestCase):
            reader.check_plugin(thing.group, thing.name)

    values = command_flags.define_flags()
    turned_off = {f"no{name}" for name in values if values[name].boolean}
    flags = {*values, *turned_off, "flagfile"}
    for code in markdown_pages.code_in_text(page):
        if re.match(r"(glo-tf|make|docker|ray|python -m (pip|pytest)) ", code):
            for command in markdown_pages.commands(code):
                reader.check(command)
        elif flag := re.match(r"--(\w+)", code):
            assert flag[1] in flags


@every_page
def test_the_links_lead_somewhere(page) -> None:
    for target in markdown_pages.links(page):
        path, _, anchor = target.partition("#")
        if not re.match("https?:", target) and path:
            assert (page.parent / path).exists(), target
            assert not anchor or ROOT / "docs" in page.parents  # checked when the site is built


@functools.cache
def ray_help(subcommand: str) -> str:
    command = [str(pathlib.Path(sysconfig.get_path("scripts"), "ray")), subcommand, "--help"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.ray
def test_the_options_of_ray_exist() -> None:
    pytest.importorskip("ray", exc_type=ImportError)
    found = [
        command
        for page in markdown_pages.PAGES
        for block in markdown_pages.blocks(page)
        if block.language == "sh"
        for command in markdown_pages.commands(block.text)
        if command[0] == "ray"
    ]
    assert found
    for _, subcommand, *options in found:
        for option in options:
            assert re.search(rf"{option.partition('=')[0]}\b", ray_help(subcommand))


def test_the_results_in_the_repository_can_be_read() -> None:
    files = sorted((ROOT / "docs" / "results").glob("*/best_loss.json"))
    assert files
    for path in files:
        loss = glo_tf.load_loss(path)
        # What it was in the search, before its scale and its coefficients were made plain.
        searched = json.loads(path.read_text())["metadata"].get("searched", loss.expression)
        assert searched in (path.parent / "history.csv").read_text()
