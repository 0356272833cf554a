"""From flags to the recommendation that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from absl import flags

from glo_tf.cli.fields import made_of_flags, read
from glo_tf.cli.task import output_dir, training_arguments
from glo_tf.execution.config import FailurePolicy, RunConfig
from glo_tf.recommendation.config import RecommendationConfig, RecommendationKeywords
from glo_tf.training.config import TrainingConfig

if TYPE_CHECKING:
    from glo_tf.display.recommendation import RecommendationDisplay
    from glo_tf.recommendation.loss_recommendation import LossRecommendation


def make_recommendation(
    values: flags.FlagValues, display: RecommendationDisplay
) -> LossRecommendation:
    """The recommendation that the flags ask for.

    The learning rate is where the usual loss's is looked for first, as each loss has its own.

    Args:
        values: The flags.
        display: Told of each trial.

    Raises:
        ValueError: If they do not describe one; all bad input shows here.
    """
    for config in (RecommendationConfig, TrainingConfig, FailurePolicy, RunConfig):
        made_of_flags(values, config)  # refused here, before anything is loaded
    data, common = training_arguments(values)

    from glo_tf.losses.lookup import split_losses
    from glo_tf.recommendation.loss_recommendation import LossRecommendation

    arguments: RecommendationKeywords = {
        **read(values, RecommendationKeywords),
        **common,
        "output_dir": output_dir(values),
        "on_progress": display.on_progress,
    }
    return LossRecommendation(
        test_data=data.split("test"),
        losses=split_losses(values.losses) if values.losses else None,
        **arguments,
    )
