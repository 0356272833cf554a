"""Candidates per second against the number of lanes, beside Keras's own loop on this device.

    KERAS_BACKEND=jax python benchmarks/lanes.py --cases=digits,lenet5,cnn --lanes=1,16,256
    python benchmarks/lanes.py --backends=tensorflow,jax --cases=digits --lanes=1,4,16

Each case trains `--train_steps` steps with as many different losses as there are lanes, and
measures their accuracy on the validation data. `digits` needs scikit-learn, the others
`--data=mnist.npz`.
`convolutions`: "products" is what the trainer does; "grouped" what `jax.vmap` makes of them.
With KERAS_BACKEND=tensorflow the rows are those of the TensorFlow trainer, one after the other;
`--backends` has a process of each in turn, `--rounds` times, as machines are not always as fast. On
CPUs that others use, too, candidates per second of CPU time, of all threads, can be compared.
"""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import mnist_npz
import numpy as np
from absl import app, flags
from lenet5 import lenet5
from reporting import report

FLAGS = flags.FLAGS
flags.DEFINE_list("cases", ["digits", "lenet5", "cnn"], "What to measure.")
flags.DEFINE_list("lanes", ["1", "4", "16", "64", "256", "1024"], "How many side by side.")
flags.DEFINE_list("train_steps", ["300", "300", "100"], "Steps of a training, for each case.")
flags.DEFINE_list("convolutions", ["products"], "products, grouped.")
flags.DEFINE_float("seconds", 60.0, "A case goes on to more lanes as long as it took no more.")
flags.DEFINE_string("data", "mnist.npz", "What mnist_npz.py wrote.")
flags.DEFINE_list("backends", [], "Of Keras, a process each; its own in this one if empty.")
flags.DEFINE_integer("rounds", 1, "How often each of the backends has its turn.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

# Factors before a loss make further losses, which train at other speeds.
LOSSES = ("-(x*log(y))", "-(log(y) - x/y)", "square(x - y)", "-(x*sqrt(y))", "-(x*y)")


def digits() -> tuple[Callable[[], Any], Any, Any, int]:
    from sklearn.datasets import load_digits

    from glo_tf import architectures

    images, classes = load_digits(return_X_y=True)
    images = (images / 16.0).astype("float32")
    build = architectures.NamedArchitecture("mlp", (64,), 10)
    return build, (images[:1200], classes[:1200]), (images[1200:], classes[1200:]), 32


def mnist(build: Callable[[], Any], batch_size: int) -> tuple[Callable[[], Any], Any, Any, int]:
    data = mnist_npz.load(FLAGS.data)
    return build, data["train"], data["validation"], batch_size


def case_of(name: str) -> tuple[Callable[[], Any], Any, Any, int]:
    from glo_tf import architectures

    match name:
        case "digits":
            return digits()
        case "lenet5":
            return mnist(lenet5, 128)
        case _:
            return mnist(architectures.NamedArchitecture("glo_mnist_cnn", (28, 28, 1), 10), 100)


def requests(count: int) -> list[Any]:
    from glo_tf.expressions.tree import Expression
    from glo_tf.training.candidate import Candidate, Hyperparameters
    from glo_tf.training.trial import Request

    rates = np.geomspace(0.01, 0.1, 1 + count // len(LOSSES))
    pairs = itertools.islice(itertools.product(rates, LOSSES), count)
    return [
        Request(Candidate(Expression.parse(loss), Hyperparameters(float(rate))), seed=0)
        for rate, loss in pairs
    ]


def evaluations(task: Any, lanes: int) -> Callable[[], list[Any]]:
    """Trains as many candidates as there are lanes, however the backend does it."""
    import keras

    asked = requests(lanes)
    if keras.backend.backend() == "jax":
        from glo_tf.training.jax.trainer import JaxTrainer

        trainer = JaxTrainer(task, lanes=lanes)
        return lambda: [found for _, found in trainer.evaluate_many(iter(asked))]
    one_by_one = task.make_trainer()
    return lambda: [one_by_one.evaluate(request) for request in asked]


def measured(name: str, steps: int, convolutions: str) -> list[dict[str, Any]]:
    import keras

    from glo_tf.training.task import TrainingTask

    build, train, validation, batch_size = case_of(name)
    task = TrainingTask.define(
        build, "sgd", train, validation, train_steps=steps, batch_size=batch_size
    )
    rows = []
    for lanes in map(int, FLAGS.lanes):
        run = evaluations(task, lanes)
        began = time.perf_counter()
        run()
        first = time.perf_counter() - began
        began, began_cpu = time.perf_counter(), time.process_time()
        found = run()
        seconds = time.perf_counter() - began
        cpu_seconds = time.process_time() - began_cpu
        rows.append(
            {
                "case": name,
                "trainer": f"glo_tf on {keras.backend.backend()}",
                "convolutions": convolutions if name != "digits" else "",
                "lanes": lanes,
                "steps": steps,
                "candidates per second": lanes / seconds,
                "candidates per CPU second": lanes / cpu_seconds,
                "steps of a network per second": lanes * steps / seconds,
                "seconds to compile": first - seconds,
                "median accuracy": float(np.median([e.fitness for e in found])),
            }
        )
        print(rows[-1], flush=True)
        if first + seconds > FLAGS.seconds:
            break
    return rows


def fitted(name: str, steps: int) -> dict[str, Any]:
    """`Model.fit` of one network, without its compilation."""
    import keras

    from glo_tf import ExpressionLoss

    build, (samples, classes), _, batch_size = case_of(name)
    model = build()
    model.compile(keras.optimizers.SGD(0.01), ExpressionLoss(LOSSES[0]))
    labels = keras.utils.to_categorical(classes, 10)
    count = min(len(labels), steps * batch_size) // batch_size * batch_size
    samples, labels = samples[:count], labels[:count]
    epochs = max(1, steps * batch_size // count)
    model.fit(samples, labels, batch_size=batch_size, verbose=0)
    began, began_cpu = time.perf_counter(), time.process_time()
    model.fit(samples, labels, batch_size=batch_size, epochs=epochs, verbose=0)
    done = epochs * (count // batch_size)
    speed = done / (time.perf_counter() - began)
    cpu_speed = done / (time.process_time() - began_cpu)
    return {
        "case": name,
        "trainer": f"Model.fit of Keras on {keras.backend.backend()}",
        "convolutions": "",
        "lanes": 1,
        "steps": steps,
        "candidates per second": speed / steps,
        "candidates per CPU second": cpu_speed / steps,
        "steps of a network per second": speed,
        "seconds to compile": "",
        "median accuracy": "",
    }


def rows_of(backend: str) -> list[dict[str, Any]]:
    """What a process on this backend measures."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder, "rows.json")
        subprocess.run(
            [sys.executable, *sys.argv, "--backends=", f"--output={output}"],
            env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
            check=True,
        )
        return list(json.loads(output.read_text())["rows"])


def main(_: list[str]) -> None:
    if FLAGS.backends:
        rows = [
            {"round": number, **row}
            for number in range(FLAGS.rounds)
            for backend in FLAGS.backends
            for row in rows_of(backend)
        ]
        report("Candidates per second", rows, FLAGS.output)
        return
    import keras

    rows = []
    device = "CPU"
    if keras.backend.backend() == "jax":
        import jax

        from glo_tf.training.jax import loop

        device = jax.devices()[0].device_kind
    for name, steps in zip(FLAGS.cases, map(int, FLAGS.train_steps), strict=True):
        rows.append(fitted(name, steps))
        print(rows[-1], flush=True)
        for convolutions in FLAGS.convolutions if name != "digits" else ["products"]:
            if convolutions == "grouped":
                kept, loop.as_products = loop.as_products, lambda function: function
            rows += measured(name, steps, convolutions)
            if convolutions == "grouped":
                loop.as_products = kept
    report(f"Candidates per second ({device})", rows, FLAGS.output, {"device": device})


if __name__ == "__main__":
    app.run(main)
