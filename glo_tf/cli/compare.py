"""From flags to the comparison that they describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from absl import flags

from glo_tf.cli.fields import made_of_flags, read
from glo_tf.cli.task import output_dir, training_arguments
from glo_tf.comparison.config import ComparisonConfig, ComparisonKeywords
from glo_tf.errors import InvalidArgumentError
from glo_tf.execution.config import FailurePolicy, RunConfig
from glo_tf.search.config import RateSource
from glo_tf.training.config import TrainingConfig

if TYPE_CHECKING:
    from glo_tf.comparison.loss_comparison import LossComparison
    from glo_tf.display.comparison import ComparisonDisplay


def make_comparison(values: flags.FlagValues, display: ComparisonDisplay) -> LossComparison:
    """The comparison that the flags describe.

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
    if values.learning_rate == RateSource.OWN:
        raise InvalidArgumentError(
            "Expected --learning_rate as a number, or given, of which --tune_learning_rate finds "
            "each loss its own. Received: learning_rate=own"
        )
    for config in (ComparisonConfig, TrainingConfig, FailurePolicy, RunConfig):
        made_of_flags(values, config)  # refused here, before anything is loaded
    data, common = training_arguments(values)

    from glo_tf.comparison.loss_comparison import LossComparison
    from glo_tf.losses.lookup import split_losses

    arguments: ComparisonKeywords = {
        **read(values, ComparisonKeywords),
        **common,
        "output_dir": output_dir(values),
        "on_training": display.on_training,
    }
    return LossComparison(
        test_data=data.split("test"), losses=split_losses(values.losses), **arguments
    )
