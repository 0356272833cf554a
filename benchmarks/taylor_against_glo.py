"""The search space `taylor` against `glo`: searches of equally many training steps, on digits.

    python benchmarks/taylor_against_glo.py --seeds=5 --output=taylor_digits.json

What is equal is the number of training steps of all candidates of a search. For every budget and
seed, `taylor` runs for a number of CMA-ES generations, of 28 candidates. `glo` gets the steps that
this took: as many generations of discovery as come nearest to half of them (40 candidates, 4
elites, as in digits.flags; at most `--most_generations`, as most candidates of a late generation
are known), then as many generations of CMA-ES on the best tree as come nearest to all of them. All
else is equal, too: full screening, 8 finalists with 4 seeds each, seeds.

The best loss of each search is trained on fresh seeds, beside cross-entropy with the learning rate
of the search and with the best of 1, 2, 5, 10 and 20 times that. Validation data decided the
searches; test data decided nothing. The last rows compare seed by seed.
"""

from __future__ import annotations

import functools
import itertools
import os
import statistics
import time
from collections.abc import Sequence
from typing import Any

from absl import app, flags
from digits_task import digits_task
from reporting import report, write
from step_limit import StepLimit

from glo_tf.training.candidate import Candidate, Hyperparameters

FLAGS = flags.FLAGS
flags.DEFINE_integer("seeds", 5, "Searches per budget and search space.")
flags.DEFINE_list("budgets", ["2", "6", "20"], "Generations of taylor.")
flags.DEFINE_integer("most_generations", 150, "Of the discovery phase of glo, at most.")
flags.DEFINE_integer("comparison_seeds", 10, "Fresh seeds for the best loss of each search.")
flags.DEFINE_string("output", None, "JSON file for the figures.")


def search(seed: int, **settings: Any) -> Any:
    """The result of one search."""
    from glo_tf import LossSearch

    fixed: dict[str, Any] = {"population_size": 40, "elites": 4, "seed": seed}
    return LossSearch(**digits_task(), **{**fixed, **settings}).run()


def nearest(history: Sequence[Any], budget: int) -> tuple[int, int]:
    """After which generation of a phase the steps are nearest to a budget, and those steps."""
    totals = [(0, 0)]
    for number, records in itertools.groupby(history, key=lambda record: record.generation):
        totals.append((number, totals[-1][1] + sum(record.steps for record in records)))
    return min(totals[1:], key=lambda total: abs(total[1] - budget))


def generations_of_glo(seed: int, budget: int) -> dict[str, int]:
    """Generations of both phases that take about `budget` steps.

    A search is a function of its seed: a longer one begins with the generations of a shorter one.
    """
    half, none = budget // 2, {"finalists": 0, "comparison_seeds": 0}
    history = search(
        seed,
        generations=FLAGS.most_generations,
        coefficient_expressions=0,
        callbacks=[StepLimit(half)],
        **none,
    ).records
    generations, steps = nearest(history, half)
    history = search(
        seed,
        generations=generations,
        coefficient_generations=10_000,
        callbacks=[StepLimit(budget)],
        **none,
    ).records
    tuned = [record for record in history if record.phase == "coefficients"]
    tuning, _ = nearest(tuned, budget - steps)
    return {"generations": generations, "coefficient_generations": tuning}


def test_accuracies(loss: Any, learning_rate: float | None, seeds: Sequence[int]) -> list[float]:
    """Of networks trained with a loss, on data that decided nothing."""
    from glo_tf.training.trial import Request

    requests = [Request(Candidate(loss, Hyperparameters(learning_rate)), seed) for seed in seeds]
    return [test_trainer().evaluate(request).fitness for request in requests]


@functools.cache
def test_trainer() -> Any:
    """Measures accuracy on test data."""
    from glo_tf import datasets
    from glo_tf.training.task import TrainingTask

    data = datasets.digits()
    arguments = {**digits_task(), "validation_data": (data.x_test, data.y_test)}
    return TrainingTask.define(**arguments).make_trainer()


def run(space: str, seed: int, **settings: int) -> dict[str, Any]:
    """One search to its end: a row of the table."""
    began = time.perf_counter()
    result = search(
        seed,
        search_space=space,
        finalists=8,
        finalist_seeds=4,
        comparison_seeds=FLAGS.comparison_seeds,
        **settings,
    )
    seconds = time.perf_counter() - began
    row = {
        "space": space,
        "seed": seed,
        **settings,
        "steps": sum(record.steps for record in result.records),
        "trained": result.counts["trained"],
        "fittest": max(record.fitness for record in result.records),
        "seconds": seconds,
        "loss": str(result.best.loss),
    }
    for name, compared in zip(
        ("best", "cross-entropy", "cross-entropy, tuned"), result.comparison, strict=True
    ):
        row[name] = compared.mean
        accuracies = test_accuracies(compared.loss, compared.learning_rate, compared.seeds)
        row[f"{name}, test"] = statistics.fmean(accuracies)
    return row


def paired(
    rows: Sequence[dict[str, Any]], one: tuple[str, str], other: tuple[str, str]
) -> dict[str, Any]:
    """Mean difference of two columns, each of a search space, with the paired t-test."""
    from scipy.stats import ttest_rel

    left, right = (
        [row[column] for row in rows if row["space"] == space] for space, column in (one, other)
    )
    test = ttest_rel(left, right)
    low, high = test.confidence_interval(0.95)
    return {
        "one": ": ".join(one),
        "other": ": ".join(other),
        "mean of one": statistics.fmean(left),
        "of other": statistics.fmean(right),
        "difference": statistics.fmean(left) - statistics.fmean(right),
        "95% from": float(low),
        "to": float(high),
        "p (paired t)": float(test.pvalue),
    }


def main(_: list[str]) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rows: list[dict[str, Any]] = []
    comparisons: list[dict[str, Any]] = []
    for budget in map(int, FLAGS.budgets):
        own: list[dict[str, Any]] = []
        for seed in range(0, 100 * FLAGS.seeds, 100):  # no seed serves two searches
            own.append(run("taylor", seed, coefficient_generations=budget))
            print(own[-1], flush=True)
            own.append(run("glo", seed, **generations_of_glo(seed, own[-1]["steps"])))
            print(own[-1], flush=True)
        pairs = [
            *((("taylor", c), ("glo", c)) for c in ("steps", "fittest", "best", "best, test")),
            *(((s, "best, test"), (s, "cross-entropy, tuned, test")) for s in ("taylor", "glo")),
        ]
        comparisons += [{"taylor's generations": budget, **paired(own, *pair)} for pair in pairs]
        rows += [{"taylor's generations": budget, **row} for row in own]
    shown = [{name: row[name] for name in row if name != "loss"} for row in rows]
    columns = list(dict.fromkeys(name for row in shown for name in row))
    report(
        "One search a row", [{name: row.get(name, "") for name in columns} for row in shown], None
    )
    report(f"Means over {FLAGS.seeds} searches, paired", comparisons, None)
    if FLAGS.output:
        write([*rows, *comparisons], FLAGS.output)


if __name__ == "__main__":
    app.run(main)
