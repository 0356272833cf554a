"""A regression to benchmark on: scikit-learn's diabetes, a small MLP, 300 steps of 32, SGD 0.01."""

from __future__ import annotations

from typing import Any


def diabetes_task() -> dict[str, Any]:
    """Arguments that `TrainingTask.define` and `LossSearch` have in common."""
    import keras
    import numpy as np
    from sklearn.datasets import load_diabetes
    from sklearn.model_selection import train_test_split

    def build_model() -> keras.Model:
        dense = keras.layers.Dense
        return keras.Sequential([keras.Input((10,)), dense(16, activation="relu"), dense(1)])

    x, y = load_diabetes(return_X_y=True)
    x, y = (x / x.std(axis=0)).astype(np.float32), (y - y.mean()) / y.std()
    x_train, x_validation, y_train, y_validation = train_test_split(
        x, y, test_size=120, random_state=0
    )
    return {
        "model": build_model,
        "optimizer": keras.optimizers.SGD(0.01),
        "train_data": (x_train, y_train),
        "validation_data": (x_validation, y_validation),
        "train_steps": 300,
        "batch_size": 32,
    }
