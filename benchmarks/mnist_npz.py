"""MNIST from one file, for machines with neither TensorFlow Datasets nor a network.

    TFDS_DATA_DIR=... python benchmarks/mnist_npz.py mnist.npz

writes it; `load` reads it, split as `glo_tf.datasets.mnist` splits it.
"""

from __future__ import annotations

import sys

import numpy as np

NAMES = ("x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test")


def load(path: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images in [0, 1], float32 `(N, 28, 28, 1)`, and classes, by `train`, `validation`, `test`."""
    with np.load(path) as held:
        arrays = {name: held[name] for name in NAMES}
    return {
        split: (arrays[f"x_{split}"].astype("float32") / 255.0, arrays[f"y_{split}"])
        for split in ("train", "validation", "test")
    }


def main() -> None:
    from glo_tf import datasets

    data = datasets.mnist()
    arrays = {name: getattr(data, name) for name in NAMES}
    for name in NAMES[::2]:
        pixels = np.rint(arrays[name] * 255.0)
        if not np.array_equal((pixels / 255.0).astype("float32"), arrays[name]):
            raise SystemExit(f"Expected pixels in 256 levels. Received: {name}")
        arrays[name] = pixels.astype("uint8")
    np.savez_compressed(sys.argv[1], **arrays)


if __name__ == "__main__":
    main()
