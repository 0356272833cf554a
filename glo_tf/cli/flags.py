"""The command line's flags."""

from __future__ import annotations

import re
from collections.abc import Sequence

from absl import flags

from glo_tf.cli.flagfiles import Argument, expand, find_flagfile
from glo_tf.errors import InvalidArgumentError


def define_flags() -> flags.FlagValues:
    """All flags, with the paper's values, or else the project's, as defaults."""
    values = flags.FlagValues()

    def section(name: str) -> dict[str, object]:
        return {"flag_values": values, "module_name": name}

    run = section("Run")
    flags.DEFINE_boolean("help", False, "Shows this help.", short_name="h", **run)
    flags.DEFINE_enum(
        "mode",
        "search",
        ["search", "compare", "report", "list"],
        "search for a loss, compare losses, write the report of the run in --output_dir, or list "
        "all plugins.",
        **run,
    )
    flags.DEFINE_integer("seed", 0, "Seed of the search and of every training (>= 0).", **run)
    flags.DEFINE_string(
        "output_dir",
        "",
        "Folder for the results; runs/DATASET_seedSEED if empty, of a comparison "
        "runs/DATASET_compare_seedSEED.",
        **run,
    )
    flags.DEFINE_boolean(
        "overwrite",
        False,
        "Replace earlier results in --output_dir; without it, the search there is resumed.",
        **run,
    )
    flags.DEFINE_boolean(
        "tensorboard",
        False,
        "Write event files for TensorBoard to the folder tensorboard in --output_dir.",
        **run,
    )

    def own_options(kind: str, of: dict[str, object]) -> None:
        flags.DEFINE_multi_string(
            f"{kind}_options",
            None,
            "Its own options (see --mode=list): name=value, several separated by commas",
            **of,
        )

    task = section("Task")
    flags.DEFINE_string("dataset", "digits", "Registered data set (see --mode=list).", **task)
    own_options("dataset", task)
    flags.DEFINE_string(
        "data_dir",
        None,
        "Folder of prepared TFDS data; TFDS_DATA_DIR or TFDS's own if unset.",
        **task,
    )
    flags.DEFINE_string("architecture", "mlp", "Registered architecture (see --mode=list).", **task)
    own_options("architecture", task)
    flags.DEFINE_enum(
        "outputs",
        None,
        ["softmax", "sigmoid"],
        "What the architecture gives; if unset, what its last activation and the labels say.",
        **task,
    )
    flags.DEFINE_boolean(
        "from_logits", False, "The architecture ends in logits: without softmax or sigmoid.", **task
    )
    flags.DEFINE_string("optimizer", "sgd", "Keras optimizer by name.", **task)
    flags.DEFINE_float("learning_rate", 0.01, "Learning rate of the optimizer (per step).", **task)
    flags.DEFINE_string(
        "metric", None, "Keras metric that is the fitness, by name; accuracy if unset.", **task
    )
    flags.DEFINE_enum(
        "metric_mode",
        "auto",
        ["auto", "max", "min"],
        "Whether the metric is to be large or small; auto where Keras knows.",
        **task,
    )
    flags.DEFINE_integer("train_steps", 2000, "Training steps per candidate.", **task)
    flags.DEFINE_integer("batch_size", 100, "Samples per training step.", **task)
    flags.DEFINE_float("epsilon", 1e-7, "Predictions are clipped to [epsilon, 1].", **task)

    effort = section("Effort")
    flags.DEFINE_enum(
        "screening",
        "full",
        ["full", "equivalence", "none"],
        "What is not trained: losses with the gradients of an earlier one (equivalence), and also "
        "losses that cannot learn, and with early stopping at chance (full).",
        **effort,
    )
    flags.DEFINE_boolean(
        "racing",
        False,
        "Prune a generation's candidates after fewer steps, and train the best in full.",
        **effort,
    )
    flags.DEFINE_enum(
        "jit_compile",
        "auto",
        ["auto", "true", "false"],
        "XLA for the trainings; auto uses it for dense models on a CPU.",
        **effort,
    )

    workers = section("Workers")
    flags.DEFINE_string(
        "strategy",
        "auto",
        "Where candidates are trained: local, devices (one a GPU), ray, or a registered strategy "
        "(see --mode=list); auto is devices where there are several GPUs, else local. What is "
        "found does not depend on it.",
        **workers,
    )
    own_options("strategy", workers)
    flags.DEFINE_integer(
        "intra_op_threads",
        0,
        "CPU threads of one training; 0 for all cores. On a CPU it changes the last bits of a "
        "training, so a search keeps it when it is resumed.",
        lower_bound=0,
        upper_bound=4096,
        **workers,
    )
    flags.DEFINE_float(
        "candidate_timeout",
        None,
        "Seconds that one training may take; no limit if unset.",
        **workers,
    )
    flags.DEFINE_integer(
        "candidate_retries",
        1,
        "How often a training is tried again, elsewhere where possible, after its worker died or "
        "it ran out of memory or time. Then it is recorded as failed.",
        **workers,
    )
    flags.DEFINE_integer(
        "max_consecutive_failures",
        10,
        "How many trainings in a row may fail before the run ends.",
        **workers,
    )

    ray = section("Workers: --strategy=ray")
    flags.DEFINE_string(
        "ray_address",
        "",
        "Of a running cluster, such as 10.0.0.1:6379, or auto; if empty, one is started on this "
        "machine, reachable from it alone.",
        **ray,
    )
    flags.DEFINE_integer(
        "ray_workers", None, "Workers; as many as there is room for if unset.", lower_bound=1, **ray
    )
    flags.DEFINE_float(
        "ray_num_cpus", None, "CPUs of a worker; its training's threads if unset.", **ray
    )
    flags.DEFINE_float(
        "ray_num_gpus", None, "GPUs of a worker; one if unset and the cluster has any.", **ray
    )

    discovery = section("Discovery phase (genetic search), where the search space has it")
    flags.DEFINE_string("search_space", "glo", "Registered search space.", **discovery)
    own_options("search_space", discovery)
    flags.DEFINE_multi_string(
        "initial_expressions",
        None,
        "Whole loss to begin with, such as '-(x*log(y))'; one a flag, as many as you like.",
        **discovery,
    )
    flags.DEFINE_integer("population_size", 80, "Candidates per generation.", **discovery)
    flags.DEFINE_integer("elites", 6, "Best candidates that go on unchanged.", **discovery)
    flags.DEFINE_integer("generations", 100, "Number of generations.", **discovery)
    flags.DEFINE_integer(
        "fitness_seeds", 1, "Trainings of each candidate; their mean is its fitness.", **discovery
    )
    flags.DEFINE_float(
        "parsimony_coefficient",
        0.0,
        "Fitness that each node costs, in selection and in the choice of the best loss.",
        **discovery,
    )
    flags.DEFINE_enum(
        "operators",
        None,
        ["glo", "gplearn"],
        "The paper's operators, or gplearn's; if unset, those of the search space, by default the "
        "paper's.",
        **discovery,
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
    flags.DEFINE_float(
        "p_point_replace", 0.05, "Replacement in a point mutation, per node.", **gplearn
    )

    coefficients = section("Coefficient phase (CMA-ES), where the search space has it")
    flags.DEFINE_integer(
        "coefficient_expressions",
        1,
        "Best expressions of the discovery phase to tune; 0 skips the phase.",
        **coefficients,
    )
    flags.DEFINE_integer("coefficient_generations", 20, "Generations each.", **coefficients)
    flags.DEFINE_integer(
        "coefficient_population_size",
        None,
        "Candidates per generation; if unset, that of the search space: 28 for taylor, by default "
        "pycma's 4 + 3 ln(nodes).",
        **coefficients,
    )
    flags.DEFINE_float(
        "coefficient_sigma0",
        None,
        "Initial step size; if unset, that of the search space: 1.2 for taylor, by default 1.5.",
        **coefficients,
    )

    ending = section("Confirmation and comparison")
    flags.DEFINE_integer(
        "finalists",
        5,
        "Best candidates trained again with other seeds to choose among; 0 takes the fittest.",
        **ending,
    )
    flags.DEFINE_integer("finalist_seeds", 2, "Trainings of each finalist.", **ending)
    flags.DEFINE_integer(
        "comparison_seeds",
        3,
        "Fresh seeds on which the best loss and cross-entropy are compared; 0 skips it.",
        **ending,
    )

    compare = section("Comparison of losses: --mode=compare")
    flags.DEFINE_string(
        "losses",
        None,
        "With commas between them: categorical_crossentropy, baikal, baikal_cma, ngl, the path of "
        "a best_loss.json, or an expression; NAME=LOSS names it. Cross-entropy is the baseline in "
        "any case.",
        **compare,
    )
    flags.DEFINE_integer("seeds", 5, "Trainings of each loss.", **compare)
    flags.DEFINE_integer(
        "evaluate_every",
        None,
        "Steps between measurements on the test data; at the end only if unset.",
        **compare,
    )
    flags.DEFINE_list(
        "train_fraction",
        "1.0",
        "Shares of the training data, with commas between them: 1.0,0.1,0.01.",
        **compare,
    )
    flags.DEFINE_boolean(
        "tune_learning_rate",
        False,
        "Train each loss also with a learning rate of its own, chosen on the validation data.",
        **compare,
    )
    flags.DEFINE_integer(
        "tuning_seeds", 3, "Trainings for each learning rate that is tried.", **compare
    )
    return values


def parse_flags(arguments: Sequence[str]) -> flags.FlagValues:
    """The flags that the arguments give, those of flagfiles among them.

    Args:
        arguments: With the program's name first.

    Raises:
        ValueError: If they are not flags and their values; the message names the flagfile and the
            line. It does, too, where a flagfile is not found or not readable.
        OSError: If a flagfile cannot be read.
    """
    for argument in arguments:
        if re.search(r"[\r\n\0\ud800-\udfff]", argument):  # what a flagfile could not hold
            raise InvalidArgumentError(
                f"Expected flags of one line, in UTF-8. Received: {argument!r}"
            )
    given = [Argument(arguments[0]), *expand(resolve_flagfiles(arguments)[1:])]
    values, problem = _parsed(given)
    if problem:
        # The first argument without which there would be nothing wrong.
        culprit = next(n for n in range(1, len(given) + 1) if _parsed(given[:n])[1] == problem)
        origin = given[culprit - 1].origin
        raise InvalidArgumentError(f"{problem} (in {origin})" if origin else problem)
    return values


def resolve_flagfiles(arguments: Sequence[str]) -> list[str]:
    """Points `--flagfile=NAME` at the file that it means; see `flagfiles.find_flagfile`.

    Raises:
        ValueError: If there is none.
    """
    resolved: list[str] = []
    for argument in arguments:
        if resolved and re.fullmatch("--?flagfile", resolved[-1]):  # --flagfile NAME
            argument = f"{resolved.pop()}={argument}"
        match = re.fullmatch(r"(--?flagfile=)(.+)", argument)
        resolved.append(match[1] + str(find_flagfile(match[2])) if match else argument)
    return resolved


def _parsed(arguments: Sequence[Argument]) -> tuple[flags.FlagValues, str]:
    """The flags, and what is wrong with them, or `""`."""
    values = define_flags()
    try:
        surplus = values([argument.text for argument in arguments])[1:]
    except flags.Error as error:
        return values, str(error)
    return values, f"Expected flags only. Received: {surplus[0]}" if surplus else ""
