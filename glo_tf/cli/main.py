"""glo-tf evolves a loss function for a Keras model, and compares and recommends known ones.

  glo-tf search --flagfile=digits.flags      finds a loss: two minutes, nothing to download
  glo-tf compare --losses=baikal,gce         losses beside cross-entropy, on test data
  glo-tf recommend --flagfile=digits.flags   which of the known losses to use
  glo-tf report runs/digits_seed0            the page of a run; of several, one page for all
  glo-tf list                                data sets, networks and other plugins, with options
  glo-tf new-plugin NAME --kind=dataset      a package to begin with, for data of your own
  glo-tf --help                              all flags

Every flag can stand in a flagfile, one a line; the shipped ones (digits.flags, mnist_quick.flags,
mnist.flags) are found from any folder. `search` may be left out, `--mode=compare` is `compare`, and
`python -m glo_tf.main` is `glo-tf`. The method is that of arXiv 1905.11528.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar

from absl import flags

from glo_tf._version import __version__
from glo_tf.cli.compare import make_comparison
from glo_tf.cli.failures import (
    BAD_INPUT,
    EXPECTED,
    FAILED,
    LoggedError,
    fail,
    fail_by_mistake,
    notes,
)
from glo_tf.cli.flags import parse_flags
from glo_tf.cli.listing import list_plugins
from glo_tf.cli.recommend import make_recommendation
from glo_tf.cli.search import make_search
from glo_tf.cli.task import output_dir, quiet_start, shown_meanwhile
from glo_tf.errors import GloError, InvalidArgumentError
from glo_tf.plugins.skeleton import new_plugin
from glo_tf.report.asked import continued_by, head
from glo_tf.results import run_files
from glo_tf.results.owned_files import MARK, check_free, is_there, write_owned
from glo_tf.results.run_files import (
    COMPARISON_FLAGS,
    COMPARISON_LOG,
    RECOMMENDATION_FLAGS,
    RECOMMENDATION_LOG,
)
from glo_tf.utils.interruption import Interruption, stack_of_crashes

if TYPE_CHECKING:
    from glo_tf.display.bar import DisplayWithBar
    from glo_tf.display.verbosity import Verbose

_Result = TypeVar("_Result")
_Found = TypeVar("_Found", covariant=True)


class _Resumable(Protocol):
    trained_before: int
    suspects: list[str]


class _Run(_Resumable, Protocol[_Found]):
    @property
    def understood(self) -> str: ...

    def run(self, verbose: Verbose | None) -> _Found: ...


logger = logging.getLogger("glo_tf")

_OF_ONE_CALL = ("help", "helpfull", "overwrite", "version")
"""Flags that do not belong to what repeats a run."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: Arguments with the program's name first; `sys.argv` if None.

    Returns:
        Exit code: 0 for success, 1 for a failed run, 2 for bad input, 130 after Ctrl-C, 143 after
        SIGTERM.
    """
    with Interruption() as interruption:
        try:
            return _run(list(sys.argv if argv is None else argv))
        except KeyboardInterrupt:
            return interruption.exit_code


def cli() -> NoReturn:
    """Entry point of the `glo-tf` script: as `main`, but a signal may end the process at once."""
    try:
        code = _run(sys.argv)
        sys.stdout.flush()
    except OSError as error:  # a full disk, or a reader that has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = fail(f"Expected a standard output to write to. Received: {error}", FAILED)
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    try:
        return _do(arguments)
    except GloError as error:
        return fail(error, FAILED)
    except OSError:  # of what is printed, for `cli` to tell
        raise
    except Exception as error:
        return fail_by_mistake(error)


def _do(arguments: list[str]) -> int:
    if arguments[1:2] == ["new-plugin"]:
        return _new_plugin(arguments[2:])
    only_asked = arguments[1:] in ([], ["help"])
    try:
        values = parse_flags(arguments[:1] if only_asked else arguments)
    except EXPECTED as error:
        return fail(error, BAD_INPUT)
    if only_asked:
        print(__doc__, end="")
        return 0
    if values.version:
        print(f"glo-tf {__version__}")
        return 0
    if values.help or values.helpfull:
        print(f"{__doc__}\n{values.get_help()}")
        return 0
    if values.mode == "list":
        list_plugins()
        return 0
    if values.mode == "report":
        return _report(values)
    with stack_of_crashes():
        run = {"compare": _compare, "recommend": _recommend}.get(values.mode, _search)
        return run(values, arguments)


def _search(values: flags.FlagValues, arguments: list[str]) -> int:
    folder = output_dir(values)
    log, flagfile = folder / run_files.LOG, folder / run_files.FLAGS
    try:
        check_free(log, flagfile)
        search = make_search(values)
        _write_flags(flagfile, values, arguments)
    except EXPECTED as error:
        return fail(error, BAD_INPUT)
    _show_what_was_before(search, folder)
    with Interruption() as interruption:
        try:
            with _log_to(log):
                result = search.run(verbose=0)  # what it shows is among its callbacks
        except KeyboardInterrupt as error:
            return _ended(error, interruption, flagfile)
        except EXPECTED as error:  # the log has the traceback
            return fail(error, FAILED)
    print(f"Results: {folder}")
    if not result.interrupted:
        return 0
    print(_goes_on(flagfile))
    return interruption.exit_code


def _compare(values: flags.FlagValues, arguments: list[str]) -> int:
    from rich.console import Console

    from glo_tf.display.comparison import ComparisonDisplay  # SciPy, not for --help

    display = ComparisonDisplay(Console())
    return _shown_by(
        display,
        lambda: make_comparison(values, display),
        (COMPARISON_LOG, COMPARISON_FLAGS),
        values,
        arguments,
    )


def _recommend(values: flags.FlagValues, arguments: list[str]) -> int:
    from glo_tf.display.recommendation import RecommendationDisplay  # SciPy, not for --help

    display = RecommendationDisplay()
    return _shown_by(
        display,
        lambda: make_recommendation(values, display),
        (RECOMMENDATION_LOG, RECOMMENDATION_FLAGS),
        values,
        arguments,
    )


def _shown_by(
    display: DisplayWithBar[_Result],
    make: Callable[[], _Run[_Result]],
    files: tuple[str, str],
    values: flags.FlagValues,
    arguments: list[str],
) -> int:
    """Runs what has a display of its own.

    Args:
        display: Which the run tells of its trainings.
        make: The run.
        files: Names of its log and of the file of its flags.
        values: The flags.
        arguments: That they come from.

    Returns:
        The exit code.
    """
    folder = output_dir(values)
    log, flagfile = (folder / name for name in files)
    try:
        check_free(log, flagfile)
        run = make()
        _write_flags(flagfile, values, arguments)
    except EXPECTED as error:
        return fail(error, BAD_INPUT)
    _show_what_was_before(run, folder)
    display.on_understood(run.understood)
    with Interruption() as interruption:
        try:
            with _log_to(log), display:
                result = run.run(verbose=0)  # what it shows is told to the display
        except KeyboardInterrupt as error:
            return _ended(error, interruption, flagfile)
        except EXPECTED as error:  # the log has the traceback
            return fail(error, FAILED)
    display.show(result)
    if (folder / run_files.REPORT).is_file():  # one that fails is a line in the log
        print(f"Report: {folder / run_files.REPORT}")
    print(f"Results: {folder}")
    return 0


def _show_what_was_before(run: _Resumable, folder: pathlib.Path) -> None:
    if run.trained_before:
        print(f"Resuming in {folder}: {run.trained_before} trainings are done.")
    if run.suspects:
        print(
            f"An earlier run died in the midst of training {', '.join(run.suspects)}. It is tried "
            "with care, and if it crashes its process again, counts as failed. "
            "--strategy=local --strategy_options=process=true keeps all trainings out of this "
            "process."
        )


def _ended(error: KeyboardInterrupt, interruption: Interruption, flagfile: pathlib.Path) -> int:
    remarks = notes(error) or [_goes_on(flagfile)]
    print(f"Ended before its time. {' '.join(remarks)}")
    return interruption.exit_code


def _goes_on(flagfile: pathlib.Path) -> str:
    return f"Go on with: {continued_by(flagfile)}"


def _report(values: flags.FlagValues) -> int:
    runs: list[str] = values.runs or []
    try:
        if not (values.output_dir or runs):
            raise InvalidArgumentError(
                "Expected the folder of a run, as in glo-tf report runs/digits_seed0. "
                "Received: none"
            )
        with shown_meanwhile("Starting Keras ..."), quiet_start():
            from glo_tf.losses import expression_loss as expression_loss  # which starts Keras
            from glo_tf.report import write_overview, write_report
        if len(runs) > 1:
            print(write_overview(runs, values.output_dir or None))
        elif runs and values.output_dir:
            raise InvalidArgumentError(
                "Expected several runs with an output_dir, in which the page of one run is not. "
                f"Received: output_dir='{values.output_dir}' beside {runs[0]}"
            )
        else:
            print(write_report(runs[0] if runs else values.output_dir))
    except EXPECTED as error:
        return fail(error, BAD_INPUT)
    return 0


def _new_plugin(arguments: Sequence[str]) -> int:
    try:
        print(new_plugin(arguments))
    except EXPECTED as error:
        return fail(error, BAD_INPUT)
    return 0


def _write_flags(
    path: pathlib.Path, values: flags.FlagValues, arguments: Sequence[str] = ()
) -> None:
    """Writes the flags that repeat this run, and the command that they came from."""
    given = [
        values[name].serialize()
        for group in values.flags_by_module_dict().values()
        for name in (flag.name for flag in group)
        if values[name].value is not None and name not in _OF_ONE_CALL
    ]
    write_owned(path, head(arguments) + ("\n".join(given) + "\n").encode())


class _LogFile(logging.FileHandler):
    """Goes on where an earlier run ended; what finds no room is told once, at the end."""

    problem: BaseException | None = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Drops the record."""
        self.problem = sys.exception()

    def close(self) -> None:
        """Closes the file, which may have no room for what is still to be written."""
        try:
            super().close()
        except OSError as error:
            self.problem = error


@contextlib.contextmanager
def _log_to(path: pathlib.Path) -> Iterator[None]:
    """Sends the project's log, and the traceback of what ends the run, to a file."""
    if not is_there(path):
        write_owned(path, MARK)
    handler = _LogFile(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield
    except Exception as error:
        logger.exception("The run failed")
        if isinstance(error, EXPECTED) or handler.problem is not None:
            raise
        raise LoggedError(error, path) from error
    finally:
        logger.removeHandler(handler)
        handler.close()
        if handler.problem is not None:
            print(f"glo-tf: warning: '{path}' lacks lines ({handler.problem})", file=sys.stderr)
