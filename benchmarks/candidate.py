"""Speed of training one candidate, beside Keras and PyTorch.

    python benchmarks/candidate.py --cases=digits,cnn,lenet5 --output=candidate.json

`digits`: candidates per second (300 steps of the digits MLP, and its validation accuracy), with a
new expression for each candidate, and with new coefficients of one expression, beside `compile` and
`fit` of the same. `cnn` and `lenet5`: training steps per second of the paper's MNIST network and
of LeNet-5, beside `Model.fit` on a resident tf.data pipeline and a plain PyTorch loop (extra
`bench`), and the share of the machine's peak, measured in the same round with a large matmul.

Contenders take turns within a round; a ratio is the median over the rounds of our speed by that of
the contender in the same round.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import app, flags
from convolutional import (
    NETWORKS,
    Network,
    flops,
    interleave,
    matmul_peak,
    tensorflow_trainings,
    timed,
    torch_trainings,
)
from digits_task import digits_task
from reporting import report, spread

from glo_tf.training.candidate import Candidate

FLAGS = flags.FLAGS
flags.DEFINE_list("cases", ["digits", "cnn", "lenet5"], "What to measure.")
flags.DEFINE_integer("rounds", 7, "Rounds, after one that is not counted.")
flags.DEFINE_integer("candidates", 20, "Our candidates per round in `digits`; the peer trains 2.")
flags.DEFINE_float("seconds", 3.0, "About how long a contender trains per round, in the others.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

OURS = "glo_tf"


def rows_of(case: str, unit: str, speeds: dict[str, list[float]]) -> list[dict[str, Any]]:
    rows = []
    for name, values in speeds.items():
        ratios = [ours / theirs for ours, theirs in zip(speeds[OURS], values, strict=True)]
        rows.append(
            {
                "case": case,
                "contender": name,
                f"{unit} per second": spread(values, 1),
                "glo_tf is faster by": "" if name == OURS else spread(ratios),
            }
        )
    return rows


def digits() -> list[dict[str, Any]]:
    import keras

    from glo_tf import ExpressionLoss
    from glo_tf.expressions.tree import Expression
    from glo_tf.training.task import TrainingTask
    from glo_tf.training.tensorflow.trainer import CandidateTrainer
    from glo_tf.training.trial import Request

    task = digits_task()
    build, (x_train, y_train) = task["model"], task["train_data"]
    x_validation, y_validation = task["validation_data"]
    one_hot = keras.utils.to_categorical
    default, without_xla = (
        TrainingTask.define(**task, jit_compile=jit).make_trainer() for jit in ("auto", False)
    )
    shuffle = np.random.default_rng(0)
    batches = 300 * 100
    checked = (x_validation, one_hot(y_validation, 10))

    def ours(losses: list[Expression], own: CandidateTrainer) -> Callable[[], float]:
        def measure() -> float:
            began = time.perf_counter()
            for _ in range(FLAGS.candidates):
                own.evaluate(Request(Candidate(losses.pop()), seed=0))
            return FLAGS.candidates / (time.perf_counter() - began)

        return measure

    def peer(losses: list[Expression], fit: Callable[[keras.Model, Any], None]) -> Any:
        def measure() -> float:
            began = time.perf_counter()
            for _ in range(2):
                model = build()
                fit(model, ExpressionLoss(losses.pop()))
                model.evaluate(*checked, batch_size=500, verbose=0)
            return 2 / (time.perf_counter() - began)

        return measure

    def fit_arrays(model: keras.Model, loss: Any) -> None:
        model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
        epochs = batches // len(x_train)
        model.fit(x_train, one_hot(y_train, 10), batch_size=100, epochs=epochs, verbose=0)

    def fit_once(model: keras.Model, loss: Any) -> None:
        """The fastest way that we know to use Keras: one epoch, one call of the compiled step."""
        model.compile(keras.optimizers.SGD(0.1), loss, steps_per_execution=300)
        order = shuffle.integers(0, len(x_train), batches)
        labels = one_hot(y_train[order], 10)
        model.fit(x_train[order], labels, batch_size=100, shuffle=False, verbose=0)

    rows = []
    for case, losses in (("new expression", _expressions()), ("new coefficients", _tuned())):
        needed = (FLAGS.rounds + 1) * (2 * FLAGS.candidates + 4)
        pool = [next(losses) for _ in range(needed)]
        speeds = interleave(
            {
                OURS: ours(pool, default),
                "glo_tf without XLA": ours(pool, without_xla),
                "compile, fit, evaluate": peer(pool, fit_arrays),
                "same, one epoch of 300 steps in one execution": peer(pool, fit_once),
            },
            FLAGS.rounds,
        )
        rows += rows_of(f"digits MLP, {case}", "candidates", speeds)
    return rows


def _expressions() -> Any:
    """Distinct random trees that are worth a training."""
    from glo_tf import plugins
    from glo_tf.data.outputs import Outputs
    from glo_tf.screening.screen import Screen, Verdict
    from glo_tf.search.ask_tell import loss_of
    from glo_tf.search.genetic import evolution

    space = plugins.load("glo_tf.search_spaces", "glo")()
    rng, screen = np.random.default_rng(0), Screen(Outputs.of_classes(10))
    while True:
        trees = evolution.initial_population(space, 1000, rng)
        losses = [loss_of(tree.canonical()) for tree in trees if tree.has_x_and_y]
        for loss, verdict in zip(losses, screen.examine(list(map(Candidate, losses))), strict=True):
            if verdict == Verdict():
                yield loss


def _tuned() -> Any:
    """BaikalCMA's tree with random coefficients around 1."""
    from glo_tf.expressions.tree import Expression

    loss, rng = Expression.parse("-(log(y) - x/y)"), np.random.default_rng(0)
    while True:
        yield loss.with_coefficients(tuple(rng.uniform(0.5, 1.5, loss.size)))


def convolutional(network: Network) -> list[dict[str, Any]]:
    trainings = tensorflow_trainings(network)
    try:
        trainings |= torch_trainings(network)
    except ImportError:
        print("PyTorch is not installed (extra bench): Model.fit is the only peer")
    contenders = {name: timed(training, FLAGS.seconds) for name, training in trainings.items()}
    speeds = interleave({**contenders, "peak": matmul_peak}, FLAGS.rounds)
    peaks = speeds.pop("peak")
    rows = rows_of(network.title, "steps", speeds)
    work = flops(network.build(), network.batch_size)
    for row, values in zip(rows, speeds.values(), strict=True):
        shares = [value * work / peak for value, peak in zip(values, peaks, strict=True)]
        row["share of matmul peak"] = spread(shares)
    peak = spread([value / 1e9 for value in peaks], 0)
    print(f"{network.title}: {work / 1e9:.2f} GFLOP a step; peak {peak}")
    return rows


def main(_: list[str]) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    cases: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "digits": digits,
        "cnn": lambda: convolutional(NETWORKS["cnn"]),
        "lenet5": lambda: convolutional(NETWORKS["lenet5"]),
    }
    unknown = sorted(set(FLAGS.cases) - set(cases))
    if unknown:
        raise app.UsageError(f"Expected cases out of {', '.join(cases)}. Received: {unknown}")
    rows = [row for case in FLAGS.cases for row in cases[case]()]
    columns = dict.fromkeys(column for row in rows for column in row)
    report(
        "Speed of one candidate's training: median of the rounds (range)",
        [{column: row.get(column, "") for column in columns} for row in rows],
        FLAGS.output,
    )


if __name__ == "__main__":
    app.run(main)
