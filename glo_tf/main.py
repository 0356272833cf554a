"""Command line: `python -m glo_tf.main --flagfile=mnist.flags`, installed as `glo-tf`.

Evolves a loss function for a Keras model (Genetic Loss-function Optimization, arXiv 1905.11528).
Every flag can stand in a flagfile; the shipped ones (digits.flags, mnist_quick.flags, mnist.flags)
are found from any folder.
"""

from __future__ import annotations

import logging
import os
import pathlib
import re
import sys
from collections.abc import Sequence

from absl import flags

from glo_tf import plugins

INTERRUPTED, BAD_INPUT, FAILED = 130, 2, 1


def define_flags() -> flags.FlagValues:
    """All flags, with the paper's values, or else the project's, as defaults."""
    values = flags.FlagValues()

    def section(name: str) -> dict[str, object]:
        return {"flag_values": values, "module_name": name}

    run = section("Run")
    flags.DEFINE_boolean("help", False, "Shows this help.", short_name="h", **run)
    flags.DEFINE_enum(
        "mode", "search", ["search", "list"], "search for a loss, or list all plugins.", **run
    )
    flags.DEFINE_integer("seed", 0, "Seed of the search and of every training (>= 0).", **run)
    flags.DEFINE_string(
        "output_dir", "", "Folder for the results; runs/DATASET_seedSEED if empty.", **run
    )
    flags.DEFINE_boolean("overwrite", False, "Replace earlier results in --output_dir.", **run)

    task = section("Task")
    flags.DEFINE_string("dataset", "digits", "Registered data set (see --mode=list).", **task)
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared TFDS data; TFDS_DATA_DIR or TFDS's own if unset.", **task
    )
    flags.DEFINE_string("architecture", "mlp", "Registered architecture (see --mode=list).", **task)
    flags.DEFINE_string("optimizer", "sgd", "Keras optimizer by name.", **task)
    flags.DEFINE_float("learning_rate", 0.01, "Learning rate of the optimizer (per step).", **task)
    flags.DEFINE_integer("train_steps", 2000, "Training steps per candidate.", **task)
    flags.DEFINE_integer("batch_size", 100, "Samples per training step.", **task)
    flags.DEFINE_float("epsilon", 1e-7, "Predictions are clipped to [epsilon, 1].", **task)

    discovery = section("Discovery phase (genetic search)")
    flags.DEFINE_string("search_space", "glo", "Registered search space.", **discovery)
    flags.DEFINE_integer("population_size", 80, "Candidates per generation.", **discovery)
    flags.DEFINE_integer("elites", 6, "Best candidates that go on unchanged.", **discovery)
    flags.DEFINE_integer("generations", 100, "Number of generations.", **discovery)
    flags.DEFINE_enum(
        "operators", "glo", ["glo", "gplearn"], "The paper's operators, or gplearn's.", **discovery
    )
    flags.DEFINE_integer("max_size", 64, "Largest tree, in nodes.", **discovery)

    glo = section("Operators: --operators=glo (probabilities)")
    flags.DEFINE_float("crossover_probability", 0.8, "Per pair of parents.", **glo)
    flags.DEFINE_float("integer_mutation_probability", 0.05, "Integer leaf +-1, per leaf.", **glo)
    flags.DEFINE_float("node_mutation_probability", 0.05, "Same-arity node, per node.", **glo)
    flags.DEFINE_float("shrink_probability", 0.025, "Subtree to leaf, per node.", **glo)
    flags.DEFINE_float("grow_probability", 0.025, "Leaf to operator, per leaf.", **glo)

    gplearn = section("Operators: --operators=gplearn (probabilities)")
    flags.DEFINE_float("p_crossover", 0.9, "Crossover, per offspring.", **gplearn)
    flags.DEFINE_float("p_subtree_mutation", 0.01, "Subtree mutation, per offspring.", **gplearn)
    flags.DEFINE_float("p_hoist_mutation", 0.01, "Hoist mutation, per offspring.", **gplearn)
    flags.DEFINE_float("p_point_mutation", 0.01, "Point mutation, per offspring.", **gplearn)
    flags.DEFINE_float("p_point_replace", 0.05, "Replacement in a point mutation, per node.", **gplearn)

    coefficients = section("Coefficient phase (CMA-ES)")
    flags.DEFINE_integer(
        "coefficient_expressions", 1, "Best expressions to tune; 0 skips the phase.", **coefficients
    )
    flags.DEFINE_integer("coefficient_generations", 20, "Generations each.", **coefficients)
    flags.DEFINE_integer(
        "coefficient_population_size",
        None,
        "Candidates per generation; pycma's 4 + 3 ln(nodes) if unset.",
        **coefficients,
    )
    flags.DEFINE_float("coefficient_sigma0", 1.5, "Initial step size.", **coefficients)

    flags.DEFINE_integer(
        "comparison_seeds",
        3,
        "Fresh seeds on which the best loss and cross-entropy are compared; 0 skips it.",
        **section("Comparison"),
    )
    return values


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: Arguments with the program's name first; `sys.argv` if None.

    Returns:
        Exit code: 0 for success, 1 for a failed run, 2 for bad input, 130 after Ctrl-C.
    """
    values = define_flags()
    try:
        surplus = values(_resolve_flagfiles(list(sys.argv if argv is None else argv)))[1:]
        if surplus:
            raise ValueError(f"Expected flags only. Received: {' '.join(surplus)}")
    except (flags.Error, ValueError, OSError) as error:
        return _fail(error, BAD_INPUT)
    if values.help:
        print(f"{__doc__}\n{values.get_help()}")
        return 0
    if values.mode == "list":
        return _list_plugins()
    try:
        return _search(values)
    except (ValueError, plugins.PluginError) as error:
        return _fail(error, BAD_INPUT)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the command line shows one line; the traceback is in the log
        logging.getLogger("glo_tf").exception("The run failed")
        return _fail(error, FAILED)


def cli() -> None:
    """Entry point of the `glo-tf` script."""
    sys.exit(main())


def _fail(error: BaseException, code: int) -> int:
    message = " ".join(str(error).split()) or type(error).__name__
    print(f"glo-tf: error: {message}", file=sys.stderr)
    return code


def _resolve_flagfiles(arguments: list[str]) -> list[str]:
    """Points `--flagfile=NAME` at the shipped configurations where the name is no file here."""
    resolved = []
    for argument in arguments:
        match = re.fullmatch(r"(--?flagfile=)(.+)", argument)
        if match and not pathlib.Path(match[2]).exists():
            argument = match[1] + str(_shipped_flagfile(match[2]))
        resolved.append(argument)
    return resolved


def _shipped_flagfile(name: str) -> pathlib.Path:
    package = pathlib.Path(__file__).parent
    # Installed, the configurations lie inside the package; in a checkout beside it.
    folders = [folder for folder in (package / "configs", package.parent / "configs") if folder.is_dir()]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    known = sorted(path.name for folder in folders for path in folder.glob("*.flags"))
    raise ValueError(f"Expected a flagfile here or one of {', '.join(known)}. Received: '{name}'")


def _list_plugins() -> int:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for group in plugins.GROUPS:
        table = Table(title=group, title_justify="left")
        for column in ("name", "what it is", "package"):
            table.add_column(column)
        for plugin in plugins.describe(group):
            line = plugin.description if plugin.error is None else f"broken: {plugin.error}"
            table.add_row(plugin.name, line, plugin.package)
        console.print(table)
    return 0


def _search(values: flags.FlagValues) -> int:
    # The start-up messages of TensorFlow's C++ part can be silenced only before its import.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    load_dataset = plugins.load("glo_tf.datasets", values.dataset)
    build_architecture = plugins.load("glo_tf.architectures", values.architecture)
    space = plugins.load("glo_tf.search_spaces", values.search_space)()

    import keras

    from glo_tf.progress import ProgressDisplay
    from glo_tf.search import LossSearch

    data = load_dataset(data_dir=values.data_dir)
    output_dir = values.output_dir or f"runs/{values.dataset}_seed{values.seed}"
    search = LossSearch(
        lambda: build_architecture(data.input_shape, data.num_classes),
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
        comparison_seeds=values.comparison_seeds,
        seed=values.seed,
        output_dir=output_dir,
        overwrite=values.overwrite,
        callbacks=[ProgressDisplay()],
    )
    _start_log(pathlib.Path(output_dir), values)
    result = search.run()
    print(f"Results: {output_dir}")
    return INTERRUPTED if result.interrupted else 0


def _operators(values: flags.FlagValues, space):  # type: ignore[no-untyped-def]
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


def _start_log(folder: pathlib.Path, values: flags.FlagValues) -> None:
    """Writes the flags that repeat this run, and sends the project's log to a file."""
    given = [
        values[name].serialize()
        for group in values.flags_by_module_dict().values()
        for name in (flag.name for flag in group)
        if values[name].value is not None and name not in ("help", "overwrite")
    ]
    (folder / "search.flags").write_text("\n".join(given) + "\n", encoding="utf-8")
    handler = logging.FileHandler(folder / "search.log", mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("glo_tf")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [handler]


if __name__ == "__main__":
    cli()
