"""A part of the training data, to see what a loss does with less of it."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import train_test_split

from glo_tf.data import arrays
from glo_tf.data.arrays import Pair, Structure, Weighted
from glo_tf.data.outputs import Outputs
from glo_tf.errors import InvalidArgumentError
from glo_tf.utils.checks import check_share


def take_fraction(
    data: tuple[Structure, Structure],
    fraction: float,
    *,
    labels: np.ndarray,
    outputs: Outputs,
    batch_size: int,
    seed: int,
) -> tuple[Structure, Structure]:
    """Drawn samples; where a model has one output of classes, all classes alike.

    Args:
        data: Samples, targets and weights, in memory.
        fraction: Of the samples, in (0, 1]; 1 takes all as they are.
        labels: Labels as columns, `(N, W)`.
        outputs: Of the model.
        batch_size: Samples of a training step.
        seed: Of the draw.

    Raises:
        ValueError: If the fraction is out of range, leaves less than one batch, or not a sample of
            each class.
    """
    check_share(train_fraction=fraction)
    samples = len(labels)
    count = round(samples * fraction)
    if count < batch_size:
        raise InvalidArgumentError(
            f"Expected a train_fraction that leaves a batch of {batch_size} of the {samples} "
            f"training samples, or a smaller batch_size. Received: train_fraction={fraction}, "
            f"which leaves {count}"
        )
    if count == samples:
        return data
    one_of_classes = len(outputs.each) == 1 and bool(outputs.num_classes) and not outputs.dense
    try:
        chosen, _ = train_test_split(
            np.arange(samples),
            train_size=count,
            stratify=labels.argmax(axis=-1) if one_of_classes else None,
            random_state=seed,
        )
    except ValueError as error:
        raise InvalidArgumentError(
            f"Expected a train_fraction that leaves samples of each class ({error}). "
            f"Received: train_fraction={fraction}"
        ) from error
    places = np.sort(chosen)
    samples, targets = (arrays.take(part, places) for part in data)
    if isinstance(data, Weighted):
        return Weighted(samples, targets, arrays.take(data.weights, places))
    return Pair(samples, targets)
