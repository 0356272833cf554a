"""The task that benchmarks on digits share: an MLP of 64 units, 300 steps of 100, SGD 0.1."""

from __future__ import annotations

from typing import Any


def digits_task() -> dict[str, Any]:
    """Arguments that `CandidateTrainer` and `LossSearch` have in common."""
    import keras

    from glo_tf import architectures, datasets

    data = datasets.digits()
    return {
        "model": lambda: architectures.mlp(data.input_shape, data.num_classes),
        "optimizer": keras.optimizers.SGD(0.1),
        "train_data": (data.x_train, data.y_train),
        "validation_data": (data.x_validation, data.y_validation),
        "train_steps": 300,
        "batch_size": 100,
    }
