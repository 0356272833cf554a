"""Training steps until a search first reaches the best fitness of the plain algorithm.

    python benchmarks/search_cost.py --seeds=10 --output=search_cost.json

For every seed, the plain algorithm (`--screening=none`) runs to its end; the fitness of its best
candidate is the target. Counted are the training steps, of all candidates in order, until a search
first has a candidate of that fitness: for the plain algorithm itself, and for the same search with
less training. As those steps are cheaper, such a search may run for more generations, and one that
never gets there is counted with all steps that it spent, as a lower bound (`reached` says so).
Digits, an MLP of 64 units, 300 steps a candidate; discovery phase only.

    python benchmarks/search_cost.py --rates --seeds=8 --work_dir=rates --output=rates.json

Instead, searches at own learning rates beside such at the given one, for as many training steps, on
clean digits and with 40 % of the training labels replaced, each seed with split and noise of its
own (`searched_rates.py`).
"""

from __future__ import annotations

import functools
import os
import statistics
import time
from typing import Any

from absl import app, flags
from digits_task import digits_task
from reporting import report, report_draws
from searched_rates import done, draws, summarised

FLAGS = flags.FLAGS
flags.DEFINE_integer("seeds", 10, "Searches per setting, with seeds 0, 1, ...")
flags.DEFINE_integer("population_size", 40, "As in digits.flags.")
flags.DEFINE_integer("generations", 10, "Of the plain algorithm.")
flags.DEFINE_integer("patience", 10, "Times as many generations for the others, at most.")
flags.DEFINE_bool("rates", False, "Own learning rates against the given one.")
flags.DEFINE_string("work_dir", "search_rates", "Folder for what is done, with --rates.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

SETTINGS: dict[str, dict[str, Any]] = {
    "none": {"screening": "none"},
    "equivalence": {"screening": "equivalence"},
    "full": {"screening": "full"},
    "full, racing": {"screening": "full", "racing": True},
}


def search(seed: int, generations: int, **setting: Any) -> list[Any]:
    """The records of one search."""
    from glo_tf import LossSearch

    return list(
        LossSearch(
            **digits_task(),
            population_size=FLAGS.population_size,
            elites=4,
            generations=generations,
            coefficient_expressions=0,
            finalists=0,
            comparison_seeds=0,
            seed=seed,
            **setting,
        )
        .run()
        .records
    )


def steps_to(history: list[Any], target: float) -> tuple[int, bool]:
    """Training steps up to the first candidate of that fitness, and whether there is one."""
    steps = 0
    for record in history:
        steps += record.steps
        if record.status == "ok" and record.fitness >= target:
            return steps, True
    return steps, False


def main(_: list[str]) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if FLAGS.rates:
        report_draws(
            "Found at own rates and at the given one in as many steps, each at its own rate",
            draws(FLAGS.seeds),
            functools.partial(done, work_dir=FLAGS.work_dir),
            summarised,
            FLAGS.work_dir,
            FLAGS.output,
        )
        return
    rows: list[dict[str, Any]] = []
    ratios: dict[str, list[float]] = {name: [] for name in SETTINGS}
    for seed in range(FLAGS.seeds):
        target = plain = 0.0
        for name, setting in SETTINGS.items():
            generations = FLAGS.generations * (1 if name == "none" else FLAGS.patience)
            began = time.perf_counter()
            history = search(seed, generations, **setting)
            if name == "none":
                target = max(r.fitness for r in history if r.status == "ok")
                plain, _ = steps_to(history, target)
            steps, reached = steps_to(history, target)
            same = history[: FLAGS.population_size * FLAGS.generations]
            ratios[name].append(steps / plain)
            rows.append(
                {
                    "seed": seed,
                    "screening": name,
                    "target": target,
                    "reached": reached,
                    "steps to target": steps,
                    "ratio": steps / plain,
                    "steps in as many generations": sum(r.steps for r in same),
                    "best in as many": max(r.fitness for r in same),
                    "seconds": time.perf_counter() - began,
                }
            )
            print(rows[-1], flush=True)
    for name, values in ratios.items():
        own = [row for row in rows if row["screening"] == name]
        rows.append(
            {
                "seed": "all",
                "screening": name,
                "target": statistics.fmean(row["target"] for row in own),
                "reached": f"{sum(row['reached'] for row in own)} of {len(own)}",
                "steps to target": sum(row["steps to target"] for row in own),
                "ratio": statistics.median(values),
                "steps in as many generations": sum(
                    row["steps in as many generations"] for row in own
                ),
                "best in as many": statistics.fmean(row["best in as many"] for row in own),
                "seconds": sum(row["seconds"] for row in own),
            }
        )
    report(
        "Training steps to the plain algorithm's best (all: sums, means, median ratio)",
        rows,
        FLAGS.output,
    )


if __name__ == "__main__":
    app.run(main)
