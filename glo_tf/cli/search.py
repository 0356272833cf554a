"""From flags to the search that they describe."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from absl import flags

from glo_tf.cli.task import output_dir, plugin, training_arguments

if TYPE_CHECKING:
    from glo_tf.search.callbacks import Callback
    from glo_tf.search.genetic.evolution import Operators
    from glo_tf.search.loss_search import LossSearch
    from glo_tf.search.spaces.space import SearchSpace


def make_search(values: flags.FlagValues) -> tuple[LossSearch, pathlib.Path]:
    """The search that the flags describe, and its output folder.

    Raises:
        ValueError: If they do not describe one; all bad input shows here.
    """
    space = plugin(values, "search_space", "glo_tf.search_spaces")()
    data, arguments = training_arguments(values)

    from glo_tf.display.search import ProgressDisplay
    from glo_tf.search.loss_search import LossSearch

    folder = output_dir(values)
    search = LossSearch(
        train_data=(data.x_train, data.y_train),
        validation_data=(data.x_validation, data.y_validation),
        search_space=space,
        operators=_operators(values, space),
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
        output_dir=folder,
        callbacks=[ProgressDisplay(), *_tensorboard(values, folder)],
        **arguments,
    )
    return search, folder


def _tensorboard(values: flags.FlagValues, folder: pathlib.Path) -> list[Callback]:
    if not values.tensorboard:
        return []
    from glo_tf.display.tensorboard import TensorBoard

    names = ("dataset", "architecture", "optimizer", "learning_rate", "train_steps", "seed")
    hparams = {name: values[name].value for name in names}
    return [TensorBoard(folder / "tensorboard", hparams=hparams)]


def _operators(values: flags.FlagValues, space: SearchSpace) -> Operators | None:
    if values.operators is None and space.operators is not None:
        return None  # the space's own
    if values.operators == "gplearn":
        from glo_tf.search.genetic.gplearn_operators import GplearnOperators

        return GplearnOperators(
            space,
            p_crossover=values.p_crossover,
            p_subtree_mutation=values.p_subtree_mutation,
            p_hoist_mutation=values.p_hoist_mutation,
            p_point_mutation=values.p_point_mutation,
            p_point_replace=values.p_point_replace,
            max_size=values.max_size,
        )
    from glo_tf.search.genetic.operators import GloOperators

    return GloOperators(
        space,
        crossover_probability=values.crossover_probability,
        integer_mutation_probability=values.integer_mutation_probability,
        node_mutation_probability=values.node_mutation_probability,
        shrink_probability=values.shrink_probability,
        grow_probability=values.grow_probability,
        max_size=values.max_size,
    )
