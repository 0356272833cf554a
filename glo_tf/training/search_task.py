"""What a search asks of its task, whether that is one or several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import keras

from glo_tf.data.outputs import Outputs
from glo_tf.metrics.objective import Objective
from glo_tf.training.trial import Task


class SearchTask(Task, Protocol):
    """More than workers ask for; see `glo_tf.training.task.TrainingTask`, which is one."""

    @property
    def outputs(self) -> Outputs:
        """Of the model."""

    @property
    def objective(self) -> Objective:
        """What fitness is."""

    @property
    def optimizer(self) -> Callable[[], keras.Optimizer]:
        """Makes a new one."""

    @property
    def learning_rate(self) -> float:
        """The optimizer's; of a schedule its largest."""

    @property
    def train_steps(self) -> int:
        """Of a candidate."""

    @property
    def summary(self) -> str:
        """What was understood, on one line."""

    @property
    def has_penalties(self) -> bool:
        """Whether a model adds terms to every loss."""

    def interpreting(self) -> SearchTask:
        """The same task for losses each of which has a tree and coefficients of its own."""

    def optimizer_at(self, rate: float) -> keras.Optimizer:
        """A new optimizer as a training with this rate has it."""
