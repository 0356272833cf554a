"""A search of the paper's size on MNIST, a generation's candidates in lanes, and how long it takes.

    KERAS_BACKEND=jax python benchmarks/paper_search.py --data=mnist.npz --output_dir=runs/search

Needs JAX and Keras only; `mnist_npz.py` writes the data. The settings are those of
`configs/mnist.flags`: the paper's network (`--network=lenet5` for LeNet-5), 2,000 steps, 100
generations of 80, full screening, confirmation and comparison. The same command goes on from where
it was cut off; `--max_minutes` ends the phases before their last generation.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import mnist_npz
from absl import app, flags
from lenet5 import lenet5
from reporting import report

FLAGS = flags.FLAGS
flags.DEFINE_string("data", "mnist.npz", "What mnist_npz.py wrote.")
flags.DEFINE_enum("network", "paper", ["paper", "lenet5"], "What is trained.")
flags.DEFINE_enum("preset", "paper", ["quick", "standard", "paper"], "How much is tried.")
flags.DEFINE_integer("generations", None, "As the preset if not given.")
flags.DEFINE_integer("train_steps", 2_000, "Steps of a candidate.")
flags.DEFINE_integer("batch_size", 100, "Samples a step.")
flags.DEFINE_integer("samples", None, "Of each data set, for a trial; all if not given.")
flags.DEFINE_string("lanes", "auto", "How many networks train side by side.")
flags.DEFINE_integer("seed", 0, "Of the search.")
flags.DEFINE_float("max_minutes", None, "Ends the phases; no limit if not given.")
flags.DEFINE_string("output_dir", None, "Folder of the search, to go on from.")
flags.DEFINE_string("output", None, "JSON file for the figures.")


def builder() -> Callable[[], Any]:
    from glo_tf import architectures

    if FLAGS.network == "lenet5":
        return lenet5
    return architectures.NamedArchitecture("glo_mnist_cnn", (28, 28, 1), 10)


def main(_: list[str]) -> None:
    import keras

    import glo_tf

    logging.getLogger("glo_tf").setLevel(logging.WARNING)
    data = {
        split: (images[: FLAGS.samples], classes[: FLAGS.samples])
        for split, (images, classes) in mnist_npz.load(FLAGS.data).items()
    }
    settings = {
        **glo_tf.preset(FLAGS.preset),
        **({} if FLAGS.generations is None else {"generations": FLAGS.generations}),
    }
    search = glo_tf.LossSearch(
        builder(),
        data["train"],
        data["validation"],
        optimizer=keras.optimizers.SGD(0.01),
        train_steps=FLAGS.train_steps,
        batch_size=FLAGS.batch_size,
        lanes=int(FLAGS.lanes) if FLAGS.lanes.isdigit() else FLAGS.lanes,
        seed=FLAGS.seed,
        max_minutes=FLAGS.max_minutes,
        output_dir=FLAGS.output_dir,
        **settings,
    )
    result = search.run()
    steps = sum(record.steps for record in result.records)
    report(
        f"A search on MNIST, {FLAGS.network}, {FLAGS.train_steps} steps",
        [
            {
                "minutes": result.seconds / 60.0,
                "candidates": len(result.records),
                **{source: count for source, count in result.counts.items() if count},
                "steps of candidates": steps,
                "steps per second": steps / result.seconds,
                "trainings before": search.trained_before,
            }
        ],
        FLAGS.output,
        {
            "task": search.task.summary,
            "best": None if result.best is None else str(result.best.loss),
            "comparison": result.comparison.as_dict(),
        },
    )


if __name__ == "__main__":
    app.run(main)
