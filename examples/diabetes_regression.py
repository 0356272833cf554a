"""Evolves a loss for a regression: scikit-learn's diabetes, 442 patients, embedded data.

    python examples/diabetes_regression.py

The search standardises the targets, as an expression of x and y has no units; the loss that it
gives has those of the data. It is chosen by the mean absolute error on validation data; the test
data are looked at once, at the end, with squared error and its own learning rate beside it.
"""

from __future__ import annotations

import argparse

import keras
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

import glo_tf
from glo_tf.display.search import ProgressDisplay


def build_model() -> keras.Model:
    """A network with one hidden layer and one number as its output."""
    return keras.Sequential(
        [
            keras.Input((10,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(1),
        ]
    )


def main() -> None:
    """Searches, and measures on test data what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=30)
    parser.add_argument("--train_steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    x, y = load_diabetes(return_X_y=True)
    x = (x / x.std(axis=0)).astype(np.float32)
    x_rest, x_test, y_rest, y_test = train_test_split(x, y, test_size=100, random_state=0)
    x_train, x_val, y_train, y_val = train_test_split(x_rest, y_rest, test_size=100, random_state=0)
    search = glo_tf.LossSearch(
        model=build_model,
        train_data=(x_train, y_train),
        validation_data=(x_val, y_val),
        optimizer=keras.optimizers.SGD(0.01),
        metric="mean_absolute_error",
        train_steps=arguments.train_steps,
        batch_size=32,
        search_space="glo_extended",
        population_size=100,
        elites=6,
        generations=arguments.generations,
        coefficient_generations=10,
        comparison_seeds=5,
        seed=arguments.seed,
        callbacks=[ProgressDisplay()],
    )
    result = search.run()

    tuned = result.comparison[-1].learning_rate
    epochs = -(-arguments.train_steps * 32 // len(x_train))
    units = {name: getattr(result.best_loss, name) for name in ("target_mean", "target_deviation")}
    squared_error = glo_tf.ExpressionLoss("square(x - y)", epsilon=None, **units)
    for name, loss, rate in (
        ("best loss", result.best_loss, 0.01),
        ("squared error", squared_error, tuned),
    ):
        keras.utils.set_random_seed(arguments.seed)
        model = result.in_units(build_model())
        model.compile(keras.optimizers.SGD(rate), loss=loss)
        model.fit(x_train, y_train, batch_size=32, epochs=epochs, verbose=0)
        predicted = model.predict(x_test, verbose=0)[:, 0]
        error = np.abs(predicted - y_test).mean()
        print(f"Mean absolute error on test data, {name}, learning rate {rate:g}: {error:.2f}")


if __name__ == "__main__":
    main()
