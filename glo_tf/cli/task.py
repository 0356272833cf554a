"""From flags to what searches and comparisons have in common: data, model, trainings, workers."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from absl import flags

from glo_tf import plugins
from glo_tf.cli.fields import made_of_flags, read
from glo_tf.errors import InvalidArgumentError
from glo_tf.execution.config import RunKeywords
from glo_tf.strategies.ray_options import RayOptions
from glo_tf.training.candidate import Hyperparameters
from glo_tf.training.config import TaskKeywords
from glo_tf.utils.files import user_path
from glo_tf.utils.importing import quick_imports

if TYPE_CHECKING:
    from glo_tf.datasets import Dataset
    from glo_tf.strategies import Strategy
    from glo_tf.training.backends import Backend


class CommonKeywords(RunKeywords, TaskKeywords, total=False):
    """Arguments that `LossSearch` and `LossComparison` have in common."""


def training_arguments(values: flags.FlagValues) -> tuple[Dataset, CommonKeywords]:
    """The data set, and what `LossSearch` and `LossComparison` have in common.

    Raises:
        ValueError: If flags name nothing that exists, or do not fit.
    """
    rate = values.learning_rate
    if not isinstance(rate, str):
        Hyperparameters(learning_rate=rate)  # refused before anything is loaded
    load_dataset = plugin(values, "dataset", "glo_tf.datasets")
    architecture_options = plugin(values, "architecture", "glo_tf.architectures").keywords
    strategy = _strategy(values)

    with shown_meanwhile("Starting Keras and its backend ..."), quiet_start(), quick_imports():
        trains = _backend()
        trains.begin()
        if values.intra_op_threads:
            trains.set_threads(values.intra_op_threads)
        trains.logical_devices()  # looking for devices is what TensorFlow talks most about

    from glo_tf.architectures import NamedArchitecture

    data = load_dataset(data_dir=values.data_dir and str(user_path(values.data_dir)))
    arguments = read(values, CommonKeywords)
    if values.ignore_class is None:
        arguments["ignore_class"] = data.ignore_class
    return data, {
        **arguments,
        "model": NamedArchitecture(
            values.architecture,
            data.input_shape,
            data.num_classes,
            architecture_options,
            data.target_shape,
        ),
        "train_data": data.split("train"),
        "validation_data": data.split("validation"),
        "optimizer": {
            "class_name": values.optimizer,
            "config": {} if isinstance(rate, str) else {"learning_rate": rate},
        },
        "strategy": strategy,
    }


def output_dir(values: flags.FlagValues) -> pathlib.Path:
    """The folder for the results of a search, a comparison or a recommendation."""
    mode = f"_{values.mode}" if values.mode in ("compare", "recommend") else ""
    return user_path(values.output_dir or f"runs/{values.dataset}{mode}_seed{values.seed}")


@contextlib.contextmanager
def shown_meanwhile(text: str) -> Iterator[None]:
    """Shows on a terminal, for as long as it takes, what is done before there is anything else."""
    if not sys.stdout.isatty() or os.environ.get("TERM") in (None, "", "dumb", "unknown"):
        yield
        return
    sys.stdout.write(text)
    sys.stdout.flush()
    try:
        yield
    finally:
        sys.stdout.write("\r\x1b[2K")
        sys.stdout.flush()


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


def plugin(
    values: flags.FlagValues, flag: str, group: str, **options: object
) -> functools.partial[Any]:
    """The plugin that a flag names with its options: `options`, and over them the given ones."""
    name, texts = values[flag].value, values[f"{flag}_options"].value or []
    given = plugins.parse_options(group, name, texts)
    return functools.partial(plugins.make, group, name, **{**options, **given})


def _backend() -> Backend:
    try:
        from glo_tf.training.backends import backend
    except ModuleNotFoundError as error:
        if error.name not in ("tensorflow", "jax", "torch"):
            raise
        # Keras imports its backend, and which one that is need not have been anybody's wish.
        raise InvalidArgumentError(
            f"Expected Keras's backend to be installed (python -m pip install {error.name}), or "
            "KERAS_BACKEND=tensorflow or KERAS_BACKEND=jax for the one that is. Received: "
            f"KERAS_BACKEND={os.environ.get('KERAS_BACKEND', '')} ({error})"
        ) from error
    return backend()


def _strategy(values: flags.FlagValues) -> Strategy | str:
    if values.strategy == "auto":
        if values.strategy_options:
            raise InvalidArgumentError(
                "Expected a strategy by its name with --strategy_options. Received: strategy=auto"
            )
        return "auto"  # what devices there are is for the backend to say, later
    of_flags = made_of_flags(values, RayOptions) if values.strategy == "ray" else None
    options = {} if of_flags is None else dataclasses.asdict(of_flags)
    strategy: Strategy = plugin(values, "strategy", "glo_tf.strategies", **options)()
    return strategy
