"""What searches find under label noise, on many draws, each loss at its own learning rate.

    python benchmarks/noise_search.py --work_dir=noise_search --output=noise_search.json

For each draw of 40 % label noise and of the split of digits, one search from random trees judges
candidates at learning rates of their own, and one at the given rate, for as many training steps.
What both found is compared with cross-entropy and with `-(x*sqrt(y))`, on test data that no search
and no tuning has seen. All have learning rates that were tuned for them on the validation data with
several seeds: what was found at own rates by its search, the others for the comparison. The draws
make the pairs of the tests; p values are corrected (Holm). Each draw is a line in `draws.jsonl` of
`--work_dir`; what is there is not done again, and a draw that was cut off goes on.
"""

from __future__ import annotations

import pathlib
import statistics
import time
from typing import Any

from absl import app, flags
from equal_steps import GIVEN, searched_twice
from noisy_digits import noisy_digits
from reporting import report_draws

FLAGS = flags.FLAGS
flags.DEFINE_integer("draws", 10, "Of noise and split.")
flags.DEFINE_float("noise", 0.4, "Share of the training labels that are replaced by random ones.")
flags.DEFINE_integer("units", 256, "Of the hidden layer.")
flags.DEFINE_integer("train_steps", 1500, "Of each training.")
flags.DEFINE_enum("decay", "none", ["none", "linear", "cosine"], "Of all learning rates.")
flags.DEFINE_integer("population_size", 40, "Of the discovery phase.")
flags.DEFINE_integer("generations", 6, "Of the discovery phase, with own rates.")
flags.DEFINE_integer("coefficient_generations", 6, "With own rates.")
flags.DEFINE_integer("held_out", 300, "Images with true labels for the fitness.")
flags.DEFINE_integer("tested", 600, "Images with true labels for the comparison.")
flags.DEFINE_integer("finalists", 5, "Of each search.")
flags.DEFINE_integer("finalist_seeds", 2, "Of each search.")
flags.DEFINE_integer("tuning_seeds", 5, "Trainings at each rate that is tried.")
flags.DEFINE_integer("seeds", 3, "Trainings of each loss on the test data.")
flags.DEFINE_string("work_dir", None, "Folder for what is done.", required=True)
flags.DEFINE_string("output", None, "JSON file for the figures.")

REFERENCES = {"cross-entropy": "-(x*log(y))", "x*sqrt(y)": "-(x*sqrt(y))"}
AT_OWN, AT_GIVEN = "found at own rates", "found at the given rate"


def data(draw: int) -> dict[str, Any]:
    """Of one draw."""
    return noisy_digits(
        draw, FLAGS.noise, units=FLAGS.units, held_out=FLAGS.held_out, tested=FLAGS.tested
    )


def compared(
    draw: int, losses: dict[str, str], folder: pathlib.Path, rate: float | None = None
) -> dict[str, Any]:
    """Test accuracy and learning rate by loss, at a given rate or each at its own."""
    import keras

    import glo_tf

    comparison = glo_tf.compare(
        **data(draw),
        losses=losses,
        optimizer=keras.optimizers.SGD(rate or GIVEN),
        learning_rate_decay=FLAGS.decay,
        train_steps=FLAGS.train_steps,
        seeds=FLAGS.seeds,
        seed=1000,
        tune_learning_rate=rate is None,
        tuning_seeds=FLAGS.tuning_seeds,
        output_dir=folder,
    )
    return {
        entry.name: {"accuracy": entry.mean or 0.0, "learning_rate": entry.learning_rate}
        for entry in comparison.losses
        if entry.tuned == (rate is None)
    }


def done(draw: int) -> dict[str, Any]:
    """All of one draw."""
    folder = pathlib.Path(FLAGS.work_dir) / f"draw{draw}"
    began = time.perf_counter()
    settings = {
        "learning_rate_decay": FLAGS.decay,
        "train_steps": FLAGS.train_steps,
        "population_size": FLAGS.population_size,
        "elites": 4,
        "generations": FLAGS.generations,
        "coefficient_generations": FLAGS.coefficient_generations,
        "finalists": FLAGS.finalists,
        "finalist_seeds": FLAGS.finalist_seeds,
        "seed": draw,
    }
    own, given = searched_twice(data(draw), settings, folder)
    losses = {**REFERENCES, AT_GIVEN: given["loss"]}
    tested = compared(draw, losses, folder / "tuned")
    found = compared(draw, {AT_OWN: own["loss"]}, folder / "found", own["learning_rate"])
    tested[AT_OWN] = found[AT_OWN]
    return {
        "draw": draw,
        "own": own,
        "given": given,
        "tested": tested,
        "seconds": time.perf_counter() - began,
    }


def summarised(draws: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The leads of what was found, paired over the draws."""
    from scipy.stats import ttest_1samp

    from glo_tf.utils.statistics import correct_by_holm

    rows = []
    for found in (AT_OWN, AT_GIVEN):
        for other in (*REFERENCES, AT_GIVEN):
            if found == other:
                continue
            leads = [d["tested"][found]["accuracy"] - d["tested"][other]["accuracy"] for d in draws]
            several = len(leads) > 1 and statistics.stdev(leads) > 0.0
            rows.append(
                {
                    "loss": found,
                    "against": other,
                    "draws": len(leads),
                    "mean lead": statistics.fmean(leads),
                    "standard deviation": statistics.stdev(leads) if several else float("nan"),
                    "p": float(ttest_1samp(leads, 0.0).pvalue) if several else 1.0,
                }
            )
    for row, corrected in zip(rows, correct_by_holm([row["p"] for row in rows]), strict=True):
        row["corrected p"] = corrected
    return rows


def main(_: list[str]) -> None:
    report_draws(
        f"Leads on test data, {FLAGS.noise:.0%} label noise, {FLAGS.train_steps} steps, "
        f"decay {FLAGS.decay}",
        range(FLAGS.draws),
        done,
        summarised,
        FLAGS.work_dir,
        FLAGS.output,
    )


if __name__ == "__main__":
    app.run(main)
