"""Speed of the losses in `Model.fit` beside Keras's cross-entropy, on every backend.

    python benchmarks/losses.py --rounds=5 --output=losses.json

One process per backend. Each round trains every loss in turn, so that the machine's moods meet all
of them; the ratio of a loss is the median over the rounds of its steps per second by those of
`CategoricalCrossentropy` in the same round. Digits, an MLP of 64 units, batches of 100, plain SGD.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time

from absl import app, flags
from reporting import report

FLAGS = flags.FLAGS
flags.DEFINE_list("backends", ["tensorflow", "jax", "torch"], "Keras backends; absent ones skip.")
flags.DEFINE_integer("rounds", 5, "Rounds, after one that is not counted.")
flags.DEFINE_integer("epochs", 20, "Epochs per loss and round (12 steps each).")
flags.DEFINE_string("output", None, "JSON file for the figures.")
flags.DEFINE_boolean("measure", False, "Internal: measures KERAS_BACKEND and prints JSON.")

BATCH_SIZE = 100
BASELINE = "CategoricalCrossentropy"


def measure() -> dict[str, list[float]]:
    """Steps per second of every loss and round on the backend of this process."""
    import keras

    import glo_tf
    from glo_tf import architectures, datasets

    data = datasets.digits()
    labels = keras.utils.to_categorical(data.y_train, data.num_classes)
    losses = {
        BASELINE: keras.losses.CategoricalCrossentropy(),
        "ExpressionLoss -(x*log(y))": glo_tf.ExpressionLoss("-(x*log(y))"),
        "Baikal": glo_tf.Baikal(),
        "BaikalCMA": glo_tf.BaikalCMA(),
        "NGL": glo_tf.NGL(),
    }
    models = {}
    for name, loss in losses.items():
        models[name] = architectures.mlp(data.input_shape, data.num_classes)
        models[name].compile(keras.optimizers.SGD(0.01), loss)
    steps = -(-len(labels) // BATCH_SIZE)
    speeds: dict[str, list[float]] = {name: [] for name in losses}
    for number in range(FLAGS.rounds + 1):
        for name, model in models.items():
            started = time.perf_counter()
            model.fit(data.x_train, labels, BATCH_SIZE, FLAGS.epochs, verbose=0)
            seconds = time.perf_counter() - started
            if number:  # the first round compiles
                speeds[name].append(steps * FLAGS.epochs / seconds)
    return speeds


def run_backend(backend: str) -> dict[str, list[float]]:
    arguments = [f"--rounds={FLAGS.rounds}", f"--epochs={FLAGS.epochs}", "--measure"]
    environment = {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    output = subprocess.run(
        [sys.executable, __file__, *arguments],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return dict(json.loads(output.splitlines()[-1]))


def main(_: list[str]) -> None:
    if FLAGS.measure:
        print(json.dumps(measure()))
        return
    rows = []
    for backend in FLAGS.backends:
        if importlib.util.find_spec(backend) is None:
            print(f"{backend:<11} is not installed")
            continue
        speeds = run_backend(backend)
        for name, values in speeds.items():
            ratios = [own / base for own, base in zip(values, speeds[BASELINE], strict=True)]
            rows.append(
                {
                    "backend": backend,
                    "loss": name,
                    "steps_per_second": statistics.median(values),
                    "ratio": statistics.median(ratios),
                    "lowest_ratio": min(ratios),
                    "highest_ratio": max(ratios),
                }
            )
            print(rows[-1], flush=True)
    title = f"Steps per second of `Model.fit`, and their ratio to those of {BASELINE}"
    report(title, rows, FLAGS.output, {"rounds": FLAGS.rounds})


if __name__ == "__main__":
    app.run(main)
