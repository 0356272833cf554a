"""The paper's comparison on MNIST at its own size, each loss at rates of its own, in lanes.

    KERAS_BACKEND=jax python benchmarks/paper_scale.py --data=mnist.npz --output=paper_scale.json

Needs JAX and Keras only; `mnist_npz.py` writes the data. All trainings of one phase run side by
side (Figures 1 and 3 of arXiv 1905.11528: 20,000 steps, ten seeds, test accuracy every 250 steps):

1. *Rates*: every loss, with a learning rate that stays and with one that falls linearly to 0, is
   trained at every rate of a ladder with a seed of its own; the best validation accuracy chooses.
2. *Comparison*: at the paper's rate (0.01, which stays) and at the chosen ones, with fresh seeds.
   Test data is measured here only, and chooses nothing.

The last table has every variant against cross-entropy at its best (rate and decay by validation),
paired over the seeds, with Holm's correction. `--variants` takes chosen rates from an earlier run.
"""

from __future__ import annotations

import json
import os
import pathlib
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
flags.DEFINE_integer("lanes", 64, "How many networks train side by side at most.")
flags.DEFINE_list("variants", [], "Of the comparison, as loss:decay:rate; [] tunes rates first.")
flags.DEFINE_string("trainings", None, "JSON lines of what was trained, to go on from.")
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
        self._done: dict[tuple[Any, ...], dict[str, Any]] = {}
        if FLAGS.trainings and pathlib.Path(FLAGS.trainings).exists():
            for line in pathlib.Path(FLAGS.trainings).read_text().splitlines():
                key, found = json.loads(line)
                self._done[tuple(key)] = found

    def run(
        self, variants: Sequence[Variant], seeds: Sequence[int], steps: int, *, test: bool
    ) -> dict[Variant, list[dict[str, Any]]]:
        """Fitness, and test accuracy on the way, of every variant, in the order of the seeds."""
        for decay in dict.fromkeys(decay for _, decay, _ in variants):
            missing = [
                (*variant, seed, steps)
                for seed in seeds
                for variant in variants
                if variant[1] == decay and (*variant, seed, steps) not in self._done
            ]
            if missing:
                self._train(missing, decay, steps, test=test)
        return {
            variant: [self._done[*variant, seed, steps] for seed in seeds] for variant in variants
        }

    def _train(
        self, missing: Sequence[tuple[Any, ...]], decay: str, steps: int, *, test: bool
    ) -> None:
        import jax
        from keras.optimizers import SGD

        from glo_tf import architectures
        from glo_tf.expressions.tree import Expression
        from glo_tf.training.candidate import Candidate, Hyperparameters
        from glo_tf.training.jax.trainer import JaxTrainer
        from glo_tf.training.task import TrainingTask
        from glo_tf.training.trial import Request

        checkpoints = tuple(range(FLAGS.every, steps + 1, FLAGS.every)) if test else ()
        keys = {
            (Candidate(Expression.parse(LOSSES[key[0]]), Hyperparameters(key[2])), key[3]): key
            for key in missing
        }
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
        trainer = JaxTrainer(task, lanes=min(FLAGS.lanes, len(keys)))
        requests = [Request(*key, checkpoints=checkpoints) for key in keys]
        began = time.perf_counter()
        for _, evaluation in trainer.evaluate_many(iter(requests)):
            key = keys[evaluation.candidate, evaluation.seed]
            curve = list(evaluation.measured["test"]["accuracy"]) if test else []
            self._done[key] = {"fitness": evaluation.fitness, "test": curve}
            if FLAGS.trainings:
                with open(FLAGS.trainings, "a", encoding="utf-8") as file:
                    file.write(json.dumps([key, self._done[key]]) + "\n")
        seconds = time.perf_counter() - began
        speed = {
            "device": jax.devices()[0].device_kind,
            "lanes": trainer.lanes,
            "trainings": len(keys),
            "steps": steps,
            "seconds": seconds,
            "steps of a network per second": len(keys) * steps / seconds,
        }
        print(speed, flush=True)
        self.speeds.append(speed)


def tuned(trainings: Trainings) -> tuple[list[Variant], list[dict[str, Any]]]:
    """Each loss at its best rate with either decay, and the validation accuracy at every rate."""
    rates = [float(rate) for rate in FLAGS.rates]
    groups = [(loss, decay) for decay in ("none", "linear") for loss in FLAGS.losses]
    ladder = [(*group, rate) for group in groups for rate in rates]
    found = trainings.run(ladder, [TUNING_SEED], FLAGS.tuning_steps, test=False)
    fitness = {variant: of_seed["fitness"] for variant, (of_seed,) in found.items()}
    rows = [
        {"loss": loss, "decay": decay} | {f"{rate:g}": fitness[loss, decay, rate] for rate in rates}
        for loss, decay in groups
    ]
    report(f"Validation accuracy after {FLAGS.tuning_steps} steps, one seed", rows, None)
    return [max(ladder_of(ladder, group), key=fitness.__getitem__) for group in groups], rows


def ladder_of(ladder: Sequence[Variant], group: tuple[str, str]) -> list[Variant]:
    return [variant for variant in ladder if variant[:2] == group]


def main(_: list[str]) -> None:
    from scipy import stats

    from glo_tf.utils.statistics import correct_by_holm

    trainings = Trainings()
    given = [(loss, "none", GIVEN) for loss in FLAGS.losses]
    if FLAGS.variants:
        parts = [text.split(":") for text in FLAGS.variants]
        chosen, tuning = [(loss, decay, float(rate)) for loss, decay, rate in parts], []
    else:
        chosen, tuning = tuned(trainings)
    variants = list(dict.fromkeys([*given, *chosen]))
    results = trainings.run(variants, range(FLAGS.seeds), FLAGS.train_steps, test=True)
    test = {v: [of_seed["test"][-1] for of_seed in found] for v, found in results.items()}
    usual = [v for v in chosen if v[0] == FLAGS.losses[0]]
    bar = max(usual, key=lambda v: np.mean([found["fitness"] for found in results[v]]))
    others = [variant for variant in variants if variant != bar]
    p_values = [
        float(stats.ttest_rel(test[v], test[bar]).pvalue) if FLAGS.seeds > 1 else None
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
        f"{loss} at {rate:g}, decay {decay}": [
            found["test"] for found in results[loss, decay, rate]
        ]
        for loss, decay, rate in variants
    }
    steps = list(range(FLAGS.every, FLAGS.train_steps + 1, FLAGS.every))
    report(
        f"MNIST, {FLAGS.train_steps} steps, {FLAGS.seeds} seeds, test accuracy",
        rows,
        FLAGS.output,
        {"speed": trainings.speeds, "tuning": tuning, "steps": steps, "curves": curves},
    )


if __name__ == "__main__":
    app.run(main)
