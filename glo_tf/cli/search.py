"""From flags to the search that they describe."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from glo_tf import plugins
from glo_tf.cli.fields import made_of_flags, read
from glo_tf.cli.task import output_dir, plugin, training_arguments
from glo_tf.errors import InvalidArgumentError
from glo_tf.execution.config import FailurePolicy, RunConfig
from glo_tf.search.config import RateSource, SearchBudget, SearchConfig, SearchKeywords
from glo_tf.search.genetic.options import GloOptions, GplearnOptions
from glo_tf.training.config import TrainingConfig

if TYPE_CHECKING:
    from glo_tf.display.callbacks import Callback
    from glo_tf.search.genetic.evolution import Operators
    from glo_tf.search.loss_search import LossSearch
    from glo_tf.search.spaces.space import SearchSpace


_OPTIONS_THAT_ARE_FLAGS: dict[str, type[GloOptions] | type[GplearnOptions]] = {
    "glo": GloOptions,
    "gplearn": GplearnOptions,
}


def make_search(values: flags.FlagValues) -> LossSearch:
    """The search that the flags describe.

    Raises:
        ValueError: If they do not describe one; all bad input shows here.
    """
    for config in (SearchConfig, SearchBudget, TrainingConfig, FailurePolicy, RunConfig):
        made_of_flags(values, config)  # refused here, before anything is loaded
    if values.losses:
        raise InvalidArgumentError(
            "Expected --reference_losses, which a search has to beat, or --initial_losses, which "
            "it begins with; --losses are those of compare and recommend. "
            f"Received: losses='{values.losses}' with search"
        )
    space = plugin(values, "search_space", "glo_tf.search_spaces")()
    _, common = training_arguments(values)

    from rich.console import Console

    from glo_tf.display.search import ProgressDisplay
    from glo_tf.search.loss_search import LossSearch

    folder = output_dir(values)
    arguments: SearchKeywords = {
        **read(values, SearchKeywords),
        **common,
        "learning_rate": _learning_rate(values),
        "search_space": space,
        "operators": _operators(values, space),
        "output_dir": folder,
        "reference_losses": given_references(values),
        "callbacks": [
            ProgressDisplay(Console(), names=_names(values)),
            *_tensorboard(values, folder),
        ],
    }
    return LossSearch(**arguments)


def given_references(values: flags.FlagValues) -> Sequence[str] | None:
    """The losses to beat, none of them, or None where nobody chose them."""
    from glo_tf.losses.lookup import split_losses

    text, given = values.reference_losses, made_of_flags(values, SearchConfig).reference_losses
    return split_losses(text, "reference_losses") if given else None if given is None else []


def _learning_rate(values: flags.FlagValues) -> str:
    """A number is the optimizer's already."""
    rate = values.learning_rate
    return rate if isinstance(rate, str) else RateSource.GIVEN


def _names(values: flags.FlagValues) -> dict[str, str]:
    """What the plan of a search has names for."""
    return {"data": values.dataset, "network": values.architecture}


def _tensorboard(values: flags.FlagValues, folder: pathlib.Path) -> list[Callback]:
    if not values.tensorboard:
        return []
    from glo_tf.display.tensorboard import TensorBoard

    names = ("dataset", "architecture", "optimizer", "learning_rate", "train_steps", "seed")
    hparams = {name: values[name].value for name in names}
    return [TensorBoard(folder / "tensorboard", hparams=hparams)]


def _operators(values: flags.FlagValues, space: SearchSpace) -> Operators | None:
    if values.operators is None and values.operators_options:
        raise InvalidArgumentError(
            "Expected operators by their name with --operators_options. Received: no --operators"
        )
    if values.operators is None and space.operators is not None:
        return None  # the space's own
    name, group = values.operators or "glo", "glo_tf.operators"
    given = plugins.parse_options(group, name, values.operators_options or [])
    if name in _OPTIONS_THAT_ARE_FLAGS:
        of_flags = dataclasses.asdict(made_of_flags(values, _OPTIONS_THAT_ARE_FLAGS[name]))
    else:  # of their own options one is every search's affair: how large a tree may be
        declared = {option.name for option in plugins.options(group, name)}
        of_flags = {"max_size": values.max_size} if "max_size" in declared else {}
    operators: Operators = plugins.make(group, name, space, **{**of_flags, **given})
    return operators
