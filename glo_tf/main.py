"""Command line: `python -m glo_tf.main --flagfile=mnist.flags`, installed as `glo-tf`.

Evolves a loss function for a Keras model (Genetic Loss-function Optimization, arXiv 1905.11528).
Every flag can stand in a flagfile; the shipped ones (digits.flags, mnist_quick.flags, mnist.flags)
are found from any folder. `glo-tf new-plugin NAME` writes the skeleton of a plugin instead.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import pathlib
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from glo_tf import plugins
from glo_tf.command_flags import define_flags, resolve_flagfiles
from glo_tf.interruption import Interruption
from glo_tf.output_folder import OutputFolder
from glo_tf.plugin_skeleton import new_plugin
from glo_tf.strategies import TrainingError

if TYPE_CHECKING:
    from glo_tf.genetic import Operators
    from glo_tf.search import LossSearch
    from glo_tf.search_spaces import SearchSpace
    from glo_tf.strategies import Strategy

logger = logging.getLogger("glo_tf")

BAD_INPUT, FAILED = 2, 1


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: Arguments with the program's name first; `sys.argv` if None.

    Returns:
        Exit code: 0 for success, 1 for a failed run, 2 for bad input, 130 after Ctrl-C, 143 after
        SIGTERM.
    """
    arguments = list(sys.argv if argv is None else argv)
    if arguments[1:2] == ["new-plugin"]:
        return _new_plugin(arguments[2:])
    values = define_flags()
    try:
        surplus = values(resolve_flagfiles(arguments))[1:]
        if surplus:
            raise ValueError(f"Expected flags only. Received: {' '.join(surplus)}")
    except (flags.Error, ValueError, OSError) as error:
        return _fail(error, BAD_INPUT)
    if values.help:
        print(f"{__doc__}\n{values.get_help()}")
        return 0
    if values.mode == "list":
        return _list_plugins()
    with Interruption() as interruption:
        try:
            return _search(values, interruption)
        except KeyboardInterrupt:
            return interruption.exit_code
        # One line here; of a run that has begun, the log has the traceback.
        except Exception as error:
            known = isinstance(error, ValueError | TrainingError)
            return _fail(error if known else f"{type(error).__name__}: {error}", FAILED)


def cli() -> None:
    """Entry point of the `glo-tf` script."""
    sys.exit(main())


def _fail(error: BaseException | str, code: int) -> int:
    print(f"glo-tf: error: {' '.join(str(error).split())}", file=sys.stderr)
    return code


def _search(values: flags.FlagValues, interruption: Interruption) -> int:
    try:
        search, output_dir = _prepare(values)
    except ValueError as error:
        return _fail(error, BAD_INPUT)
    if search.trained_before:
        print(f"Continuing in {output_dir}: {search.trained_before} trainings are done.")
    with _log_to(pathlib.Path(output_dir) / OutputFolder.LOG):
        result = search.run()
    print(f"Results: {output_dir}")
    return interruption.exit_code if result.interrupted else 0


def _new_plugin(arguments: Sequence[str]) -> int:
    try:
        print(new_plugin(arguments))
    except (ValueError, OSError) as error:
        return _fail(error, BAD_INPUT)
    return 0


def _list_plugins() -> int:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    for group in filter(plugins.names, plugins.GROUPS):
        table = Table(title=group, title_justify="left")
        for column in ("name", "what it is", "options", "package"):
            table.add_column(column)
        for plugin in plugins.describe(group):
            line = plugin.description if plugin.error is None else f"broken: {plugin.error}"
            options = ", ".join(map(str, plugin.options))
            table.add_row(*map(escape, (plugin.name, line, options, plugin.package)))
        console.print(table)
    return 0


def _prepare(values: flags.FlagValues) -> tuple[LossSearch, str]:
    """The search that the flags describe, and its output folder; all bad input shows here."""
    load_dataset = _plugin(values, "dataset", "glo_tf.datasets")
    architecture_options = _plugin(values, "architecture", "glo_tf.architectures").keywords
    strategy = _strategy(values)
    space = _plugin(values, "search_space", "glo_tf.search_spaces")()

    with _quiet_start():
        import keras
        import tensorflow as tf

        from glo_tf.task import set_memory_growth

        set_memory_growth()
        if values.intra_op_threads:
            tf.config.threading.set_intra_op_parallelism_threads(values.intra_op_threads)
        tf.config.list_logical_devices()  # looking for devices is what TensorFlow talks most about

    from glo_tf.architectures import NamedArchitecture
    from glo_tf.progress import ProgressDisplay
    from glo_tf.search import LossSearch

    data = load_dataset(data_dir=values.data_dir)
    output_dir = values.output_dir or f"runs/{values.dataset}_seed{values.seed}"
    search = LossSearch(
        NamedArchitecture(
            values.architecture, data.input_shape, data.num_classes, architecture_options
        ),
        (data.x_train, data.y_train),
        (data.x_validation, data.y_validation),
        optimizer=keras.optimizers.get(
            {"class_name": values.optimizer, "config": {"learning_rate": values.learning_rate}}
        ),
        search_space=space,
        operators=_operators(values, space),
        train_steps=values.train_steps,
        batch_size=values.batch_size,
        epsilon=values.epsilon,
        population_size=values.population_size,
        elites=values.elites,
        generations=values.generations,
        coefficient_expressions=values.coefficient_expressions,
        coefficient_generations=values.coefficient_generations,
        coefficient_population_size=values.coefficient_population_size,
        coefficient_sigma0=values.coefficient_sigma0,
        finalists=values.finalists,
        finalist_seeds=values.finalist_seeds,
        comparison_seeds=values.comparison_seeds,
        screening=values.screening,
        racing=values.racing,
        jit_compile={"true": True, "false": False}.get(values.jit_compile, "auto"),
        seed=values.seed,
        strategy=strategy,
        candidate_timeout=values.candidate_timeout,
        candidate_retries=values.candidate_retries,
        max_consecutive_failures=values.max_consecutive_failures,
        output_dir=output_dir,
        overwrite=values.overwrite,
        callbacks=[ProgressDisplay()],
    )
    _write_flags(pathlib.Path(output_dir) / "search.flags", values)
    return search, output_dir


@contextlib.contextmanager
def _quiet_start() -> Iterator[None]:
    """Keeps TensorFlow's start-up messages off the screen.

    Its C++ part writes them to the file descriptor, the first ones before its log level counts.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    screen = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(screen, 2)
            os.close(screen)


def _plugin(
    values: flags.FlagValues, flag: str, group: str, **options: object
) -> functools.partial[Any]:
    """The plugin that a flag names with its options: `options`, and over them the given ones."""
    name, texts = values[flag].value, values[f"{flag}_options"].value or []
    given = plugins.parse_options(group, name, texts)
    return functools.partial(plugins.load(group, name), **{**options, **given})


def _strategy(values: flags.FlagValues) -> Strategy | str:
    if values.strategy == "auto":
        if values.strategy_options:
            raise ValueError(
                "Expected a strategy by its name with --strategy_options. Received: strategy=auto"
            )
        return "auto"  # what devices there are is for TensorFlow to say, later
    options = {}
    if values.strategy == "ray":
        options = {
            "address": values.ray_address or None,
            "num_workers": values.ray_workers,
            "num_cpus": values.ray_num_cpus,
            "num_gpus": values.ray_num_gpus,
        }
    strategy: Strategy = _plugin(values, "strategy", "glo_tf.strategies", **options)()
    return strategy


def _operators(values: flags.FlagValues, space: SearchSpace) -> Operators:
    if values.operators == "gplearn":
        from glo_tf.gplearn_operators import GplearnOperators

        return GplearnOperators(
            space,
            p_crossover=values.p_crossover,
            p_subtree_mutation=values.p_subtree_mutation,
            p_hoist_mutation=values.p_hoist_mutation,
            p_point_mutation=values.p_point_mutation,
            p_point_replace=values.p_point_replace,
            max_size=values.max_size,
        )
    from glo_tf.operators import GloOperators

    return GloOperators(
        space,
        crossover_probability=values.crossover_probability,
        integer_mutation_probability=values.integer_mutation_probability,
        node_mutation_probability=values.node_mutation_probability,
        shrink_probability=values.shrink_probability,
        grow_probability=values.grow_probability,
        max_size=values.max_size,
    )


def _write_flags(path: pathlib.Path, values: flags.FlagValues) -> None:
    """Writes the flags that repeat this run."""
    given = [
        values[name].serialize()
        for group in values.flags_by_module_dict().values()
        for name in (flag.name for flag in group)
        if values[name].value is not None and name not in ("help", "overwrite")
    ]
    path.write_text("\n".join(given) + "\n", encoding="utf-8")


class _LogFile(logging.FileHandler):
    """Goes on where an earlier run ended; a full disk does not print tracebacks."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Drops the record."""


@contextlib.contextmanager
def _log_to(path: pathlib.Path) -> Iterator[None]:
    """Sends the project's log, and the traceback of what ends the run, to a file."""
    handler = _LogFile(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield
    except Exception:
        logger.exception("The run failed")
        raise
    finally:
        logger.removeHandler(handler)
        handler.close()


if __name__ == "__main__":
    cli()
