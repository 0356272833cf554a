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


class Trainings:
    """Trains losses on the task, each at a learning rate of its own if that is asked for."""

    def __init__(self) -> None:
        from glo_tf.losses.baselines import usual_loss
        from glo_tf.training.task import TrainingTask

        self.task = TrainingTask.define(**TASKS[FLAGS.task]())
        self._trainer: Any = self.task.make_trainer()
        self._seeds = [int(seed) for seed in FLAGS.seeds]
        self._rates: dict[Any, float] = {}
        self._expected: Any = None
        self.up_to_scale: float | None = None
        _, usual = usual_loss(self.task.outputs)
        if FLAGS.own_rates:
            self._look_for_rates()
            self.give_rate(usual)
        known = [self.once(usual, seed).fitness for seed in NOISE_SEEDS]
        self.good_from = statistics.fmean(known) - MARGIN
        self.noise = 2 * statistics.stdev(known)

    def _look_for_rates(self) -> None:
        """Where learning rates are looked for, and what `Screen` is told of factors."""
        from glo_tf.comparison.expected_rates import ExpectedRates
        from glo_tf.search.reference_rate import tune_reference
        from glo_tf.training.step_length import measure_step_length

        task = self.task
        tuned = tune_reference(lambda requests: map(self._trainer.evaluate, requests), task, [0])
        steps = measure_step_length(task.optimizer)
        self._expected = ExpectedRates(tuned.learning_rate, steps.exponent, task.outputs)
        self.up_to_scale = steps.exponent if steps.exact and not task.has_penalties else None

    def give_rate(self, loss: Any, origin: Any = None) -> None:
        """Its own, or what makes up for the factor between it and a loss that it inherits from."""
        if self._expected is not None:
            self._rates[loss] = (
                self._expected.of(loss)
                if origin is None
                else self._expected.taken_over(self._rates[origin], origin, loss)
            )

    def once(self, loss: Any, seed: int, *, stop_at_chance: bool = False) -> Any:
        """One evaluation."""
        from glo_tf.training.trial import Request

        candidate = Candidate(loss, Hyperparameters(self._rates.get(loss)))
        return self._trainer.evaluate(Request(candidate, seed=seed, stop_at_chance=stop_at_chance))

    def fitnesses(self, loss: Any) -> list[float]:
        """With each of the seeds."""
        return [self.once(loss, seed).fitness for seed in self._seeds]

    def stopped(self, loss: Any) -> list[bool]:
        """Whether early stopping ends its training, with each of the seeds."""
        from glo_tf.training.trial import Status

        early = [self.once(loss, seed, stop_at_chance=True) for seed in self._seeds]
        return [result.status == Status.STOPPED for result in early]

    def differ(self, one: Any, other: Any, off: float) -> bool:
        """Whether a shared result is false: off by more than noise, with further seeds, too."""
        from scipy.stats import ttest_rel

        if off <= self.noise or self._expected is None:
            return off > self.noise
        fitnesses = [
            [self.once(loss, seed).fitness for seed in NOISE_SEEDS] for loss in (one, other)
        ]
        print(f"{one} beside {other} with ten seeds: {fitnesses}", file=sys.stderr, flush=True)
        return bool(ttest_rel(*fitnesses).pvalue < 0.01)


class Fates:
    """What the screen says of losses, held against their trainings."""

    def __init__(self, trainings: Trainings) -> None:
        self._trainings = trainings
        self._trained: dict[Any, list[float]] = {}
        self._trees: collections.Counter[str] = collections.Counter()
        self._good: collections.Counter[str] = collections.Counter()
        self._false: collections.Counter[str] = collections.Counter()
        self._highest: dict[str, float] = collections.defaultdict(float)
        self.furthest_off = 0.0

    def count(self, loss: Any, verdict: Any) -> None:
        """Trains a loss; those that it may inherit from come before."""
        origin = verdict.inherits_from and verdict.inherits_from.loss
        self._trainings.give_rate(loss, origin)
        fitnesses = self._trained[loss] = self._trainings.fitnesses(loss)
        fate, wrong = self._fate(loss, verdict.rejection, origin)
        good = max(fitnesses) >= self._trainings.good_from
        self._trees[fate] += 1
        self._good[fate] += good
        self._false[fate] += good and wrong
        self._highest[fate] = max(self._highest[fate], *fitnesses)
        if good and wrong:
            print(f"FALSE: {loss}  {fate}  {fitnesses}", flush=True)

    def _fate(self, loss: Any, rejection: str | None, origin: Any) -> tuple[str, bool]:
        """What becomes of a loss, and whether that is wrong if it is a good one."""
        if rejection:
            return rejection, True
        own = self._trained[loss]
        if origin:
            pairs = zip(own, self._trained[origin], strict=True)
            off = max(abs(fitness - given) for fitness, given in pairs)
            self.furthest_off = max(self.furthest_off, off)
            return "inherited", self._trainings.differ(loss, origin, off)
        ended = self._trainings.stopped(loss)
        least = self._trainings.good_from
        wrong = any(stop and fit >= least for stop, fit in zip(ended, own, strict=True))
        return "stopped early" if any(ended) else "trained", wrong

    def rows(self) -> list[dict[str, Any]]:
        """Of each fate, and of all."""
        counted = {fate: [fate] for fate in self._trees}
        return [
            {
                "fate": name,
                "trees": sum(self._trees[fate] for fate in fates),
                "good": sum(self._good[fate] for fate in fates),
                "false": sum(self._false[fate] for fate in fates),
                "highest fitness": max(self._highest[fate] for fate in fates),
            }
            for name, fates in {**counted, "all": [*counted]}.items()
        ]


def main(_: list[str]) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from glo_tf.screening.screen import Screen

    trainings = Trainings()
    losses = random_losses()
    screen = Screen(trainings.task.outputs, up_to_scale=trainings.up_to_scale)
    began = time.perf_counter()
    verdicts = screen.examine([Candidate(loss) for loss in losses])
    each = (time.perf_counter() - began) / len(losses)
    fates = Fates(trainings)
    for number, (loss, verdict) in enumerate(zip(losses, verdicts, strict=True), start=1):
        fates.count(loss, verdict)
        if number % 500 == 0:
            print(f"{number} of {len(losses)}", file=sys.stderr, flush=True)
    report(
        f"Good from {trainings.good_from:.4f}; seed noise {trainings.noise:.4f}; largest "
        f"difference to an inherited fitness {fates.furthest_off:.4f}; "
        f"screening {1000 * each:.2f} ms a tree",
        fates.rows(),
        FLAGS.output,
    )


if __name__ == "__main__":
    app.run(main)
