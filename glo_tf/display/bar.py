"""The bar that searches and comparisons show where there is a terminal or a notebook."""

from __future__ import annotations

import abc
import contextlib
import html
import sys
import time
from typing import IO, Any, Generic, Self, TypeVar, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from glo_tf.display.verbosity import Verbosity

Result = TypeVar("Result")

_OF_NOTEBOOK = 100  # columns
_WIDTH_OF_FILES = 120  # columns; the cells of tables then stay in one line
_A_SECOND = 0.2  # s, how often at most a notebook is written to


class _StandardOutput:
    """As it is when it is written to; no run ends because it is full or gone."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            sys.stdout.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stdout.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stdout, name)


def new_console() -> Console:
    """Standard output: of a notebook as plain text, in which lines stay together."""
    file = cast(IO[str], _StandardOutput())
    if in_notebook():  # where kernels ask for colours, and would be given a terminal's bars
        return Console(file=file, force_jupyter=False, force_terminal=False, width=_OF_NOTEBOOK)
    return Console(file=file, force_jupyter=False)


def in_notebook() -> bool:
    """Whether a Jupyter kernel shows what is done here."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")


class ProgressBar:
    """Trainings that are done of those that are expected, and the time left.

    Nothing is shown where there is neither a terminal, nor one that is dumb, nor a notebook.

    Args:
        console: Where lines go meanwhile.
        shown: Whether there is to be one at all.
    """

    def __init__(self, console: Console, *, shown: bool = True):
        self._console = console
        # Colours may be forced on where no terminal is.
        live = shown and console.file.isatty() and not console.is_dumb_terminal
        self._in_terminal = _in_terminal(console) if live else None
        self._in_notebook = _InNotebook() if shown and in_notebook() else None
        self._task = (
            None
            if self._in_terminal is None
            else self._in_terminal.add_task("", total=None, count="0")
        )

    @property
    def is_shown(self) -> bool:
        """Whether there is one."""
        return self._in_terminal is not None or self._in_notebook is not None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Shows it."""
        if self._in_terminal is not None:
            self._in_terminal.start()

    def stop(self) -> None:
        """Takes it away; what was printed stays."""
        if self._in_terminal is not None:
            self._in_terminal.stop()
        if self._in_notebook is not None:
            self._in_notebook.stop()

    def update(self, what: str, done: float, expected: float | None) -> None:
        """Shows how far it is.

        Args:
            what: Is done now.
            done: Trainings; a part of one counts as such.
            expected: Of all there will have been; None if unknown.
        """
        if self._in_terminal is not None and self._task is not None:
            self._in_terminal.update(
                self._task,
                description=what,
                completed=done,
                total=expected,
                count=_count(done, expected),
            )
        if self._in_notebook is not None:
            self._in_notebook.update(what, done, expected)

    def print(self, text: str) -> None:
        """Prints lines above it, as they are."""
        print_text(text, self._console)

    def print_prose(self, text: str) -> None:
        """Prints sentences above it, see `print_prose`."""
        print_prose(text, self._console)


def print_text(text: str, console: Console) -> None:
    """Prints lines as they are, for who copies them."""
    console.print(text, highlight=False, soft_wrap=True, markup=False)


def print_prose(text: str, console: Console) -> None:
    """Prints sentences, which terminals break between words."""
    console.print(text, highlight=False, soft_wrap=not console.is_terminal, markup=False)


def _in_terminal(console: Console) -> Progress:
    """In 60 columns: "coefficients 10/20 ━━━━━━━━━━ 123/456 left 0:01:23"."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=10),
        TextColumn("{task.fields[count]} left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _count(done: float, expected: float | None) -> str:
    return f"{done:.0f}" if expected is None else f"{done:.0f}/{max(done, expected):.0f}"


class _InNotebook:
    """An output of a cell that changes."""

    def __init__(self) -> None:
        self._began = self._shown = time.monotonic()
        self._handle: Any = None

    def update(self, what: str, done: float, expected: float | None) -> None:
        now = time.monotonic()
        if self._handle is not None and now - self._shown < _A_SECOND:
            return
        self._shown = now
        left = ""
        if expected and done:
            seconds = (now - self._began) * max(0.0, expected - done) / done
            left = f", {seconds / 60:.0f} min left" if seconds > 90 else f", {seconds:.0f} s left"
        maximum = f" max='{max(done, expected):g}' value='{done:g}'" if expected else ""
        self._show(
            f"<progress{maximum}></progress> {html.escape(what)}: "
            f"{_count(done, expected)} trainings{left}"
        )

    def stop(self) -> None:
        if self._handle is not None:
            self._show("")

    def _show(self, text: str) -> None:
        from IPython.display import HTML, display

        if self._handle is None:
            self._handle = display(HTML(text), display_id=True)
        else:
            self._handle.update(HTML(text))


class DisplayWithBar(abc.ABC, Generic[Result]):
    """A bar in terminals and notebooks; elsewhere a line for each thing that is done.

    Args:
        console: Where to; standard output if None.
        verbosity: How much.
    """

    def __init__(self, console: Console | None = None, verbosity: Verbosity = Verbosity.BAR):
        self._console = console or new_console()
        if not self._console.is_terminal:
            self._console.width = _WIDTH_OF_FILES
        self._bar = ProgressBar(self._console, shown=verbosity is Verbosity.BAR)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def on_understood(self, summary: str) -> None:
        """Prints what was understood of the task."""
        self._print(summary)

    @abc.abstractmethod
    def show(self, result: Result) -> None:
        """Prints what came out."""

    def _print(self, text: str) -> None:
        self._bar.print(text)
