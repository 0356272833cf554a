"""A loss for a small U-Net, by mean IoU: `python examples/segmentation.py`.

Scenes are made here, of two digits of scikit-learn on a canvas; each pixel is background, a digit
from 0 to 4, or one from 5 to 9.
"""

import argparse

import keras
import numpy as np
from sklearn.datasets import load_digits

import glo_tf

KNOWN = ["cross_entropy=categorical_crossentropy", "brier", "baikal"]


def build_model() -> keras.Model:
    """One step down, one up, and what was there before beside it."""
    options, inputs = {"padding": "same", "activation": "relu"}, keras.Input((16, 24, 1))
    fine = keras.layers.Conv2D(8, 3, **options)(inputs)
    coarse = keras.layers.Conv2D(16, 3, **options)(keras.layers.MaxPooling2D()(fine))
    joined = keras.layers.Concatenate()([keras.layers.UpSampling2D()(coarse), fine])
    return keras.Model(inputs, keras.layers.Conv2D(3, 1, activation="softmax")(joined))


def main() -> None:
    """Searches, and measures on test data what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=3)
    parser.add_argument("--train_steps", type=int, default=100)
    arguments = parser.parse_args()

    rng, (images, digits) = np.random.default_rng(0), load_digits(return_X_y=True)
    x, y = np.zeros((600, 16, 24, 1), np.float32), np.zeros((600, 16, 24), np.int32)
    for scene, left in np.ndindex(600, 2):
        digit, top, start = rng.integers(len(images)), rng.integers(9), 12 * left + rng.integers(5)
        image = images[digit].reshape(8, 8) / 16.0
        x[scene, top : top + 8, start : start + 8, 0] = image
        y[scene, top : top + 8, start : start + 8] = (image > 0.2) * (1 + digits[digit] // 5)
    search = glo_tf.LossSearch(
        build_model,
        (x[:400], y[:400]),
        (x[400:500], y[400:500]),
        optimizer="adam",
        metric="MeanIoU(num_classes=3)",
        train_steps=arguments.train_steps,
        learning_rate="own",
        initial_losses=KNOWN,
        reference_losses=KNOWN,
        **{**glo_tf.preset("quick"), "generations": arguments.generations, "comparison_seeds": 0},
    )
    comparison = search.run().compare(KNOWN, (x[500:], y[500:]), seeds=3)
    for row in comparison:
        print(f"Mean IoU on test data, {row.label}: {row.shown}")


if __name__ == "__main__":
    main()
