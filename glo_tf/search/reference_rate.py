"""The learning rate that suits the usual loss: where those of all other losses are looked for."""

from __future__ import annotations

from collections.abc import Sequence

from glo_tf.comparison.learning_rates import Evaluate, TunedRate, tune_learning_rates
from glo_tf.losses.baselines import usual_loss
from glo_tf.training.search_task import SearchTask


def tune_reference(evaluate: Evaluate, task: SearchTask, seeds: Sequence[int]) -> TunedRate:
    """The learning rate of the usual loss, on a ladder that widens while its best is an end of it.

    Args:
        evaluate: Trains networks.
        task: What they are trained on.
        seeds: Of the trainings with each rate; what they cost is known to a later comparison.
    """
    _, usual = usual_loss(task.outputs)
    (tuned,) = tune_learning_rates(evaluate, [usual], task.learning_rate, seeds)
    return tuned
