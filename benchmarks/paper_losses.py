"""The paper's three losses on MNIST with the candidate trainer, beside the paper's own figures.

    python benchmarks/paper_losses.py --train_steps=2000 --seeds=1

Prints validation accuracy after `train_steps` steps (arXiv 1905.11528, Section 4.1).
"""

from __future__ import annotations

import json
import os
import platform

from absl import app, flags

from glo_tf.training.candidate import Candidate

FLAGS = flags.FLAGS
flags.DEFINE_integer("train_steps", 2000, "Training steps per loss.")
flags.DEFINE_list("seeds", ["1"], "Seeds, one training per loss and seed.")
flags.DEFINE_float("learning_rate", 0.01, "Learning rate of plain SGD.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

PAPER = {
    "cross-entropy": ("-(x*log(y))", 0.9700),
    "Baikal": ("-(log(y) - x/y)", 0.9838),
    "BaikalCMA": ("-2.7279*(0.9863*log(1.5352*y) - 1.8158*(x/y))", 0.9902),
}


def main(_: list[str]) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    from glo_tf import architectures, datasets
    from glo_tf.expressions.tree import Expression
    from glo_tf.training.task import TrainingTask
    from glo_tf.training.trial import Request

    data = datasets.mnist()
    trainer = TrainingTask.define(
        lambda: architectures.glo_mnist_cnn(data.input_shape, data.num_classes),
        keras.optimizers.SGD(FLAGS.learning_rate),
        (data.x_train, data.y_train),
        (data.x_validation, data.y_validation),
        train_steps=FLAGS.train_steps,
        batch_size=100,
    ).make_trainer()
    rows = []
    print(f"{'loss':<14} {'seed':>4} {'accuracy':>9} {'paper':>7} {'steps/s':>8}", flush=True)
    for seed in map(int, FLAGS.seeds):
        for name, (text, published) in PAPER.items():
            result = trainer.evaluate(Request(Candidate(Expression.parse(text)), seed=seed))
            speed = result.steps / result.seconds
            print(
                f"{name:<14} {seed:>4} {result.fitness:>9.4f} {published:>7.4f} {speed:>8.1f}",
                flush=True,
            )
            rows.append(
                {"loss": name, "seed": seed, "accuracy": result.fitness, "paper": published}
            )
    if FLAGS.output:
        report = {
            "train_steps": FLAGS.train_steps,
            "learning_rate": FLAGS.learning_rate,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "rows": rows,
        }
        with open(FLAGS.output, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    app.run(main)
