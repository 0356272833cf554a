"""Whether the TensorFlow and the JAX trainer judge losses alike, within the noise of seeds.

    python benchmarks/trainers_agree.py --output=trainers_agree.json

Random losses that can learn, and a few known ones, each at its own step size (0.1 divided by
`glo_tf.gradient_scale`), are trained on digits with the same seeds by both trainers. The backends
draw other weights from the same seed, so fitness can agree within the noise of seeds only. How much
that is shows the TensorFlow trainer itself, with other seeds. "Different" counts losses whose means
differ by a t-test at 5 %, which alike ones do once in twenty; tau is Kendall's, of the losses that
are above chance by three standard errors in both groups.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np
from absl import app, flags
from digits_task import digits_task
from distinct_losses import distinct_losses
from reporting import report

FLAGS = flags.FLAGS
flags.DEFINE_integer("losses", 100, "Random losses beside the known ones.")
flags.DEFINE_integer("seeds", 10, "Trainings of a loss in each group.")
flags.DEFINE_integer("train_steps", 300, "Of each training.")
flags.DEFINE_integer("lanes", 16, "Of the JAX trainer.")
flags.DEFINE_string("trained", None, "Where a process of one backend writes what it trained.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

_RATE = 0.1
_TENSORFLOW, _JAX = "tensorflow", "jax"


def train(seeds: range) -> dict[str, Any]:
    """Fitness of every loss with every seed, on Keras's backend, and what is at chance."""
    import keras

    from glo_tf.screening.scale import relative_scale
    from glo_tf.training.candidate import Candidate, Hyperparameters
    from glo_tf.training.task import TrainingTask
    from glo_tf.training.trial import Request

    on_jax = keras.backend.backend() == _JAX
    settings = {**digits_task(), "train_steps": FLAGS.train_steps}
    task = TrainingTask.define(**settings, **({"lanes": FLAGS.lanes} if on_jax else {}))
    requests = {}
    for loss in distinct_losses(task.outputs, FLAGS.losses):
        rate = _RATE / relative_scale(loss, task.outputs)
        for seed in seeds:
            requests[Request(Candidate(loss, Hyperparameters(rate)), seed)] = str(loss), seed
    trainer = task.make_trainer()
    found = (
        trainer.evaluate_many(iter(requests))
        if on_jax
        else ((request, trainer.evaluate(request)) for request in requests)
    )
    fitness: dict[str, dict[int, float]] = {}
    for request, evaluation in found:
        loss, seed = requests[request]
        fitness.setdefault(loss, {})[seed] = evaluation.fitness
    labels = settings["validation_data"][1]
    share = np.bincount(labels).max() / len(labels)
    return {
        "fitness": {loss: [of[seed] for seed in seeds] for loss, of in sorted(fitness.items())},
        "above chance": float(share + 3 * np.sqrt(share * (1 - share) / len(labels))),
    }


def trained_by(backend: str, folder: str) -> dict[str, Any]:
    """What a process on another backend trains."""
    path = pathlib.Path(folder, f"{backend}.json")
    subprocess.run(
        [sys.executable, *sys.argv, f"--trained={path}"],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        check=True,
    )
    return dict(json.loads(path.read_text()))


def compared(name: str, one: np.ndarray, other: np.ndarray, above: float) -> dict[str, Any]:
    """A row: two groups of trainings `(losses, seeds)`."""
    from scipy import stats

    means = one.mean(axis=1), other.mean(axis=1)
    spread = (one.std(axis=1) + other.std(axis=1)) > 0
    p_values = stats.ttest_ind(one[spread], other[spread], axis=1, equal_var=False).pvalue
    good = (means[0] > above) & (means[1] > above)
    differences = np.abs(means[0] - means[1])
    return {
        "groups": name,
        "losses": len(one),
        "seeds": one.shape[1],
        "different (5 % expected)": int(
            (p_values < 0.05).sum() + (differences[~spread] > 0.0).sum()
        ),
        "median difference of means": float(np.median(differences)),
        "mean of one less the other": float((means[0] - means[1]).mean()),
        "above chance": int(good.sum()),
        "Kendall's tau of these": float(stats.kendalltau(means[0][good], means[1][good]).statistic),
    }


def main(_: list[str]) -> None:
    if FLAGS.trained:
        import keras

        # TensorFlow's second group is as large as the first, and of other seeds.
        groups = 2 if keras.backend.backend() == _TENSORFLOW else 1
        pathlib.Path(FLAGS.trained).write_text(json.dumps(train(range(groups * FLAGS.seeds))))
        return
    with tempfile.TemporaryDirectory() as folder:
        on_tensorflow, on_jax = (trained_by(name, folder) for name in (_TENSORFLOW, _JAX))
    losses = list(on_tensorflow["fitness"])
    if losses != list(on_jax["fitness"]):
        raise SystemExit("Expected the same losses on both backends.")
    first, again = np.split(np.array(list(on_tensorflow["fitness"].values())), 2, axis=1)
    jax = np.array(list(on_jax["fitness"].values()))
    above = on_tensorflow["above chance"]
    rows = [
        compared("TensorFlow, JAX", first, jax, above),
        compared("TensorFlow, TensorFlow with other seeds", first, again, above),
    ]
    fitness = {
        loss: {"tensorflow": on_tensorflow["fitness"][loss], "jax": on_jax["fitness"][loss]}
        for loss in losses
    }
    report("Fitness of the same losses by both trainers", rows, FLAGS.output, {"losses": fitness})


if __name__ == "__main__":
    app.run(main)
