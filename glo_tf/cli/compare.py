"""From flags to the comparison that they describe."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from glo_tf.cli.task import output_dir, training_arguments
from glo_tf.errors import InvalidArgumentError

if TYPE_CHECKING:
    from glo_tf.comparison.loss_comparison import LossComparison
    from glo_tf.display.comparison import ComparisonDisplay


def make_comparison(
    values: flags.FlagValues, display: ComparisonDisplay
) -> tuple[LossComparison, pathlib.Path]:
    """The comparison that the flags describe, and its output folder.

    Args:
        values: The flags.
        display: Told of each training.

    Raises:
        ValueError: If they do not describe one; all bad input shows here.
    """
    if not values.losses:
        raise InvalidArgumentError(
            "Expected --losses, such as --losses=categorical_crossentropy,baikal. Received: none"
        )
    fractions = _fractions(values.train_fraction)
    data, arguments = training_arguments(values)

    from glo_tf.comparison.loss_comparison import LossComparison
    from glo_tf.losses.lookup import split_losses

    folder = output_dir(values)
    comparison = LossComparison(
        train_data=(data.x_train, data.y_train),
        validation_data=(data.x_validation, data.y_validation),
        test_data=(data.x_test, data.y_test),
        losses=split_losses(values.losses),
        seeds=values.seeds,
        evaluate_every=values.evaluate_every,
        train_fraction=fractions,
        tune_learning_rate=values.tune_learning_rate,
        tuning_seeds=values.tuning_seeds,
        output_dir=folder,
        on_training=display.on_training,
        **arguments,
    )
    return comparison, folder


def _fractions(texts: Sequence[str]) -> list[float]:
    try:
        return [float(text) for text in texts]
    except ValueError:
        raise InvalidArgumentError(
            f"Expected numbers with commas between them. Received: train_fraction={','.join(texts)}"
        ) from None
