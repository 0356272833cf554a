"""Searches one loss for several tasks, as one that is for many data sets.

`python -m benchmarks.suite.own_loss --recipe=NAME --work=FOLDER` goes on where it was cut off, and
prints the finalists, best first.
"""

from __future__ import annotations

import functools
import json
import logging
import pathlib
import sys
from typing import TYPE_CHECKING

from absl import app, flags

from benchmarks.suite import __main__ as suite  # the environment that it sets
from benchmarks.suite.own_recipes import RECIPES, USUAL_LOSS

if TYPE_CHECKING:
    import glo_tf

FLAGS = flags.FLAGS
flags.DEFINE_enum("recipe", next(iter(RECIPES)), list(RECIPES), "What is searched, and where.")

_LADDER = (0.0015, 0.003, 0.006, 0.012, 0.025, 0.05, 0.1, 0.2)


def main(_: list[str]) -> None:
    import glo_tf
    from benchmarks.suite.stopping import EarlyStopping
    from benchmarks.suite.tasks import TASKS
    from benchmarks.suite.training import RECIPE

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    recipe = RECIPES[FLAGS.recipe]
    work = pathlib.Path(FLAGS.work) / FLAGS.recipe
    work.mkdir(parents=True, exist_ok=True)
    data_sets = list(dict.fromkeys(TASKS[name].data_set for name in recipe.tasks))
    tasks = {
        name.replace(" ", "_").replace("/", "_"): _at_usual_rate(
            name, data_sets.index(TASKS[name].data_set), work / "rates.json"
        )
        for name in recipe.tasks
    }
    every = RECIPE.steps // 10
    result = glo_tf.LossSearch(
        tasks=tasks,
        learning_rate="own",
        search_space=recipe.space(),
        initial_expressions=recipe.start,
        population_size=150,
        elites=8,
        generations=20,
        parsimony_coefficient=0.0005,
        coefficient_expressions=5,
        coefficient_generations=25,
        finalists=12,
        finalist_seeds=3,
        model_selection="accuracy",
        reference_losses=[],
        comparison_seeds=0,
        strategy=EarlyStopping(range(every, RECIPE.steps + 1, every)),
        output_dir=work / "search",
        seed=recipe.seed,
    ).run()
    for row in result.confirmation:
        print(f"{row.mean:.4f}  {row.name}")
    print(result.found)


def _at_usual_rate(name: str, seed: int, known: pathlib.Path) -> glo_tf.TaskArguments:
    """A task at the learning rate that suits cross-entropy best there, of a ladder."""
    import keras
    import numpy as np

    import glo_tf
    from benchmarks.suite.search import trained_on
    from benchmarks.suite.tasks import TASKS
    from benchmarks.suite.training import RECIPE
    from benchmarks.suite.unit import drawn_of

    task = TASKS[name]
    rates = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
    make = functools.partial(trained_on, drawn_of(task, seed), task.measure, RECIPE)
    if name not in rates:
        one = make(rate=_LADDER[0])
        search = glo_tf.LossSearch(
            one.model,
            one.train_data,
            one.validation_data,
            optimizer=one.optimizer,
            metric=one.metric,
            metric_mode=one.metric_mode,
            learning_rate_decay=one.learning_rate_decay,
            train_steps=one.train_steps,
            batch_size=one.batch_size,
            standardize=False,
        )
        means = [
            np.mean(
                [
                    search.evaluate([USUAL_LOSS], seed=run, learning_rate=rate)[0].fitness
                    for run in (1, 2)
                ]
            )
            for rate in _LADDER
        ]
        search.close()
        keras.backend.clear_session()
        rates[name] = _LADDER[int(np.argmax(means))]
        known.write_text(json.dumps(rates), encoding="utf-8")
    found: glo_tf.TaskArguments = make(rate=rates[name])
    return found


if __name__ == "__main__":
    assert suite
    app.run(main)
