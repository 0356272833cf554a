"""A model of each kind of output, and targets that fit it."""

import keras
import numpy as np

SAMPLES = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
CLASSES = (SAMPLES[:, 0] > 0.5).astype(np.int32) + (SAMPLES[:, 0] > -0.5)
FLAGS = (SAMPLES[:, :2] > 0.0).astype(np.float32)
NUMBERS = SAMPLES @ np.array([1.0, -1.0, 0.5, 0.0]) * 3.0 + 7.0

TARGETS = {"classes": CLASSES, "flag": FLAGS[:, 0], "flags": FLAGS, "number": NUMBERS}
UNITS = {
    "classes": (3, "softmax"),
    "flag": (1, "sigmoid"),
    "flags": (2, "sigmoid"),
    "number": (1, None),
}


def build_model(*names: str) -> keras.Model:
    """One output for each name; a dict of them if there are several."""
    inputs = keras.Input((4,))
    outputs = {}
    for name in names:
        units, activation = UNITS[name]
        outputs[name] = keras.layers.Dense(units, activation=activation)(inputs)
    return keras.Model(inputs, outputs if len(names) > 1 else outputs[names[0]])


def targets(*names: str):
    """Of `build_model` with the same names."""
    return {name: TARGETS[name] for name in names} if len(names) > 1 else TARGETS[names[0]]
