"""What screening would have cost: random trees that it does not train, trained for real.

    python benchmarks/screening_audit.py --trees=6000 --output=screening_audit.json
    python benchmarks/screening_audit.py --task=diabetes --search_space=glo_extended
    python benchmarks/screening_audit.py --task=long_tail --search_space=glo_long_tail --trees=1000

Distinct random trees of a search space, of several depths, and good losses whose coefficients were
drawn as CMA-ES first draws them (`--perturbed`), are screened as one search would. Each
is then trained in full with every seed on digits (an MLP of 64 units, 300 steps, SGD 0.1) or on
diabetes (a regression; an MLP of 16 units, 300 steps, SGD 0.01), or on a long tail of digits, of
ratio 20 with balanced validation data. A tree is good if it reaches the
mean fitness of the usual loss less 0.02 with any seed. Counted as false are good trees that were
rejected, trainings that would have been stopped early and turned out good, and good trees whose
fitness was inherited from a loss that differs from it by more than seed noise (twice the standard
deviation of the usual loss's fitness over ten seeds) with the same seed. With `--own_rates` each
is trained at a learning rate of its own, as where a search looks for them first, and losses with
proportional gradients share a result: the rate of a loss that inherits is what makes up for the
factor. At high rates trainings amplify rounding: a rate that is larger by a millionth makes as much
as seed noise. So a result is false there only if it differs with ten further seeds as well (paired
t-test, p < 0.01).
"""

from __future__ import annotations

import collections
import dataclasses
import os
import statistics
import sys
import time
from typing import Any

import numpy as np
from absl import app, flags
from diabetes_task import diabetes_task
from digits_task import digits_task
from long_tail_digits import long_tail_digits
from reporting import report

from glo_tf.training.candidate import Candidate, Hyperparameters

FLAGS = flags.FLAGS
flags.DEFINE_integer("trees", 6000, "Distinct random trees.")
flags.DEFINE_enum(
    "task", "digits", ["digits", "diabetes", "long_tail"], "What networks are trained on."
)
flags.DEFINE_string("search_space", "glo", "Registered search space.")
flags.DEFINE_integer(
    "perturbed",
    0,
    "Good losses with random coefficients, as CMA-ES draws them, added to the trees.",
)
flags.DEFINE_list("depths", ["2", "3", "4"], "Largest depths of the trees, in edges, in turn.")
flags.DEFINE_list("seeds", ["0", "1"], "Seeds of the trainings.")
flags.DEFINE_bool("own_rates", False, "Whether each loss has a learning rate of its own.")
flags.DEFINE_integer("draw", 0, "Seed of the trees.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

GOOD = {
    "digits": ("-(x*log(y))", "-(log(y) - x/y)", "square(x - y)"),
    "diabetes": ("square(x - y)", "abs(x - y)", "y*(y - x - x)"),
    "long_tail": ("-(x*log(y))", "-(x*log(y)/n)", "-(x*log(y*n/total(y*n)))"),
}
MARGIN = 0.02  # below the usual loss
TASKS = {
    "digits": digits_task,
    "diabetes": diabetes_task,
    "long_tail": lambda: {
        "train_steps": 300,
        **long_tail_digits(0, 20.0, units=64, held_out=60),
    },
}
NOISE_SEEDS = range(100, 110)


def random_losses() -> list[Any]:
    """Distinct losses with x and y in them, up to the order of operands."""
    from glo_tf import plugins
    from glo_tf.expressions.tree import Expression
    from glo_tf.search.ask_tell import loss_of

    space = plugins.load("glo_tf.search_spaces", FLAGS.search_space)()
    spaces = [dataclasses.replace(space, max_initial_depth=int(d)) for d in FLAGS.depths]

    rng = np.random.default_rng(FLAGS.draw)
    found: dict[Any, None] = {}
    while len(found) < FLAGS.trees:
        for each in spaces:
            tree = Expression(each.draw_tree(rng))
            if tree.has_x_and_y:
                found[loss_of(tree.canonical())] = None
    losses = list(found)[: FLAGS.trees]
    good = [Expression.parse(text) for text in GOOD[FLAGS.task]]
    for number in range(FLAGS.perturbed):
        loss = good[number % len(good)]
        coefficients = rng.normal(1.0, 0.7, loss.size)
        losses.append(loss.with_coefficients(coefficients.tolist()))
    return losses


def own_rates(task: Any, trainer: Any) -> tuple[Any, float | None]:
    """Where learning rates are looked for, and what `Screen` is told of factors."""
    from glo_tf.comparison.expected_rates import ExpectedRates
    from glo_tf.search.reference_rate import tune_reference
    from glo_tf.training.step_length import measure_step_length

    tuned = tune_reference(lambda requests: map(trainer.evaluate, requests), task, [0])
    steps = measure_step_length(task.optimizer)
    expected = ExpectedRates(tuned.learning_rate, steps.exponent, task.outputs)
    return expected, steps.exponent if steps.exact and not task.has_penalties else None


def main(_: list[str]) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from scipy.stats import ttest_rel

    from glo_tf.losses.baselines import usual_loss
    from glo_tf.screening.screen import Screen
    from glo_tf.training.task import TrainingTask
    from glo_tf.training.trial import Request, Status

    task = TrainingTask.define(**TASKS[FLAGS.task]())
    trainer = task.make_trainer()
    seeds = [int(seed) for seed in FLAGS.seeds]
    _, usual = usual_loss(task.outputs)
    expected, up_to_scale = own_rates(task, trainer) if FLAGS.own_rates else (None, None)
    rates: dict[Any, float] = {}

    def trained_with(loss: Any, seed: int, *, stop_at_chance: bool = False) -> Any:
        candidate = Candidate(loss, Hyperparameters(rates.get(loss)))
        return trainer.evaluate(Request(candidate, seed=seed, stop_at_chance=stop_at_chance))

    def differ(one: Any, other: Any) -> bool:
        fitnesses = [
            [trained_with(loss, seed).fitness for seed in NOISE_SEEDS] for loss in (one, other)
        ]
        print(f"{one} beside {other} with ten seeds: {fitnesses}", file=sys.stderr, flush=True)
        return bool(ttest_rel(*fitnesses).pvalue < 0.01)

    if expected is not None:
        rates[usual] = expected.of(usual)
    known = [trained_with(usual, seed).fitness for seed in NOISE_SEEDS]
    good_from = statistics.fmean(known) - MARGIN
    noise = 2 * statistics.stdev(known)

    losses = random_losses()
    screen = Screen(task.outputs, up_to_scale=up_to_scale)
    began = time.perf_counter()
    verdicts = dict(zip(losses, screen.examine([Candidate(loss) for loss in losses]), strict=True))
    each = (time.perf_counter() - began) / len(losses)

    trained: dict[Any, list[float]] = {}
    counts: collections.Counter[str] = collections.Counter()
    good: collections.Counter[str] = collections.Counter()
    false: collections.Counter[str] = collections.Counter()
    largest: dict[str, float] = collections.defaultdict(float)
    for number, (loss, verdict) in enumerate(verdicts.items(), start=1):
        if expected is not None:
            origin = verdict.inherits_from and verdict.inherits_from.loss
            rates[loss] = (
                expected.taken_over(rates[origin], origin, loss) if origin else expected.of(loss)
            )
        fitnesses = [trained_with(loss, seed).fitness for seed in seeds]
        trained[loss] = fitnesses
        is_good = max(fitnesses) >= good_from
        if verdict.rejection:
            fate, wrong = verdict.rejection, True
        elif verdict.inherits_from:
            given = trained[verdict.inherits_from.loss]
            off = max(abs(own - other) for own, other in zip(fitnesses, given, strict=True))
            fate, wrong = "inherited", off > noise
            if wrong and expected is not None:
                wrong = differ(loss, verdict.inherits_from.loss)
            largest["inherited, off by"] = max(largest["inherited, off by"], off)
        else:
            early = [trained_with(loss, seed, stop_at_chance=True) for seed in seeds]
            ended = [result.status == Status.STOPPED for result in early]
            wrong = any(
                stop and fit >= good_from for stop, fit in zip(ended, fitnesses, strict=True)
            )
            fate = "stopped early" if any(ended) else "trained"
        counts[fate] += 1
        good[fate] += is_good
        false[fate] += is_good and wrong
        largest[fate] = max(largest[fate], *fitnesses)
        if is_good and wrong:
            print(f"FALSE: {loss}  {fate}  {fitnesses}", flush=True)
        if number % 500 == 0:
            print(f"{number} of {len(losses)}", file=sys.stderr, flush=True)
    rows = [
        {
            "fate": fate,
            "trees": counts[fate],
            "good": good[fate],
            "false": false[fate],
            "highest fitness": largest[fate],
        }
        for fate in counts
    ]
    rows.append(
        {
            "fate": "all",
            "trees": sum(counts.values()),
            "good": sum(good.values()),
            "false": sum(false.values()),
            "highest fitness": max(largest[fate] for fate in counts),
        }
    )
    report(
        f"Good from {good_from:.4f}; seed noise {noise:.4f}; largest difference to an inherited "
        f"fitness {largest['inherited, off by']:.4f}; screening {1000 * each:.2f} ms a tree",
        rows,
        FLAGS.output,
    )


if __name__ == "__main__":
    app.run(main)
