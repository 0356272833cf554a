"""Example plugin of glo_tf: a data set that is not made of images."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

from glo_tf.datasets import Dataset


def wine(data_dir: str | None = None) -> Dataset:
    """13 measurements of 178 wines, 3 classes; comes with scikit-learn, no download.

    Args:
        data_dir: Unused; every data set plugin is given `--data_dir`.

    Returns:
        Samples `(N, 13)`, each measurement scaled to [0, 1]: 106 / 36 / 36.
    """
    del data_dir
    measurements, labels = load_wine(return_X_y=True)
    labels = labels.astype(np.int32)
    x_rest, x_test, y_rest, y_test = train_test_split(
        measurements, labels, test_size=36, stratify=labels, random_state=0
    )
    x_train, x_validation, y_train, y_validation = train_test_split(
        x_rest, y_rest, test_size=36, stratify=y_rest, random_state=0
    )
    # The range is the training split's: the others must not leak into it.
    low, high = x_train.min(axis=0), x_train.max(axis=0)

    def scaled(samples: np.ndarray) -> np.ndarray:
        return np.clip((samples - low) / (high - low), 0.0, 1.0).astype(np.float32)

    return Dataset(
        "wine",
        scaled(x_train),
        y_train,
        scaled(x_validation),
        y_validation,
        scaled(x_test),
        y_test,
        num_classes=3,
    )
