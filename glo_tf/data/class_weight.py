"""Weights of classes: what they are, and of which output and sample."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from glo_tf.errors import InvalidArgumentError, shown

ClassWeight: TypeAlias = Mapping[Any, Any] | Sequence[Mapping[int, float] | None]
"""`{class: weight}`; of several outputs a list or dict of such, as the outputs, None for none."""

_ONE = "a dict {class: weight}, of classes as 0, 1, ... and weights of at least 0"


def check_class_weight(class_weight: Any) -> None:
    """What can be said of it without a model.

    Raises:
        ValueError: If it is neither None nor weights of classes, also of several outputs.
    """
    if class_weight is None:
        return
    several = isinstance(class_weight, list | tuple) or (
        isinstance(class_weight, Mapping)
        and any(isinstance(part, Mapping) for part in class_weight.values())
    )
    parts = class_weight.values() if isinstance(class_weight, Mapping) else class_weight
    for part in parts if several else [class_weight]:
        if part is not None or not several:
            _check_one(part)


def _check_one(weights: Any) -> None:
    if not isinstance(weights, Mapping) or not weights:
        raise InvalidArgumentError(
            f"Expected class_weight as {_ONE}. Received: class_weight={shown(weights)}"
        )
    for number, weight in weights.items():
        is_class = isinstance(number, numbers.Real) and number == number // 1
        if not is_class or isinstance(number, bool):
            raise InvalidArgumentError(
                f"Expected class_weight as {_ONE}. Received: class {shown(number)}"
            )
        if not isinstance(weight, numbers.Real) or not 0.0 <= float(weight) < math.inf:
            raise InvalidArgumentError(
                f"Expected finite weights of at least 0 in class_weight. "
                f"Received: {shown(weight)} for class {number}"
            )


def of_each_output(
    class_weight: ClassWeight | None, names: tuple[str, ...] | None, count: int
) -> list[Mapping[int, float] | None]:
    """Weights of classes for each output."""
    if not class_weight:
        return [None] * count
    if isinstance(class_weight, Mapping):
        by_name = any(isinstance(part, Mapping) for part in class_weight.values())
        if not by_name and count == 1:
            return [class_weight]
        if by_name and names is not None and set(class_weight) <= set(names):
            return [class_weight.get(name) for name in names]
    elif len(class_weight) == count:
        return list(class_weight)
    what = f"a dict with {', '.join(names)}" if names else f"a list of {count}"
    raise InvalidArgumentError(
        f"Expected class_weight as {what if count > 1 else 'a dict'} of dicts {{class: weight}}, "
        f"as the model has {count} output(s). Received: class_weight={shown(class_weight)}"
    )


def of_rows(
    of_classes: Mapping[int, float], targets: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    """The weight of the class of each position, float32 `(N, ...)`.

    Args:
        of_classes: Weights of classes.
        targets: Class indices or numbers `(N, ...)` or `(N, ..., 1)`, or rows `(N, ..., units)`.
        shape: Of the output for one sample: positions and units.
    """
    units = shape[-1]
    if targets.ndim > len(shape):
        targets = targets[..., 0] if targets.shape[-1] == 1 else targets.argmax(axis=-1)
    of_numbers = units == 1 and not np.isin(targets, (0, 1)).all()
    last = max(units, 2) - 1
    unknown = [number for number in of_classes if not 0 <= number <= last]
    if unknown and not of_numbers:
        raise InvalidArgumentError(
            f"Expected class_weight for classes 0 to {last}. Received: class {unknown[0]}"
        )
    classes = np.round(targets)
    weights = np.ones(classes.shape, np.float32)
    for number, weight in of_classes.items():
        weights[classes == number] = weight
    return weights
