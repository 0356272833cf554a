"""What searches with class frequencies find on a long tail, beside what is known for it.

    nice -n 19 python benchmarks/long_tail_search.py --work_dir=long_tail --output=long_tail.json

Of digits, `--tested` images of each class are put aside for each draw. From the others, tails are
drawn: which class is how frequent, from `--ratio` times the samples of the rarest, which images
are trained on and which are for the fitness. A search from random trees of `glo_long_tail` judges
candidates at learning rates of their own by their mean over `--tails` of them: on one alone, whose
few validation images every candidate is judged by, the best candidate is a lucky one. Validation
and test data have equally many images of each class, so accuracy is balanced accuracy.

What was found, cross-entropy, class weights `n^-power`, logit adjustment and cross-entropy whose
predictions are divided by `n^tau` afterwards (post-hoc adjustment) are then tuned alike: parameters
and a ladder of learning rates by the mean over the same tails, with `--tuning_seeds` trainings
each. All that is frozen is trained on `--fresh_tails` other tails, with `--seeds` seeds each, and
measured on the images that were put aside. The draws make the pairs of the tests; p values are
corrected (Holm). Each draw is a line in `draws.jsonl` of `--work_dir`; what is there is not done
again, and a search that was cut off goes on.
"""

from __future__ import annotations

import functools
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
flags.DEFINE_integer("draws", 5, "Searches, each with test images of its own.")
flags.DEFINE_integer("tails", 3, "That a search sees, and that losses are tuned on.")
flags.DEFINE_integer("fresh_tails", 4, "That losses are trained on for the comparison.")
flags.DEFINE_float("ratio", 20.0, "Of the samples of the most frequent class to the rarest's.")
flags.DEFINE_integer("units", 64, "Of the hidden layer.")
flags.DEFINE_integer("train_steps", 300, "Of each training.")
flags.DEFINE_integer("population_size", 120, "Of the discovery phase.")
flags.DEFINE_integer("generations", 12, "Of the discovery phase.")
flags.DEFINE_integer("coefficient_expressions", 1, "Whose coefficients are tuned.")
flags.DEFINE_integer("coefficient_generations", 8, "For each of them.")
flags.DEFINE_integer("held_out", 30, "Images of each class for the fitness.")
flags.DEFINE_integer("tested", 50, "Images of each class for the comparison.")
flags.DEFINE_integer("tuning_seeds", 2, "Trainings at each rate and parameter that is tried.")
flags.DEFINE_integer("seeds", 3, "Trainings of each loss on each fresh tail.")
flags.DEFINE_string("work_dir", None, "Folder for what is done.", required=True)
flags.DEFINE_string("output", None, "JSON file for the figures.")

RATES = tuple(float(f"{0.0431 * 10 ** (place / 3):.3g}") for place in range(7))
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


def long_tail(draw: int, tail: int) -> dict[str, Any]:
    """Arguments of `glo_tf.LossSearch`, with `"test_data"`."""
    return {
        "train_steps": FLAGS.train_steps,
        **long_tail_digits(
            draw,
            FLAGS.ratio,
            units=FLAGS.units,
            held_out=FLAGS.held_out,
            tested=FLAGS.tested,
            tail=tail,
        ),
    }


def seen_tails() -> range:
    """Those of a draw that losses are searched and tuned on."""
    return range(1, 1 + FLAGS.tails)


def fresh_tails() -> range:
    """Those that only what is frozen is trained on."""
    return range(1 + FLAGS.tails, 1 + FLAGS.tails + FLAGS.fresh_tails)


@functools.cache
def tau() -> Any:
    """A variable: the power of the frequencies that predictions are divided by."""
    import keras

    return keras.Variable(0.0, trainable=False)


def adjusted(frequencies: np.ndarray) -> Any:
    """A metric: accuracy of predictions that are divided by `n^tau`."""
    import keras

    row = np.log(frequencies).astype(np.float32)

    class Adjusted(keras.metrics.CategoricalAccuracy):
        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            y_true = keras.ops.one_hot(keras.ops.cast(y_true, "int32"), 10)
            y_true = keras.ops.reshape(y_true, (-1, 10))
            shifted = y_pred * keras.ops.exp(-keras.ops.convert_to_tensor(tau()) * row)
            return super().update_state(y_true, shifted, sample_weight)

    return Adjusted(name="accuracy")


def searched(draw: int, folder: pathlib.Path) -> dict[str, Any]:
    """One search from random trees."""
    import glo_tf

    tasks = {}
    for tail in seen_tails():
        data = long_tail(draw, tail)
        del data["test_data"]
        tasks[f"tail{tail}"] = glo_tf.TaskArguments(**data)
    result = glo_tf.LossSearch(
        tasks=tasks,
        search_space="glo_long_tail",
        learning_rate="own",
        population_size=FLAGS.population_size,
        elites=8,
        generations=FLAGS.generations,
        coefficient_expressions=FLAGS.coefficient_expressions,
        coefficient_generations=FLAGS.coefficient_generations,
        finalists=8,
        finalist_seeds=4,
        reference_losses=[],
        comparison_seeds=0,
        seed=draw,
        output_dir=folder,
    ).run()
    return {
        "loss": str(result.found.loss),
        "searched": str(result.best.loss),
        "finalists": {row.name: row.mean for row in result.confirmation},
        "steps": sum(record.steps for record in result.records),
        "candidates": len(result.records),
        "sources": result.counts,
    }


def tuned(trainers: Sequence[Any], texts: Sequence[str], outputs: Any) -> tuple[float, Any]:
    """The best of some losses at some rates by the mean of several tails, and that mean."""
    from glo_tf.expressions.tree import Expression
    from glo_tf.screening.scale import relative_scale
    from glo_tf.training.candidate import Candidate, Hyperparameters
    from glo_tf.training.trial import Request

    best: tuple[float, Any] = (-1.0, None)
    for loss in map(Expression.parse, texts):
        scale = relative_scale(loss, outputs) or 1.0
        for rate in RATES:
            candidate = Candidate(loss, Hyperparameters(rate / scale))
            value = statistics.fmean(
                trainer.evaluate(Request(candidate, seed)).fitness
                for trainer in trainers
                for seed in range(FLAGS.tuning_seeds)
            )
            best = max(best, (value, candidate), key=lambda one: one[0])
    return best


def tested(candidate: Any, trainers: Sequence[Any]) -> float:
    """Mean balanced accuracy on test data; a training that fails has none right."""
    from glo_tf.training.trial import Request, Status

    accuracies = []
    for trainer in trainers:
        for seed in range(1000, 1000 + FLAGS.seeds):
            run = trainer.evaluate(Request(candidate, seed, checkpoints=(FLAGS.train_steps,)))
            fine = run.status == Status.OK
            accuracies.append(run.measured["test"]["accuracy"][0] if fine else 0.0)
    return statistics.fmean(accuracies)


def done(draw: int) -> dict[str, Any]:
    """All of one draw."""
    from glo_tf.training.task import TrainingTask

    began = time.perf_counter()
    found = searched(draw, pathlib.Path(FLAGS.work_dir) / f"draw{draw}")
    tails = [*seen_tails(), *fresh_tails()]
    trainers = {}
    for tail in tails:
        data = long_tail(draw, tail)
        frequencies = TrainingTask.define(**data).outputs.frequencies
        task = TrainingTask.define(**data, metric=adjusted(frequencies), metric_mode="max")
        trainers[tail], outputs = task.make_trainer(), task.outputs
    seen = [trainers[tail] for tail in seen_tails()]
    fresh = [trainers[tail] for tail in fresh_tails()]
    ways = [(kind, 0.0, texts) for kind, texts in KNOWN.items()]
    ways += [(FOUND, 0.0, [found["loss"]])]
    ways += [(POST_HOC, power, KNOWN["cross-entropy"]) for power in PARAMETERS]
    rows: dict[str, Any] = {}
    for kind, power, texts in ways:
        tau().assign(power)
        validated, candidate = tuned(seen, texts, outputs)
        if kind not in rows or validated > rows[kind]["validation"]:
            rows[kind] = {
                "name": f"{kind}, tau {power}" if power else kind,
                "loss": str(candidate.loss),
                "learning_rate": candidate.hyperparameters.learning_rate,
                "validation": validated,
                "accuracy": tested(candidate, fresh),
            }
    seconds = time.perf_counter() - began
    return {"draw": draw, "search": found, "tested": rows, "seconds": seconds}


def summarised(draws: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Balanced accuracies on test data, and leads of what was found, paired over the draws."""
    from scipy.stats import ttest_1samp

    from glo_tf.utils.statistics import correct_by_holm

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
    compared = [row for row in rows if row["loss"] != FOUND]
    p_values = [row["p"] for row in compared]
    for row, corrected in zip(compared, correct_by_holm(p_values), strict=True):
        row["corrected p"] = corrected
    return rows


def main(_: list[str]) -> None:
    report_draws(
        f"Digits, long tail of ratio {FLAGS.ratio:g}, {FLAGS.train_steps} steps",
        range(FLAGS.draws),
        done,
        summarised,
        FLAGS.work_dir,
        FLAGS.output,
    )


if __name__ == "__main__":
    app.run(main)
