"""Pages of Markdown as what they ask the reader to do: blocks of code, and commands."""

import dataclasses
import os
import pathlib
import re
import shlex
import subprocess
import sysconfig
import venv
from collections.abc import Iterator

import markdown_it
import processes

ROOT = pathlib.Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    + [path for folder in ("docs", "plugins") for path in (ROOT / folder).rglob("*.md")]
)


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: What stands behind the fence.
        text: The code.
        line: Of its first line of code in the page, counted from 1.
        file: Name of the file that it is to be written to: what stands before the block is nothing
            but the name, as code, and a colon.
    """

    language: str
    text: str
    line: int
    file: str | None


def blocks(page: pathlib.Path) -> Iterator[Block]:
    """The blocks of a page, in order; indented ones have no language."""
    before = ""
    for token in _tokens(page):
        if token.type in ("fence", "code_block"):
            file = re.fullmatch(r"`([\w./]+)`:", before)
            yield Block(token.info, token.content, token.map[0] + 2, file[1] if file else None)
        if token.type in ("inline", "fence", "code_block"):
            before = token.content.rpartition("\n")[2] if token.type == "inline" else ""


def code_in_text(page: pathlib.Path) -> Iterator[str]:
    """Code between words."""
    for token in _tokens(page):
        for child in token.children or ():
            if child.type == "code_inline":
                yield child.content


def links(page: pathlib.Path) -> Iterator[str]:
    """Where a page's links and pictures lead."""
    for token in _tokens(page):
        for child in token.children or ():
            target = child.attrGet({"link_open": "href", "image": "src"}.get(child.type, ""))
            if target is not None:
                yield target


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a shell block, as lists of arguments."""
    for line in text.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            yield words


def _tokens(page: pathlib.Path) -> list[markdown_it.token.Token]:
    parser = markdown_it.MarkdownIt().enable("table")
    return parser.parse(page.read_text(encoding="utf-8"))


class Environment:
    """A virtual environment that has what this one has, and gets what a page installs.

    Args:
        folder: Where it is made.

    Attributes:
        variables: Environment of processes that work in it. pip then takes what is there, and
            nothing from a network.
    """

    def __init__(self, folder: pathlib.Path):
        venv.create(folder, symlinks=True)
        self._site = sysconfig.get_path("purelib", vars={"base": str(folder)}, scheme="venv")
        here = sysconfig.get_path("purelib")
        # Not only a path: what is installed here for editing has path files of its own.
        text = f"import site; site.addsitedir({here!r})\n"
        pathlib.Path(self._site, "here.pth").write_text(text)
        self.variables = {
            **os.environ,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say that there is none
        }

    def run(self, command: list[str], folder: pathlib.Path) -> None:
        """Runs a command, which has to succeed."""
        match command:
            case ["python", "-m", "pip", *_]:
                done = subprocess.run(
                    command, cwd=folder, env=self.variables, capture_output=True, text=True
                )
            case ["python", *arguments]:
                done = self._python(arguments, folder)
            case ["glo-tf", *arguments]:
                done = self._python(["-m", "glo_tf.main", *arguments], folder)
            case _:
                raise ValueError(f"Expected python or glo-tf. Received: {shlex.join(command)}")
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"

    def _python(
        self, arguments: list[str], folder: pathlib.Path
    ) -> subprocess.CompletedProcess[str]:
        sites = [pathlib.Path(self._site)]
        return processes.python(*arguments, env=self.variables, cwd=folder, sites=sites)
