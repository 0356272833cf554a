"""Evolves a loss for a subclassed model with batch normalisation and dropout.

    python examples/subclassed_model.py

Data are scikit-learn's digits as `tf.data` batches. Fitness is Keras's macro F1 score; the test
data are looked at once, at the end, with cross-entropy and its own learning rate beside it.
"""

from __future__ import annotations

import argparse
from typing import Any

import keras
import tensorflow as tf

import glo_tf
from glo_tf import datasets
from glo_tf.display.search import ProgressDisplay

CLASSES = 10


class SmallNetwork(keras.Model):
    """One hidden layer, normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = keras.layers.Flatten()
        self.hidden = keras.layers.Dense(32)
        self.normalisation = keras.layers.BatchNormalization()
        self.dropout = keras.layers.Dropout(0.2)
        self.classifier = keras.layers.Dense(CLASSES, activation="softmax")

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Class probabilities `(N, 10)`."""
        hidden = self.normalisation(self.hidden(self.flatten(inputs)), training=training)
        return self.classifier(self.dropout(keras.ops.relu(hidden), training=training))


def main() -> None:
    """Searches, and measures on test data what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=10)
    parser.add_argument("--train_steps", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    data = datasets.digits()

    def batches(samples: Any, labels: Any) -> tf.data.Dataset:
        one_hot = keras.utils.to_categorical(labels, CLASSES)
        return tf.data.Dataset.from_tensor_slices((samples, one_hot)).batch(100)

    search = glo_tf.LossSearch(
        model=SmallNetwork,
        train_data=batches(data.x_train, data.y_train),
        validation_data=batches(data.x_validation, data.y_validation),
        optimizer=keras.optimizers.SGD(0.01),
        metric=keras.metrics.F1Score(average="macro"),
        train_steps=arguments.train_steps,
        population_size=40,
        elites=4,
        generations=arguments.generations,
        coefficient_generations=5,
        comparison_seeds=5,
        seed=arguments.seed,
        callbacks=[ProgressDisplay()],
    )
    result = search.run()

    tuned = result.comparison[-1].learning_rate
    train = batches(data.x_train, data.y_train).shuffle(20, seed=0)
    epochs = -(-arguments.train_steps // len(train))
    usual = "categorical_crossentropy"
    for loss, rate in ((result.best_loss, 0.01), (usual, tuned)):
        keras.utils.set_random_seed(arguments.seed)
        model = SmallNetwork()
        metrics = [keras.metrics.F1Score(average="macro")]
        model.compile(keras.optimizers.SGD(rate), loss=loss, metrics=metrics)
        model.fit(train, epochs=epochs, shuffle=False, verbose=0)
        _, score = model.evaluate(batches(data.x_test, data.y_test), verbose=0)
        name = "best loss" if loss is not usual else "cross-entropy"
        print(f"F1 score on test data, {name}, learning rate {rate:g}: {score:.4f}")


if __name__ == "__main__":
    main()
