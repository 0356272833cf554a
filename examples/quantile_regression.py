"""A loss for what nine in ten patients stay below: scikit-learn's diabetes, 442 patients.

    python examples/quantile_regression.py

Fitness is the quantile loss itself, in the units of the data; the search standardises the targets.
"""

import argparse

import keras
import numpy as np
from sklearn.datasets import load_diabetes

import glo_tf

KNOWN = ["quantile(q=0.9)", "asymmetric_squared(tau=0.9)", "squared_error"]


def build_model() -> keras.Model:
    """One hidden layer, and a number."""
    hidden = keras.layers.Dense(16, activation="relu")
    return keras.Sequential([keras.Input((10,)), hidden, keras.layers.Dense(1)])


def main() -> None:
    """Searches, and measures on test data what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=4)
    parser.add_argument("--train_steps", type=int, default=200)
    arguments = parser.parse_args()

    x, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x / x.std(axis=0)).astype(np.float32)[order], y[order]
    search = glo_tf.LossSearch(
        build_model,
        (x[:240], y[:240]),
        (x[240:340], y[240:340]),
        optimizer="adam",
        metric="quantile_loss(q=0.9)",
        search_space="glo_extended",
        train_steps=arguments.train_steps,
        batch_size=32,
        learning_rate="own",
        initial_losses=KNOWN,
        reference_losses=KNOWN,
        **{**glo_tf.preset("quick"), "generations": arguments.generations, "comparison_seeds": 0},
    )
    comparison = search.run().compare(KNOWN, (x[340:], y[340:]), seeds=3)
    for row in comparison:
        print(f"Quantile loss on test data, {row.label}: {row.shown}")


if __name__ == "__main__":
    main()
