"""How many steps of a training tell at which learning rate a loss is to be judged.

    python benchmarks/rate_heats.py --noise=0.4 --draw=0 --output=rate_heats.json

The losses of `step_size.py`, on one of its draws, are trained to the end at nine rates around the
one that is expected, half an octave apart, and measured on the way. From these accuracies follows
what any race among rates would give, and at what cost: tau is Kendall's, with the best accuracy at
the ladder of `step_size.py`, whose figures `--known` names. The rates of the race lie beside those
of that ladder: what all nine of them reach shows how far two ladders agree at all.
"""

from __future__ import annotations

import json
import logging
import os
from typing import Any

import numpy as np
from absl import app, flags
from noisy_digits import noisy_digits
from reporting import report

FLAGS = flags.FLAGS
flags.DEFINE_float("noise", 0.4, "Share of the training labels that are replaced by random ones.")
flags.DEFINE_integer("draw", 0, "Of split and noise.")
flags.DEFINE_string("known", "docs/results/step_size_noise40.json", "Output of step_size.py.")
flags.DEFINE_string("curves", None, "Output of an earlier run, whose accuracies are taken.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

STEPS = (33, 50, 75, 100, 150, 200, 250, 300)
OCTAVES = tuple(place / 2.0 for place in range(-4, 5))
GRID = (-1.0, 0.0, 1.0)
RACES = {
    "best of 3, factor 2": (GRID, ()),
    "best of 5, factor 1.41": ((-1.0, -0.5, 0.0, 0.5, 1.0), ()),
    "best of all 9": (OCTAVES, ()),
    **{f"one of 9, by step {steps}": (OCTAVES, ((steps, 1),)) for steps in STEPS[:-1]},
    "3, 3 to step 100, 1 to the end": (GRID, ((33, 3), (100, 1))),
    "3, 2 to step 100, 1 to the end": (GRID, ((33, 2), (100, 1))),
    "3, 2 to step 150, 1 to the end": (GRID, ((33, 2), (150, 1))),
    "3, 2 to step 200, 1 to the end": (GRID, ((33, 2), (200, 1))),
    "3 to step 150, 1 to the end": (GRID, ((150, 1),)),
    "3 down to 1/4, 2 to step 150, 1 to the end": ((-2.0, -0.5, 1.0), ((33, 2), (150, 1))),
}
"""The rates that begin, and how many go on after a heat."""


def curves(losses: list[str]) -> dict[str, list[list[float]]]:
    """Accuracies of each loss: rates by steps, 0 from where a training failed."""
    import keras

    from glo_tf.comparison.expected_rates import ExpectedRates
    from glo_tf.data.split import Split
    from glo_tf.expressions.tree import Expression
    from glo_tf.search.reference_rate import tune_reference
    from glo_tf.training.candidate import Candidate, Hyperparameters
    from glo_tf.training.step_length import measure_step_length
    from glo_tf.training.task import TrainingTask
    from glo_tf.training.trial import Request

    logging.getLogger("glo_tf").setLevel(logging.WARNING)
    task = TrainingTask.define(
        **noisy_digits(FLAGS.draw, FLAGS.noise, units=128),
        optimizer=keras.optimizers.SGD(0.1),
        train_steps=STEPS[-1],
    )
    trainer = task.make_trainer()

    def evaluate(requests: Any) -> Any:
        return [trainer.evaluate(request) for request in requests]

    exponent = measure_step_length(task.optimizer).exponent
    reference = tune_reference(evaluate, task, [FLAGS.draw]).learning_rate
    expected = ExpectedRates(reference, exponent, task.outputs)
    reached: dict[str, list[list[float]]] = {}
    for text in losses:
        loss = Expression.parse(text)
        rates = [expected.of(loss, 2.0**octave) for octave in OCTAVES]
        candidates = [Candidate(loss, Hyperparameters(rate)) for rate in rates]
        requests = [Request(one, FLAGS.draw, checkpoints=STEPS) for one in candidates]
        reached[text] = []
        for evaluation in evaluate(requests):
            measured = evaluation.measured.get(Split.VALIDATION, {}).get("accuracy", ())
            known = [value or 0.0 for value in measured]
            full = known + [0.0] * (len(STEPS) - len(known))
            reached[text].append([*full[:-1], evaluation.fitness])
    return reached


def raced(
    reached: np.ndarray, octaves: tuple[float, ...], heats: tuple[tuple[int, int], ...]
) -> tuple[float, float]:
    """What a loss has at the end, and trainings, in steps; of equals the lower rate goes on."""
    arms, cost, before = [OCTAVES.index(octave) for octave in octaves], 0, 0
    for steps, kept in heats:
        cost += len(arms) * (steps - before)
        before = steps
        arms = sorted(arms, key=lambda arm: (-reached[arm, STEPS.index(steps)], arm))[:kept]
    cost += len(arms) * (STEPS[-1] - before)
    return max(reached[arm, -1] for arm in arms), cost / STEPS[-1]


def main(_: list[str]) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from scipy.stats import kendalltau

    with open(FLAGS.known, encoding="utf-8") as file:
        known = json.load(file)["losses"]
    if FLAGS.curves:
        with open(FLAGS.curves, encoding="utf-8") as file:
            found = json.load(file)["curves"]
    else:
        found = curves([*known])
    worth = np.array([max(known[loss]["accuracies"][FLAGS.draw]) for loss in found])
    able, rows = worth > 0.5, []
    for name, (octaves, heats) in RACES.items():
        judged = [raced(np.array(reached), octaves, heats) for reached in found.values()]
        values = np.array([value for value, _ in judged])
        rows.append(
            {
                "judged": name,
                "tau": float(kendalltau(values, worth).statistic),
                "of those that learn": float(kendalltau(values[able], worth[able]).statistic),
                "trainings a loss": judged[0][1],
            }
        )
    report(
        f"{len(found)} losses, draw {FLAGS.draw}, noise {FLAGS.noise:g}",
        rows,
        FLAGS.output,
        {"steps": STEPS, "octaves": OCTAVES, "curves": found},
    )


if __name__ == "__main__":
    app.run(main)
