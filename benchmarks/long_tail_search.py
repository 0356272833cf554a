"""What searches with class frequencies find on a long tail, beside what is known for it.

    nice -n 19 python benchmarks/long_tail_search.py --work_dir=long_tail --output=long_tail.json

For each draw of a long tail of digits, of which the most frequent class has `--ratio` times the
samples of the rarest, a search from random trees of `glo_long_tail` judges candidates at learning
rates of their own. Validation and test data have equally many images of each class, so accuracy is
balanced accuracy. What was found, cross-entropy, class weights `n^-power`, logit adjustment and
cross-entropy whose predictions are divided by `n^tau` afterwards (post-hoc adjustment) are then
tuned alike: parameters and a ladder of learning rates on the validation data, with
`--tuning_seeds` trainings each; the best is trained with `--seeds` further seeds and measured on
test data that nothing else has seen. The draws make the pairs of the tests; p values are corrected
(Holm). Each draw is a line in `draws.jsonl` of `--work_dir`; what is there is not done again, and a
search that was cut off goes on.
"""

from __future__ import annotations

import pathlib
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from absl import app, flags
from long_tail_digits import long_tail_digits
from reporting import report_draws

FLAGS = flags.FLAGS
flags.DEFINE_integer("draws", 5, "Of tail and split.")
flags.DEFINE_float("ratio", 20.0, "Of the samples of the most frequent class to the rarest's.")
flags.DEFINE_integer("units", 128, "Of the hidden layer.")
flags.DEFINE_integer("train_steps", 500, "Of each training.")
flags.DEFINE_integer("population_size", 40, "Of the discovery phase.")
flags.DEFINE_integer("generations", 8, "Of the discovery phase.")
flags.DEFINE_integer("coefficient_generations", 6, "Of the coefficient phase.")
flags.DEFINE_integer("held_out", 30, "Images of each class for the fitness.")
flags.DEFINE_integer("tested", 50, "Images of each class for the comparison.")
flags.DEFINE_integer("tuning_seeds", 3, "Trainings at each rate and parameter that is tried.")
flags.DEFINE_integer("seeds", 5, "Trainings of each loss on the test data.")
flags.DEFINE_string("work_dir", None, "Folder for what is done.", required=True)
flags.DEFINE_string("output", None, "JSON file for the figures.")

RATES = tuple(float(f"{0.02 * 10 ** (place / 3):.3g}") for place in range(9))
"""For a loss of gradient scale 1; others have these divided by their scale."""

PARAMETERS = (0.5, 1.0, 1.5)
FOUND, POST_HOC = "found", "post-hoc adjustment"
KNOWN = {
    "cross-entropy": ["-(x*log(y))"],
    "class weights": [f"-(x*log(y)*exp({-power}*log(n)))" for power in (0.25, 0.5, 1.0)],
    "logit adjustment": [
        f"-(x*log(y*exp({tau}*log(n))/total(y*exp({tau}*log(n)))))" for tau in PARAMETERS
    ],
}


def long_tail(draw: int) -> dict[str, Any]:
    """Arguments of `glo_tf.LossSearch` for one draw, with `"test_data"`."""
    return {
        "train_steps": FLAGS.train_steps,
        **long_tail_digits(
            draw,
            FLAGS.ratio,
            units=FLAGS.units,
            held_out=FLAGS.held_out,
            tested=FLAGS.tested,
        ),
    }


def adjusted(frequencies: np.ndarray, tau: float) -> Any:
    """A metric: accuracy of predictions that are divided by `n^tau`."""
    import keras

    row = (frequencies**-tau).astype(np.float32)

    class Adjusted(keras.metrics.CategoricalAccuracy):
        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            y_true = keras.ops.one_hot(keras.ops.cast(y_true, "int32"), 10)
            y_true = keras.ops.reshape(y_true, (-1, 10))
            return super().update_state(y_true, y_pred * row, sample_weight)

    return Adjusted(name="accuracy")


def searched(draw: int, folder: pathlib.Path) -> dict[str, Any]:
    """One search from random trees."""
    import glo_tf

    result = glo_tf.LossSearch(
        **{name: value for name, value in long_tail(draw).items() if name != "test_data"},
        search_space="glo_long_tail",
        learning_rate="own",
        population_size=FLAGS.population_size,
        elites=4,
        generations=FLAGS.generations,
        coefficient_generations=FLAGS.coefficient_generations,
        finalists=5,
        finalist_seeds=3,
        reference_losses=[],
        comparison_seeds=0,
        seed=draw,
        output_dir=folder,
    ).run()
    return {
        "loss": str(result.found.loss),
        "searched": str(result.best.loss),
        "steps": sum(record.steps for record in result.records),
        "candidates": len(result.records),
    }


def tuned(trainer: Any, texts: Sequence[str], outputs: Any, name: str) -> dict[str, Any]:
    """The best of some losses at some rates on validation data, measured on test data."""
    from glo_tf.expressions.tree import Expression
    from glo_tf.screening.scale import relative_scale
    from glo_tf.training.candidate import Candidate, Hyperparameters
    from glo_tf.training.trial import Request, Status

    best: tuple[float, Any] = (-1.0, None)
    for loss in map(Expression.parse, texts):
        scale = relative_scale(loss, outputs) or 1.0
        for rate in RATES:
            candidate = Candidate(loss, Hyperparameters(rate / scale))
            runs = [trainer.evaluate(Request(candidate, s)) for s in range(FLAGS.tuning_seeds)]
            value = statistics.fmean(run.fitness for run in runs)
            best = max(best, (value, candidate), key=lambda one: one[0])
    validated, candidate = best
    steps = (FLAGS.train_steps,)
    accuracies = []
    for seed in range(1000, 1000 + FLAGS.seeds):
        run = trainer.evaluate(Request(candidate, seed, checkpoints=steps))
        accuracies.append(run.measured["test"]["accuracy"][0] if run.status == Status.OK else 0.0)
    return {
        "name": name,
        "loss": str(candidate.loss),
        "learning_rate": candidate.hyperparameters.learning_rate,
        "validation": validated,
        "accuracy": statistics.fmean(accuracies),
    }


def done(draw: int) -> dict[str, Any]:
    """All of one draw."""
    from glo_tf.training.task import TrainingTask

    began = time.perf_counter()
    found = searched(draw, pathlib.Path(FLAGS.work_dir) / f"draw{draw}")
    data = long_tail(draw)
    task = TrainingTask.define(**data)
    trainer, outputs = task.make_trainer(), task.outputs
    losses = {**KNOWN, FOUND: [found["loss"]]}
    rows = {name: tuned(trainer, texts, outputs, name) for name, texts in losses.items()}
    after = []
    for tau in PARAMETERS:
        metric = adjusted(outputs.frequencies, tau)
        of_tau = TrainingTask.define(**data, metric=metric, metric_mode="max").make_trainer()
        after.append(tuned(of_tau, KNOWN["cross-entropy"], outputs, f"{POST_HOC}, tau {tau}"))
    rows[POST_HOC] = max(after, key=lambda row: row["validation"])
    seconds = time.perf_counter() - began
    return {"draw": draw, "search": found, "tested": rows, "seconds": seconds}


def summarised(draws: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Balanced accuracies on test data, and leads of what was found, paired over the draws."""
    from scipy.stats import ttest_1samp

    rows = []
    for name in (*KNOWN, POST_HOC, FOUND):
        values = [draw["tested"][name]["accuracy"] for draw in draws]
        leads = [
            draw["tested"][FOUND]["accuracy"] - value
            for draw, value in zip(draws, values, strict=True)
        ]
        several = len(leads) > 1 and statistics.stdev(leads) > 0.0
        rows.append(
            {
                "loss": name,
                "draws": len(values),
                "balanced accuracy": statistics.fmean(values),
                "lead of found": statistics.fmean(leads),
                "p": float(ttest_1samp(leads, 0.0).pvalue) if several else 1.0,
            }
        )
    largest, compared = 0.0, [row for row in rows if row["loss"] != FOUND]
    for place, row in enumerate(sorted(compared, key=lambda row: row["p"])):  # Holm
        largest = max(largest, min(1.0, (len(compared) - place) * row["p"]))
        row["corrected p"] = largest
    return rows


def main(_: list[str]) -> None:
    report_draws(
        f"Digits, long tail of ratio {FLAGS.ratio:g}, {FLAGS.train_steps} steps",
        FLAGS.draws,
        done,
        summarised,
        FLAGS.work_dir,
        FLAGS.output,
    )


if __name__ == "__main__":
    app.run(main)
