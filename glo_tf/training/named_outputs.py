"""What is given by the names of outputs that a model returns in a list, in the order of the list.

Keras takes targets and weights of a functional model in both forms; flat, a dict would be in the
order of its keys.
"""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Mapping
from typing import Any

import keras

from glo_tf.data import arrays
from glo_tf.data.arrays import Pair, Structure, Weighted
from glo_tf.data.targets import NAMED
from glo_tf.errors import InvalidArgumentError, first_of
from glo_tf.training.config import TaskArguments

_OPTIONS = ("outputs", "metric", "class_weight")
"""Arguments of which a dict may leave outputs out."""


def in_order(
    given: TaskArguments, held_out: Mapping[str, Pair], built: keras.Model
) -> tuple[TaskArguments, dict[str, Pair]]:
    """A setting and what networks are measured on, with lists instead of dicts by these names.

    Args:
        given: The setting, with its data in memory.
        held_out: By its name as an argument, in memory.
        built: The model. One without a list of named outputs leaves all as it is.

    Raises:
        ValueError: If targets are a dict with other keys.
    """
    names = _names(built, given.train_data.samples)
    if names is None:
        return given, dict(held_out)
    options = {name: _option(getattr(given, name), names) for name in _OPTIONS}
    train_data = _pair("train_data", given.train_data, names)
    others = {name: _pair(name, pair, names) for name, pair in held_out.items()}
    return dataclasses.replace(given, train_data=train_data, **options), others


def _names(built: keras.Model, samples: Structure) -> list[str] | None:
    names = getattr(built, "output_names", None)  # a subclassed model has none
    if not names or len(names) < 2 or len(set(names)) < len(names):
        return None
    return None if isinstance(built(arrays.head(samples, 1)), dict) else list(names)


def _option(value: Any, names: list[str]) -> Any:
    if not isinstance(value, Mapping) or not value or not set(value) <= set(names):
        return value  # not by name, or refused where it is read
    return [value.get(name) for name in names]


def _pair(argument: str, data: Pair, names: list[str]) -> Pair:
    targets, weights = data.targets, data.weights
    if isinstance(targets, dict):
        if set(targets) != set(names):
            raise InvalidArgumentError(
                f"Expected targets of {argument} as a list of {len(names)}, or as a dict with "
                f"{first_of(names, NAMED)}, as the model's outputs. "
                f"Received: a dict with {reprlib.repr(list(targets))}"
            )
        targets = [targets[name] for name in names]
    if isinstance(weights, dict) and set(weights) == set(names):
        weights = [weights[name] for name in names]
    if weights is None:
        return Pair(data.samples, targets)
    return Weighted(data.samples, targets, weights)
