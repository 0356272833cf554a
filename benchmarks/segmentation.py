"""Memory of a segmentation's validation, and time of its steps beside those of `Model.fit`.

    python benchmarks/segmentation.py --output=docs/results/segmentation.json

Images are noise of 128 x 128 pixels of 3 classes. Memory is the largest resident set of the process
after one training with a validation set of `--images` images, of which the labels alone are
`images * 128 * 128 * 3 * 4` bytes. Steps of both sides are timed in turns, in the same process.
"""

from __future__ import annotations

import resource
import time
from typing import Any

import keras
import numpy as np
from absl import app, flags
from reporting import report, spread

from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Request

FLAGS = flags.FLAGS
flags.DEFINE_integer("images", 2000, "Of the validation set.")
flags.DEFINE_integer("steps", 20, "Of each timed training.")
flags.DEFINE_integer("rounds", 5, "In which both sides are timed.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

SHAPE, CLASSES, BATCH = (128, 128), 3, 8


def build_model() -> keras.Model:
    """Two convolutions."""
    return keras.Sequential(
        [
            keras.Input((*SHAPE, 1)),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(CLASSES, 3, padding="same", activation="softmax"),
        ]
    )


def images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise, and which third of its range each pixel is in."""
    x = np.random.default_rng(seed).random((count, *SHAPE, 1), np.float32)
    return x, (x[..., 0] * CLASSES).astype(np.uint8)


def main(_: list[str]) -> None:
    """Trains, measures, and writes a table."""
    train, validation = images(64, 0), images(FLAGS.images, 1)
    task = TrainingTask.define(
        build_model,
        keras.optimizers.SGD(0.1),
        train,
        validation,
        metric="MeanIoU(num_classes=3)",
        train_steps=FLAGS.steps,
        batch_size=BATCH,
    )
    trainer: Any = task.make_trainer()
    loss = Candidate(Expression.parse("-(x*log(y))"))
    began = time.perf_counter()
    evaluation = trainer.evaluate(Request(loss, 0))
    whole = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    model = build_model()
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    order = np.arange(FLAGS.steps * BATCH) % len(train[0])
    x, y = (part[order] for part in train)
    model.fit(x[:BATCH], y[:BATCH], BATCH, verbose=0)
    steps, arguments = trainer._compiled(loss.loss)
    ours, theirs = [], []
    for _round in range(FLAGS.rounds):
        trainer._loop.restore(trainer._initial(0))
        began = time.perf_counter()
        trainer._advance(
            steps, (trainer._batches(0), *arguments), 0, FLAGS.steps, check=lambda: None
        )
        ours.append(1e3 * (time.perf_counter() - began) / FLAGS.steps)
        began = time.perf_counter()
        model.fit(x, y, BATCH, shuffle=False, verbose=0)
        theirs.append(1e3 * (time.perf_counter() - began) / FLAGS.steps)
    row = {
        "validation images": FLAGS.images,
        "largest resident set, GiB": round(peak, 2),
        "one evaluation, s": round(whole, 1),
        "mean IoU": evaluation.values["mean_io_u"],
        "ms a step": spread(ours),
        "ms a step, Model.fit": spread(theirs),
    }
    report("Segmentation", [row], FLAGS.output)


if __name__ == "__main__":
    app.run(main)
