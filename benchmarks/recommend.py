"""Which known loss `glo_tf.recommend` finds for digits: clean, with wrong labels, with a long tail.

    nice -n 19 python benchmarks/recommend.py --work_dir=recommend --output=recommend.json

Each draw has its own split, and its own wrong labels (40 % of the training labels are replaced by
random ones) or its own tail (the most frequent class has 20 times the samples of the rarest one;
which is which is drawn, too). On each, all known losses are tuned by `glo_tf.recommend` on the
validation data, with as many trials each, and trained with fresh seeds at their best settings. The
test accuracies are compared with cross-entropy's, and the draws make the pairs of the tests; p
values are corrected (Holm) in each setting. Of the long tail, test and validation data have as many
images of each class, so that accuracies are balanced. An MLP, SGD. Each draw is a line in
`draws.jsonl` of `--work_dir`; what is there is not done again, and a draw that was cut off goes on.
"""

from __future__ import annotations

import pathlib
import statistics
import time
from typing import Any

import numpy as np
from absl import app, flags
from long_tail_digits import long_tail_digits
from noisy_digits import noisy_digits
from reporting import report_draws

FLAGS = flags.FLAGS
SETTINGS = ("clean", "noise", "tail")
flags.DEFINE_multi_enum("settings", SETTINGS, SETTINGS, "What is done to the training data.")
flags.DEFINE_integer("draws", 10, "Of each setting.")
flags.DEFINE_float("noise", 0.4, "Share of the training labels that are replaced by random ones.")
flags.DEFINE_float("ratio", 20.0, "Of the samples of the most frequent class to the rarest's.")
flags.DEFINE_integer("units", 64, "Of the hidden layer.")
flags.DEFINE_integer("train_steps", 300, "Of each training, of batches of 100.")
flags.DEFINE_integer("trials", 12, "Of each loss.")
flags.DEFINE_integer("trial_seeds", 2, "Trainings of each trial.")
flags.DEFINE_integer("seeds", 3, "Fresh ones, of each loss at its best setting.")
flags.DEFINE_string("work_dir", None, "Folder for what is done.", required=True)
flags.DEFINE_string("output", None, "JSON file for the figures.")

USUAL = "cross-entropy"


def data(setting: str, draw: int) -> dict[str, Any]:
    """Of one draw."""
    if setting == "tail":
        given = long_tail_digits(draw, FLAGS.ratio, units=FLAGS.units, held_out=30, tested=60)
        return {name: value for name, value in given.items() if name != "optimizer"}
    noise = FLAGS.noise if setting == "noise" else 0.0
    return noisy_digits(draw, noise, units=FLAGS.units, held_out=300, tested=600)


def done(named: list[Any]) -> dict[str, Any]:
    """What all losses are worth on one draw, named by its setting and its number."""
    import keras

    import glo_tf

    setting, draw = named
    began = time.monotonic()
    result = glo_tf.recommend(
        **data(setting, draw),
        optimizer=keras.optimizers.SGD(0.01),
        train_steps=FLAGS.train_steps,
        trials=FLAGS.trials,
        trial_seeds=FLAGS.trial_seeds,
        contenders=1000,
        fresh_seeds=FLAGS.seeds,
        strategy="local",
        output_dir=pathlib.Path(FLAGS.work_dir) / f"{setting}_{draw}",
        verbose=0,
    )
    names = {loss.best.name: loss.name for loss in result.tuned}
    return {
        "draw": named,
        "seconds": round(time.monotonic() - began),
        "recommended": result.recommended,
        "accuracies": {names[row.name]: row.mean for row in result.comparison.losses},
        "settings": {
            n: [b, row.learning_rate]
            for row in result.comparison.losses
            for b, n in names.items()
            if b == row.name
        },
        "trials": {loss.name: len(loss.trials) for loss in result.tuned},
    }


def rows_of(setting: str, draws: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each loss, the best first."""
    from glo_tf.utils.statistics import compare_pairs, correct_by_holm

    names = [
        name
        for name in draws[0]["accuracies"]
        if all(draw["accuracies"].get(name) is not None for draw in draws)
    ]
    usual = [draw["accuracies"][USUAL] for draw in draws]
    found = {}
    for name in names:
        values = [draw["accuracies"][name] for draw in draws]
        found[name] = values, compare_pairs(values, usual)
    others = [name for name in names if name != USUAL]
    corrected = dict(
        zip(others, correct_by_holm([found[name][1].p_value for name in others]), strict=True)
    )
    rows = []
    for name, (values, difference) in found.items():
        p = corrected.get(name)
        tuned = [draw["settings"][name] for draw in draws]
        usual_choice = statistics.mode(of for of, _ in tuned)
        rows.append(
            {
                "setting": setting,
                "loss": name,
                "mostly": usual_choice,
                "median rate": float(f"{statistics.median(rate for _, rate in tuned):.2g}"),
                "test accuracy": round(statistics.fmean(values), 4),
                "points": round(100 * difference.difference, 2),
                "sd over draws": round(100 * float(np.std(np.subtract(values, usual), ddof=1)), 2),
                "p, corrected": None if p is None else float(f"{p:.2g}"),
                "draws": len(values),
            }
        )
    return sorted(rows, key=lambda row: -row["test accuracy"])


def summarised(draws: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The losses in each setting of which there are pairs."""
    rows = []
    for setting in FLAGS.settings:
        of_setting = [draw for draw in draws if draw["draw"][0] == setting]
        if len(of_setting) > 1:
            rows += rows_of(setting, of_setting)
    return rows


def main(_: list[str]) -> None:
    report_draws(
        "Known losses on draws of digits; points against cross-entropy, each at its best setting",
        [[setting, draw] for draw in range(FLAGS.draws) for setting in FLAGS.settings],
        done,
        summarised,
        FLAGS.work_dir,
        FLAGS.output,
    )


if __name__ == "__main__":
    app.run(main)
