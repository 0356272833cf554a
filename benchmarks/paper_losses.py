"""The paper's three losses on MNIST with the candidate trainer, beside the paper's own figures.

    python benchmarks/paper_losses.py --train_steps=2000 --seeds=1

Prints validation accuracy after `train_steps` steps (arXiv 1905.11528, Section 4.1).
"""

from __future__ import annotations

import os

from absl import app, flags
from reporting import report

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
    for seed in map(int, FLAGS.seeds):
        for name, (text, published) in PAPER.items():
            result = trainer.evaluate(Request(Candidate(Expression.parse(text)), seed=seed))
            rows.append(
                {
                    "loss": name,
                    "seed": seed,
                    "accuracy": result.fitness,
                    "paper": published,
                    "steps per second": result.steps / result.seconds,
                }
            )
            print(rows[-1], flush=True)
    report(
        f"Validation accuracy on MNIST after {FLAGS.train_steps} steps at {FLAGS.learning_rate:g}",
        rows,
        FLAGS.output,
    )


if __name__ == "__main__":
    app.run(main)
