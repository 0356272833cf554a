"""What the invariant of `taylor` refuses, and whether that could have trained a network.

    python benchmarks/taylor_invariant.py --polynomials=1000 --output=taylor_invariant.json

Random polynomials, their parameters normal with the standard deviation that the search starts
with, all train an MLP on digits. Beside the invariant there are the inequality of TaylorGLO's own
program, f'(1, 1/C) - f'(0, 1/C) >= (C - 2) f'(0, 1/C), and the screen that all search spaces have.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from absl import app, flags
from digits_task import digits_task
from reporting import report

from glo_tf.training.candidate import Candidate

FLAGS = flags.FLAGS
flags.DEFINE_integer("polynomials", 1000, "How many.")
flags.DEFINE_float("trains", 0.5, "Accuracy from which on a network counts as trained.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

CLASSES = 10


def authors_inequality(theta: np.ndarray) -> bool:
    """In closed form."""

    def slope(x: float) -> float:
        u, v = x - theta[0], 1.0 / CLASSES - theta[1]
        of_y = theta[2] + theta[3] * v + theta[4] * v**2 / 2
        return float(of_y + theta[5] * u + theta[6] * u * v + theta[7] * u**2 / 2)

    return slope(1.0) - slope(0.0) >= (CLASSES - 2) * slope(0.0)


def main(_: list[str]) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from glo_tf.data.outputs import Outputs
    from glo_tf.screening.screen import Screen
    from glo_tf.search.ask_tell import loss_of
    from glo_tf.search.spaces.taylor import lifts_the_label, polynomial, taylor
    from glo_tf.training.task import TrainingTask
    from glo_tf.training.trial import Request

    trainer = TrainingTask.define(**digits_task()).make_trainer()
    outputs = Outputs.of_classes(CLASSES)
    sigma0 = taylor().coefficient_sigma0
    thetas = np.random.default_rng(0).normal(0.0, sigma0, (FLAGS.polynomials, 8))
    losses = [loss_of(polynomial(theta.tolist())) for theta in thetas]
    accuracies = np.array(
        [trainer.evaluate(Request(Candidate(loss), 0)).fitness for loss in losses]
    )
    passes = {
        "invariant of taylor": [lifts_the_label(loss, CLASSES) for loss in losses],
        "the authors' inequality": [authors_inequality(theta) for theta in thetas],
        "screening": [
            Screen(outputs).examine([Candidate(loss)])[0].rejection is None for loss in losses
        ],
    }
    trains = accuracies > FLAGS.trains
    rows: list[dict[str, Any]] = []
    for name, flags_of_losses in passes.items():
        passing = np.array(flags_of_losses)
        rows.append(
            {
                "condition": name,
                "polynomials": len(losses),
                "that train": int(trains.sum()),
                "pass": int(passing.sum()),
                "pass and train": int((passing & trains).sum()),
                "refused, but train": int((~passing & trains).sum()),
                "best accuracy refused": float(accuracies[~passing].max()),
            }
        )
    report("Polynomials that train, and conditions on them", rows, FLAGS.output)


if __name__ == "__main__":
    app.run(main)
