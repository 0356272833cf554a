"""A loss for a rare class: scikit-learn's breast cancer, 40 malignant tumours beside 357 others.

    python examples/imbalanced_classes.py

Class weights make up for what is rare, in all losses alike; fitness is the macro F1 score.
"""

import argparse

import keras
import numpy as np
from sklearn.datasets import load_breast_cancer

import glo_tf

KNOWN = ["cross_entropy=categorical_crossentropy", "focal", "gce", "brier"]


def build_model() -> keras.Model:
    """One hidden layer, and the probabilities of two classes."""
    hidden, out = keras.layers.Dense(16, "relu"), keras.layers.Dense(2, "softmax")
    return keras.Sequential([keras.Input((30,)), hidden, out])


def main() -> None:
    """Searches, and measures on test data what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=4)
    parser.add_argument("--train_steps", type=int, default=200)
    arguments = parser.parse_args()

    x, y = load_breast_cancer(return_X_y=True)
    kept = np.concatenate([np.flatnonzero(y == 0)[:40], np.flatnonzero(y == 1)])
    kept = np.random.default_rng(0).permutation(kept)
    x, y = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)[kept], y[kept]
    search = glo_tf.LossSearch(
        build_model,
        (x[:170], y[:170]),
        (x[170:270], y[170:270]),
        optimizer="adam",
        search_space="glo_extended",
        metric="F1Score(average='macro')",
        class_weight={0: 9.0},
        train_steps=arguments.train_steps,
        batch_size=32,
        learning_rate="own",
        initial_losses=KNOWN,
        reference_losses=KNOWN,
        **{**glo_tf.preset("quick"), "generations": arguments.generations, "comparison_seeds": 0},
    )
    comparison = search.run().compare(KNOWN, (x[270:], y[270:]), seeds=3)
    for row in comparison:
        print(f"Macro F1 on test data, {row.label}: {row.shown}")


if __name__ == "__main__":
    main()
