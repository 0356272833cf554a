"""The paper's comparison on MNIST at its own size, each loss at rates of its own, in lanes.

    KERAS_BACKEND=jax python benchmarks/paper_scale.py --data=mnist.npz --output=paper_scale.json

Needs JAX and Keras only; `mnist_npz.py` writes the data. All trainings of one phase run side by
side (Figures 1 and 3 of arXiv 1905.11528: 20,000 steps, ten seeds, test accuracy every 250 steps):

1. *Rates*: every loss, with a learning rate that stays and with one that falls linearly to 0, is
   trained at every rate of a ladder with a seed of its own; the best validation accuracy chooses.
2. *Comparison*: at the paper's rate (0.01, which stays) and at the chosen ones, with fresh seeds.
   Test data is measured here only, and chooses nothing.

The last table has every variant against cross-entropy at its best (rate and decay by validation),
paired over the seeds, with Holm's correction.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import mnist_npz
import numpy as np
from absl import app, flags
from reporting import report

FLAGS = flags.FLAGS
flags.DEFINE_string("data", "mnist.npz", "What mnist_npz.py wrote.")
flags.DEFINE_integer("train_steps", 20_000, "Steps of a training of the comparison.")
flags.DEFINE_integer("tuning_steps", 5_000, "Steps of a training that chooses a rate.")
flags.DEFINE_integer("every", 250, "Steps between measurements of test accuracy.")
flags.DEFINE_integer("seeds", 10, "Trainings of each variant.")
flags.DEFINE_list("losses", ["cross-entropy", "Baikal", "BaikalCMA"], "Which are compared.")
flags.DEFINE_list("rates", ["0.01", "0.02", "0.05", "0.1", "0.2", "0.4"], "The ladder.")
flags.DEFINE_integer("batch_size", 100, "Samples a step.")
flags.DEFINE_integer("samples", None, "Of each data set, for a trial; all if not given.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

LOSSES = {
    "cross-entropy": "-(x*log(y))",
    "Baikal": "-(log(y) - x/y)",
    "BaikalCMA": "-2.7279*(0.9863*log(1.5352*y) - 1.8158*(x/y))",
}
PAPER = {"cross-entropy": 0.9899, "Baikal": 0.9933, "BaikalCMA": 0.9947}
GIVEN = 0.01
TUNING_SEED = 1000

Variant = tuple[str, str, float]
"""A loss's name, how its rate decays, its rate."""


class Trainings:
    """Trains variants side by side, and says how fast."""

    def __init__(self) -> None:
        self._data = mnist_npz.load(FLAGS.data)
        if FLAGS.samples:
            for split, (images, classes) in self._data.items():
                self._data[split] = images[: FLAGS.samples], classes[: FLAGS.samples]
        self.speeds: list[dict[str, Any]] = []

    def run(
        self, variants: Sequence[Variant], seeds: Sequence[int], steps: int, *, test: bool
    ) -> dict[Variant, list[Any]]:
        """The evaluations of every variant, in the order of the seeds."""
        import jax
        from keras.optimizers import SGD

        from glo_tf import architectures
        from glo_tf.expressions.tree import Expression
        from glo_tf.training.candidate import Candidate, Hyperparameters
        from glo_tf.training.jax.trainer import JaxTrainer
        from glo_tf.training.task import TrainingTask
        from glo_tf.training.trial import Request

        found: dict[tuple[Variant, int], Any] = {}
        for decay in dict.fromkeys(decay for _, decay, _ in variants):
            requests = {
                Request(
                    Candidate(Expression.parse(LOSSES[variant[0]]), Hyperparameters(variant[2])),
                    seed,
                    checkpoints=tuple(range(FLAGS.every, steps + 1, FLAGS.every)) if test else (),
                ): (variant, seed)
                for variant in variants
                if variant[1] == decay
                for seed in seeds
            }
            began = time.perf_counter()
            task = TrainingTask.define(
                architectures.NamedArchitecture("glo_mnist_cnn", (28, 28, 1), 10),
                SGD(GIVEN),
                self._data["train"],
                self._data["validation"],
                test_data=self._data["test"] if test else None,
                train_steps=steps,
                batch_size=FLAGS.batch_size,
                learning_rate_decay=decay,
            )
            trainer = JaxTrainer(task, lanes=len(requests))
            for evaluation in trainer.evaluate_many(requests):
                key = next(
                    names
                    for request, names in requests.items()
                    if (request.candidate, request.seed) == (evaluation.candidate, evaluation.seed)
                )
                found[key] = evaluation
            seconds = time.perf_counter() - began
            speed = {
                "device": jax.devices()[0].device_kind,
                "lanes": len(requests),
                "steps": steps,
                "seconds": seconds,
                "steps of a network per second": len(requests) * steps / seconds,
            }
            print(speed, flush=True)
            self.speeds.append(speed)
        return {variant: [found[variant, seed] for seed in seeds] for variant in variants}


def main(_: list[str]) -> None:
    from scipy import stats

    from glo_tf.utils.statistics import correct_by_holm

    trainings = Trainings()
    rates = [float(rate) for rate in FLAGS.rates]
    ladder = [(loss, d, r) for d in ("none", "linear") for loss in FLAGS.losses for r in rates]
    tuned = trainings.run(ladder, [TUNING_SEED], FLAGS.tuning_steps, test=False)
    fitness = {variant: found[0].fitness for variant, found in tuned.items()}
    chosen = [
        max((v for v in ladder if v[:2] == (loss, decay)), key=lambda v: fitness[v])
        for decay in ("none", "linear")
        for loss in FLAGS.losses
    ]
    report(
        f"Validation accuracy after {FLAGS.tuning_steps} steps, one seed",
        [
            {"loss": loss, "decay": decay}
            | {f"{rate:g}": fitness[loss, decay, rate] for rate in rates}
            for loss, decay, _ in chosen
        ],
        None,
    )
    given = [(loss, "none", GIVEN) for loss in FLAGS.losses]
    variants = list(dict.fromkeys([*given, *chosen]))
    results = trainings.run(variants, range(FLAGS.seeds), FLAGS.train_steps, test=True)
    test = {v: [e.measured["test"]["accuracy"][-1] for e in found] for v, found in results.items()}
    bar = max((v for v in chosen if v[0] == FLAGS.losses[0]), key=lambda v: fitness[v])
    others = [variant for variant in variants if variant != bar]
    p_values = [
        float(stats.ttest_rel(test[v], test[bar]).pvalue) if FLAGS.seeds > 1 else float("nan")
        for v in others
    ]
    holm = dict(zip(others, correct_by_holm(p_values), strict=True))
    rows = [
        {
            "loss": loss,
            "rate": rate,
            "decay": decay,
            "test accuracy": float(np.mean(test[loss, decay, rate])),
            "sd": float(np.std(test[loss, decay, rate], ddof=1)) if FLAGS.seeds > 1 else 0.0,
            "paper (0.01)": PAPER[loss] if (decay, rate) == ("none", GIVEN) else "",
            "points over cross-entropy's best": 100.0
            * float(np.mean(test[loss, decay, rate]) - np.mean(test[bar])),
            "p (paired, Holm)": holm.get((loss, decay, rate), ""),
        }
        for loss, decay, rate in variants
    ]
    curves = {
        f"{loss} at {rate:g}, decay {decay}": {
            "steps": list(range(FLAGS.every, FLAGS.train_steps + 1, FLAGS.every)),
            "test accuracy": [list(e.measured["test"]["accuracy"]) for e in found],
        }
        for (loss, decay, rate), found in results.items()
    }
    tuning = [{"loss": v[0], "decay": v[1], "rate": v[2], "fitness": f} for v, f in fitness.items()]
    report(
        f"MNIST, {FLAGS.train_steps} steps, {FLAGS.seeds} seeds, test accuracy",
        rows,
        FLAGS.output,
        {"speed": trainings.speeds, "tuning": tuning, "curves": curves},
    )


if __name__ == "__main__":
    app.run(main)
