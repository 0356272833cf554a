"""From flags to the search that they describe."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from absl import flags

from glo_tf import plugins

if TYPE_CHECKING:
    from glo_tf.genetic import Operators
    from glo_tf.search import LossSearch
    from glo_tf.search_spaces import SearchSpace
    from glo_tf.strategies import Strategy


def make_search(values: flags.FlagValues) -> tuple[LossSearch, str]:
    """The search that the flags describe, and its output folder.

    Raises:
        ValueError: If they do not describe one; all bad input shows here.
    """
    load_dataset = _plugin(values, "dataset", "glo_tf.datasets")
    architecture_options = _plugin(values, "architecture", "glo_tf.architectures").keywords
    strategy = _strategy(values)
    space = _plugin(values, "search_space", "glo_tf.search_spaces")()

    with quiet_start():
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
        metric=values.metric,
        metric_mode=values.metric_mode,
        search_space=space,
        operators=_operators(values, space),
        train_steps=values.train_steps,
        batch_size=values.batch_size,
        epsilon=values.epsilon,
        initial_expressions=values.initial_expressions or [],
        population_size=values.population_size,
        elites=values.elites,
        generations=values.generations,
        fitness_seeds=values.fitness_seeds,
        parsimony_coefficient=values.parsimony_coefficient,
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
    return search, output_dir


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
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


def _operators(values: flags.FlagValues, space: SearchSpace) -> Operators | None:
    if values.operators is None and space.operators is not None:
        return None  # the space's own
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
