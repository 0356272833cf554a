"""What every training begins with: a new model and its optimizer, as a seed gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from glo_tf.errors import InvalidArgumentError
from glo_tf.training import fresh_models
from glo_tf.training.schedules import LearningRate

if TYPE_CHECKING:
    from glo_tf.training.task import TrainingTask


def begin(task: TrainingTask, seed: int) -> tuple[keras.Model, keras.Optimizer, LearningRate]:
    """A built model, an optimizer built for it, and what sets the optimizer's learning rate.

    Args:
        task: What is trained.
        seed: Of the initial weights.

    Raises:
        ValueError: If the task's functions hand out what they have made before.
    """
    model = fresh_models.build(task.model, task.train_data[0], seed)
    optimizer = task.optimizer()
    if optimizer.built:
        raise InvalidArgumentError(
            "Expected optimizer to make a new one each time. Received: one that has been used"
        )
    optimizer.build(model.trainable_variables)
    rate = LearningRate(optimizer, task.learning_rate, task.learning_rate_decay, task.train_steps)
    return model, optimizer, rate
