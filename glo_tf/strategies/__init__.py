"""Distribution strategies: where the trainings of a search run.

A strategy is registered in the entry-point group `glo_tf.strategies`, as `local`, `devices` and
`ray` are. What a search finds does not depend on it.
"""

from glo_tf.strategies.base import (
    Failure,
    FailureKind,
    Result,
    Strategy,
    Task,
    TrainingError,
)

__all__ = ["Failure", "FailureKind", "Result", "Strategy", "Task", "TrainingError"]
