"""Searches with and without simplification, and from known losses or random trees at equal steps.

    python benchmarks/simplification.py --work_dir=simplification --output=simplification.json

Each draw of label noise and split of digits has three searches at learning rates of their own: from
the library's losses (warm), from random trees until that has had as many training steps, trainings
of the confirmation included, and the latter again without simplification. What they found is
trained on test data that no search has seen, at the rate that its search gave. Each draw is a line
in `draws.jsonl` of `--work_dir`; what is there is not done again, and a draw that was cut off goes
on.
"""

from __future__ import annotations

import pathlib
import statistics
from typing import Any

from absl import app, flags
from noisy_digits import noisy_digits
from reporting import report_draws
from step_limit import StepLimit

FLAGS = flags.FLAGS
flags.DEFINE_integer("draws", 3, "Of noise and split.")
flags.DEFINE_float("noise", 0.4, "Share of the training labels that are replaced by random ones.")
flags.DEFINE_integer("units", 64, "Of the hidden layer.")
flags.DEFINE_integer("train_steps", 300, "Of each training.")
flags.DEFINE_integer("population_size", 24, "Of the discovery phase.")
flags.DEFINE_integer("generations", 3, "Of the warm search.")
flags.DEFINE_integer("coefficient_generations", 4, "For each expression that is tuned.")
flags.DEFINE_integer("finalists", 4, "Of each search, beside the known losses of a warm one.")
flags.DEFINE_integer("finalist_seeds", 3, "Of each search.")
flags.DEFINE_integer("seeds", 5, "Trainings of each loss on the test data.")
flags.DEFINE_string("work_dir", None, "Folder for what is done.", required=True)
flags.DEFINE_string("output", None, "JSON file for the figures.")

WARM, RANDOM, EXACT = "warm", "random", "random, not simplified"
HELD_OUT, TESTED, RATE = 300, 600, 0.1


class LimitOfAllSteps(StepLimit):
    """Counts the trainings that tune rates and confirm finalists, too."""

    def on_retraining(self, stage: Any, evaluation: Any) -> None:
        """Counts."""
        self.steps += evaluation.steps


def data(draw: int) -> dict[str, Any]:
    """Of one draw."""
    return noisy_digits(draw, FLAGS.noise, units=FLAGS.units, held_out=HELD_OUT, tested=TESTED)


def searched(draw: int, kind: str, folder: pathlib.Path, budget: int | None) -> dict[str, Any]:
    """One search; it ends with its generations, or after `budget` training steps in all."""
    import keras

    import glo_tf
    from glo_tf.expressions.shortening import complexity

    limit = LimitOfAllSteps(budget)
    coefficients = FLAGS.coefficient_generations * (1 if budget is None else 20)
    result = glo_tf.LossSearch(
        **{key: value for key, value in data(draw).items() if key != "test_data"},
        optimizer=keras.optimizers.SGD(RATE),
        learning_rate="own",
        search_space="glo_extended",
        initial_losses="library" if kind == WARM else None,
        reference_losses=[],
        simplify=kind != EXACT,
        model_selection="accuracy" if kind == EXACT else "best",
        train_steps=FLAGS.train_steps,
        population_size=FLAGS.population_size,
        elites=4,
        generations=FLAGS.generations * (1 if budget is None else 2),
        coefficient_generations=coefficients,
        finalists=FLAGS.finalists,
        finalist_seeds=FLAGS.finalist_seeds,
        comparison_seeds=0,
        seed=draw,
        output_dir=folder / kind.replace(", ", "_").replace(" ", "_"),
        callbacks=[limit],
    ).run()
    found = result.found
    return {
        "loss": str(found.loss),
        "searched": str(result.best.loss),
        "known": found.known,
        "nodes": complexity(found.loss)[0],
        "numbers": complexity(found.loss)[1],
        "characters": len(str(found.loss)),
        "learning_rate": found.learning_rate,
        "steps": limit.steps,
    }


def tested(draw: int, found: dict[str, Any], folder: pathlib.Path) -> float:
    """Mean test accuracy at the rate that the search gave."""
    import keras

    import glo_tf

    comparison = glo_tf.compare(
        **data(draw),
        losses={"found": found["loss"]},
        optimizer=keras.optimizers.SGD(found["learning_rate"]),
        train_steps=FLAGS.train_steps,
        seeds=FLAGS.seeds,
        seed=1000,
        tune_learning_rate=False,
        output_dir=folder,
    )
    (row,) = [row for row in comparison.losses if row.name == "found"]
    return row.mean or 0.0


def done(draw: int) -> dict[str, Any]:
    """All of one draw."""
    folder = pathlib.Path(FLAGS.work_dir) / f"draw{draw}"
    warm = searched(draw, WARM, folder, None)
    end = FLAGS.finalists * FLAGS.finalist_seeds * 5 * FLAGS.train_steps
    random = searched(draw, RANDOM, folder, warm["steps"] - end)
    exact = searched(draw, EXACT, folder, warm["steps"] - end)
    kinds = {WARM: warm, RANDOM: random, EXACT: exact}
    for kind, found in kinds.items():
        place = folder / f"tested_{kind.replace(', ', '_').replace(' ', '_')}"
        found["test accuracy"] = tested(draw, found, place)
    return {"draw": draw, "found": kinds}


def summarised(draws: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was found, by search, over the draws."""
    columns = ("nodes", "numbers", "characters", "test accuracy", "steps")
    return [
        {
            "search": kind,
            "draws": len(draws),
            **{
                f"mean {column}": statistics.fmean(d["found"][kind][column] for d in draws)
                for column in columns
            },
        }
        for kind in (WARM, RANDOM, EXACT)
    ]


def main(_: list[str]) -> None:
    report_draws(
        f"Found with {FLAGS.noise:.0%} label noise, {FLAGS.train_steps} steps",
        range(FLAGS.draws),
        done,
        summarised,
        FLAGS.work_dir,
        FLAGS.output,
    )


if __name__ == "__main__":
    app.run(main)
