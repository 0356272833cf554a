"""How well a loss is judged at one learning rate, and at several of its own.

    python benchmarks/step_size.py --noise=0.4 --output=step_size.json

Random losses of a search space that pass the screen, no two with proportional gradients, and a few
known ones, each trained at every learning rate of a ladder, on several draws of split and noise
(digits, an MLP, SGD). A loss is worth what it reaches at its best rate: the mean over the draws of
the best accuracy on held-out images with true labels. A way to judge it with fewer trainings is
good if it orders losses alike (Kendall's tau), and finds those that lead over cross-entropy at its
own best rate. "Given" is that rate of cross-entropy; the others stand around it divided by
`glo_tf.gradient_scale`. "Own" is what a search with `learning_rate="own"` does, "stopped" where
early stopping ends trainings that guess; its cost is counted in training steps. `--study_dir` keeps
trainings, to go on with after an interruption; `--known` takes the ladder from an earlier output.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

import numpy as np
from absl import app, flags
from distinct_losses import CROSS_ENTROPY, distinct_losses
from noisy_digits import noisy_digits
from reporting import report

FLAGS = flags.FLAGS
flags.DEFINE_integer("losses", 100, "Random losses beside the known ones.")
flags.DEFINE_float("noise", 0.4, "Share of the training labels that are replaced by random ones.")
flags.DEFINE_enum("decay", "none", ["none", "linear", "cosine"], "Of all learning rates.")
flags.DEFINE_integer("seeds", 2, "Draws of split and noise.")
flags.DEFINE_integer(
    "rates", 20, "Rungs of the ladder from 1e-5 to 20, a factor of 2.15 apart if 20."
)
flags.DEFINE_integer("train_steps", 300, "Of each training.")
flags.DEFINE_integer("units", 128, "Of the hidden layer.")
flags.DEFINE_float("lead", 0.01, "What counts as a lead over cross-entropy.")
flags.DEFINE_string("study_dir", None, "Folder for the trainings.")
flags.DEFINE_string("known", None, "Output of an earlier run with the same losses and draws.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

OFFSETS = {
    "divided by the scale": (0,),
    "best of 3 around that, factor 4.64": (-2, 0, 2),
    "best of 5 around that, factor 2.15": (-2, -1, 0, 1, 2),
}
"""Rungs of the ladder."""


def new_search(seed: int, **settings: Any) -> Any:
    """A search on one draw."""
    import keras

    import glo_tf

    return glo_tf.LossSearch(
        **noisy_digits(seed, FLAGS.noise, units=FLAGS.units),
        optimizer=keras.optimizers.SGD(0.1),
        learning_rate_decay=FLAGS.decay,
        train_steps=FLAGS.train_steps,
        seed=seed,
        **settings,
    )


def folder(name: str) -> str | None:
    """Of one search's trainings."""
    return FLAGS.study_dir and os.path.join(FLAGS.study_dir, name)


def accuracies(rates: np.ndarray) -> tuple[list[Any], np.ndarray, np.ndarray]:
    """The losses, their scales, and what they reach: `(losses, seeds, rates)`."""
    from glo_tf.screening.scale import relative_scale

    losses: list[Any] = []
    reached = np.empty((0,))
    for seed in range(FLAGS.seeds):
        search = new_search(seed, screening="none", output_dir=folder(f"draw{seed}"))
        if not losses:
            losses = distinct_losses(search.task.outputs, FLAGS.losses)
            scales = np.array([relative_scale(loss, search.task.outputs) for loss in losses])
            reached = np.zeros((len(losses), FLAGS.seeds, len(rates)))
            if FLAGS.known:
                with open(FLAGS.known, encoding="utf-8") as file:
                    known = json.load(file)["losses"]
                of_losses = [known[str(loss)]["accuracies"] for loss in losses]
                return losses, scales, np.array(of_losses)[:, : FLAGS.seeds]
        for place, rate in enumerate(rates):
            found = search.evaluate(losses, seed=seed, learning_rate=float(rate))
            reached[:, seed, place] = [evaluation.fitness for evaluation in found]
            print(f"draw {seed}, rate {rate:g}", file=sys.stderr, flush=True)
        search.close()
    return losses, scales, reached


def searched(losses: list[Any], rates: str, screening: str) -> tuple[np.ndarray, float]:
    """What each loss is worth in a search's first generation, and trainings a loss, in steps."""
    worth, steps = np.zeros((len(losses), FLAGS.seeds)), 0
    for seed in range(FLAGS.seeds):
        search = new_search(
            seed,
            learning_rate=rates,
            screening=screening,
            initial_expressions=losses,
            population_size=len(losses),
            elites=1,
            generations=1,
            coefficient_expressions=0,
            finalists=0,
            comparison_seeds=0,
            output_dir=folder(f"{rates}{seed}_{screening}"),
        )
        records = search.run().records
        assert len(records) == len(losses)
        worth[:, seed] = [record.fitness for record in records]
        steps += sum(record.steps for record in records)
    return worth.mean(axis=-1), steps / worth.size / FLAGS.train_steps


def main(_: list[str]) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from scipy.stats import kendalltau

    logging.getLogger("glo_tf").setLevel(logging.WARNING)

    rates = np.array([float(f"{rate:.6g}") for rate in np.geomspace(1e-5, 20.0, FLAGS.rates)])
    losses, scales, reached = accuracies(rates)
    usual = [str(loss) for loss in losses].index(CROSS_ENTROPY)
    worth = reached.max(axis=-1).mean(axis=-1)
    given = int(reached[usual].mean(axis=0).argmax())
    step = np.log(rates[1] / rates[0])
    centres = given - np.round(np.log(scales) / step).astype(int)
    ways = {
        "at the given rate": np.full((len(losses), 1), given),
        **{name: centres[:, None] + np.array(offsets) for name, offsets in OFFSETS.items()},
        "best of all": np.tile(np.arange(len(rates)), (len(losses), 1)),
    }
    found: dict[str, tuple[np.ndarray, float]] = {}
    for name, rungs in ways.items():
        rungs = rungs.clip(0, len(rates) - 1)
        judged = np.take_along_axis(reached, rungs[:, None, :], axis=-1).max(axis=-1).mean(axis=-1)
        found[name] = judged, float(rungs.shape[1])
    for rates_of, word in (("given", "at the given rate"), ("own", "own")):
        if rates_of == "own":
            found[word] = searched(losses, rates_of, "none")
        found[f"{word}, stopped at chance"] = searched(losses, rates_of, "full")
    able = worth > 0.5
    rows = [
        {
            "judged": name,
            "tau": float(kendalltau(judged, worth).statistic),
            "of those that learn": float(kendalltau(judged[able], worth[able]).statistic),
            "leading": int((judged > worth[usual] + FLAGS.lead).sum()),
            "best": float(judged.max()),
            "trainings a loss": cost,
        }
        for name, (judged, cost) in found.items()
    ]
    report(
        f"{len(losses)} losses, {FLAGS.seeds} draws, decay {FLAGS.decay}; cross-entropy has "
        f"{worth[usual]:.4f}, best at {rates[given]:g}; leading by more than {FLAGS.lead:g}",
        rows,
        FLAGS.output,
        {
            "rates": rates.tolist(),
            "losses": {
                str(loss): {"scale": float(scale), "accuracies": of_loss.round(6).tolist()}
                for loss, scale, of_loss in zip(losses, scales, reached, strict=True)
            },
        },
    )


if __name__ == "__main__":
    app.run(main)
