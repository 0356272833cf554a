"""A loss for a tagger of sequences of unequal lengths: `python examples/sequence_tagging.py`.

Sequences are made here: which letters are in brackets? Zeros at their ends do not count
(`mask_zero`), neither in losses nor in metrics.
"""

import argparse

import keras
import numpy as np

import glo_tf

KNOWN = ["cross_entropy=categorical_crossentropy", "brier", "baikal"]


def build_model() -> keras.Model:
    """An embedding that masks zeros, a recurrent layer, and a class for each letter."""
    layers = [
        keras.layers.Embedding(8, 8, mask_zero=True),
        keras.layers.GRU(16, return_sequences=True),
        keras.layers.Dense(2, activation="softmax"),
    ]
    return keras.Sequential([keras.Input((16,), dtype="int32"), *layers])


def main() -> None:
    """Searches, and measures on test data what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=3)
    parser.add_argument("--train_steps", type=int, default=150)
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    x = rng.integers(1, 8, (800, 16)).astype(np.int32)  # 6 opens a bracket, 7 closes it
    x[np.arange(16) >= rng.integers(6, 17, (800, 1))] = 0
    y, inside = np.zeros_like(x), np.zeros(800, bool)
    for step in range(16):
        inside = (inside | (x[:, step] == 6)) & (x[:, step] != 7)
        y[:, step] = inside
    search = glo_tf.LossSearch(
        build_model,
        (x[:500], y[:500]),
        (x[500:650], y[500:650]),
        optimizer="adam",
        metric="accuracy",
        train_steps=arguments.train_steps,
        learning_rate="own",
        initial_losses=KNOWN,
        reference_losses=KNOWN,
        **{**glo_tf.preset("quick"), "generations": arguments.generations, "comparison_seeds": 0},
    )
    comparison = search.run().compare(KNOWN, (x[650:], y[650:]), seeds=3)
    for row in comparison:
        print(f"Accuracy on test data, {row.label}: {row.shown}")


if __name__ == "__main__":
    main()
