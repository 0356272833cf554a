"""A training of a second, for tests of what takes part in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np

if TYPE_CHECKING:
    from glo_tf.architectures import NamedArchitecture
    from glo_tf.results.search_result import SearchResult
    from glo_tf.search.config import SearchKeywords
    from glo_tf.training.task import TrainingTask

TRAIN_STEPS = 20


def small_data(
    input_shape: tuple[int, ...], num_classes: int, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Noise around one pattern per class: samples in [0, 1], float32 `(N, ...)`, labels `(N,)`."""
    patterns = np.random.default_rng(0).uniform(0.0, 0.5, (num_classes, *input_shape))
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int32) % num_classes
    noise = rng.uniform(0.0, 0.5, (count, *input_shape))
    return (patterns[labels] + noise).astype(np.float32), labels


def small_task(architecture: NamedArchitecture, *, from_logits: bool = False) -> TrainingTask:
    """Twenty steps of 16 samples, on data that fits the architecture."""
    from glo_tf.training.task import TrainingTask

    shape, classes = architecture.input_shape, architecture.num_classes
    return TrainingTask.define(
        architecture,
        "adam",
        small_data(shape, classes, 128, seed=1),
        small_data(shape, classes, 256, seed=2),
        from_logits=from_logits,
        train_steps=TRAIN_STEPS,
        batch_size=16,
    )


def small_search(**settings: Unpack[SearchKeywords]) -> SearchResult:
    """Two generations of ten, with nothing after them."""
    from glo_tf.architectures import NamedArchitecture
    from glo_tf.search.loss_search import LossSearch

    shape, classes = (4, 4, 1), 3
    given: SearchKeywords = {
        "model": NamedArchitecture("mlp", shape, classes),
        "train_data": small_data(shape, classes, 64, seed=1),
        "validation_data": small_data(shape, classes, 64, seed=2),
        "train_steps": TRAIN_STEPS,
        "batch_size": 16,
        "population_size": 10,
        "elites": 2,
        "generations": 2,
        "coefficient_expressions": 0,
        "finalists": 0,
        "comparison_seeds": 0,
        "strategy": "local",
        **settings,
    }
    return LossSearch(**given).run()
