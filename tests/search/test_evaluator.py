"""What a generation costs: trained, inherited, rejected, raced; with a trainer that counts."""

import collections
from collections.abc import Iterator
from typing import ClassVar

import pytest

from glo_tf.data.outputs import Outputs
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.study import Study
from glo_tf.expressions.tree import Expression
from glo_tf.screening.screen import Screen
from glo_tf.search.evaluator import CandidateEvaluator, Outcome
from glo_tf.search.heats import heats
from glo_tf.strategies.local import LocalStrategy
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.trial import Evaluation, Request

OUTPUTS = Outputs.of_classes(10)

CROSS_ENTROPY = Expression.parse("-(x*log(y))")
BAIKAL = Expression.parse("-(log(y) - x/y)")
SHIFTED = Expression.parse("-(1 + (log(y) - x/y))")
HOPELESS = Expression.parse("x*log(y)")
SQUARE = Expression.parse("square(x - y)")


class TableTask:
    """Fitness from a table, growing with the steps; a loss that is not in it ends non-finite."""

    description: ClassVar = {"train_steps": 90}
    threads = 1
    lanes = 1

    def __init__(self, table: dict[Expression, float], train_steps: int = 90) -> None:
        self.table = table
        self.by_seed: dict[tuple[Expression, int], float] = {}
        self.train_steps = train_steps
        self.calls: list[tuple[Expression, int]] = []

    def prepare_process(self) -> None:
        raise AssertionError("only for processes of their own")

    def make_trainer(self) -> "TableTask":
        return self

    def evaluate(self, request: Request, check=None) -> Evaluation:
        loss, seed = request.loss, request.seed
        steps = request.train_steps or self.train_steps
        self.calls.append((loss, steps))
        if self.by_seed.get((loss, seed), self.table.get(loss)) is None:
            return Evaluation(request.candidate, seed, 0.0, "non_finite", steps=1, seconds=0.0)
        fitness = self.by_seed.get((loss, seed), self.table[loss])
        if request.stop_at_chance and fitness <= 0.1:
            return Evaluation(
                request.candidate, seed, fitness, "stopped", steps=steps // 4, seconds=0.0
            )
        share = steps / self.train_steps
        fitness *= share
        values = {"accuracy": fitness, "error": 10 - fitness}
        return Evaluation(request.candidate, seed, fitness, "ok", steps, seconds=0.0, values=values)


def make_evaluator(task: TableTask, *, seeds=(0,), **arguments) -> CandidateEvaluator:
    study = Study.in_memory(task.description)
    return CandidateEvaluator(Dispatcher(task, LocalStrategy(), study), seeds=seeds, **arguments)


def outcomes_of(evaluator: CandidateEvaluator, losses) -> Iterator[Outcome]:
    return evaluator.evaluate([Candidate(loss) for loss in losses])


def test_without_a_screen_every_distinct_loss_with_x_and_y_is_trained() -> None:
    task = TableTask({CROSS_ENTROPY: 0.9, BAIKAL: 0.8, SHIFTED: 0.7})
    losses = [CROSS_ENTROPY, BAIKAL, CROSS_ENTROPY, SHIFTED, HOPELESS, Expression.parse("y")]
    outcomes = list(outcomes_of(make_evaluator(task), losses))
    assert [outcome.source for outcome in outcomes] == [
        "trained",
        "trained",
        "cached",
        "trained",
        "failed",
        "untrained",
    ]
    assert [outcome.evaluation.fitness for outcome in outcomes] == [0.9, 0.8, 0.9, 0.7, 0.0, 0.0]
    assert [outcome.steps for outcome in outcomes] == [90, 90, 0, 90, 1, 0]
    assert [loss for loss, _ in task.calls] == [CROSS_ENTROPY, BAIKAL, SHIFTED, HOPELESS]


def test_a_loss_inherits_from_the_one_that_trains_alike_and_says_so() -> None:
    task = TableTask({BAIKAL: 0.8})
    evaluator = make_evaluator(task, screen=Screen(OUTPUTS))
    outcomes = list(outcomes_of(evaluator, [BAIKAL, SHIFTED, SHIFTED]))
    assert [outcome.source for outcome in outcomes] == ["trained", "inherited", "cached"]
    assert {outcome.evaluation.fitness for outcome in outcomes} == {0.8}
    assert [outcome.evaluation.inherited_from for outcome in outcomes] == [
        None,
        *2 * [Candidate(BAIKAL)],
    ]
    assert [outcome.evaluation.loss for outcome in outcomes] == [BAIKAL, SHIFTED, SHIFTED]
    # So it does in a later generation.
    again = Expression.parse("-(log(2*y) - x/y)")
    (outcome,) = outcomes_of(evaluator, [again])
    assert (outcome.source, outcome.evaluation.inherited_from) == ("inherited", Candidate(BAIKAL))
    assert task.calls == [(BAIKAL, 90)]


def test_what_is_inherited_may_be_a_failure() -> None:
    task = TableTask({})
    outcomes = list(outcomes_of(make_evaluator(task, screen=Screen(OUTPUTS)), [BAIKAL, SHIFTED]))
    assert [outcome.source for outcome in outcomes] == ["failed", "inherited"]
    assert {outcome.evaluation.status for outcome in outcomes} == {"non_finite"}


def test_a_rejected_loss_costs_nothing() -> None:
    task = TableTask({CROSS_ENTROPY: 0.9})
    outcomes = list(
        outcomes_of(
            make_evaluator(task, screen=Screen(OUTPUTS)), [HOPELESS, CROSS_ENTROPY, HOPELESS]
        )
    )
    assert [outcome.source for outcome in outcomes] == ["rejected", "trained", "cached"]
    rejected = outcomes[0]
    assert (rejected.evaluation.fitness, rejected.evaluation.status) == (0.0, "rejected")
    assert rejected.steps == 0
    assert task.calls == [(CROSS_ENTROPY, 90)]


def test_a_training_at_chance_is_told_from_one_that_failed() -> None:
    task = TableTask({BAIKAL: 0.1})
    (outcome,) = outcomes_of(make_evaluator(task, stop_at_chance=True), [BAIKAL])
    assert (outcome.source, outcome.evaluation.status) == ("stopped", "stopped")
    assert (outcome.steps, outcome.evaluation.fitness) == (22, 0.1)


def test_a_race_trains_the_best_in_full() -> None:
    table = {Expression.parse(f"-(x*log(y)) + {number}*y*y"): number / 10 for number in range(9)}
    task = TableTask(table)
    evaluator = make_evaluator(task, heats=heats(90))
    outcomes = list(outcomes_of(evaluator, [*table, BAIKAL]))
    steps = collections.Counter(steps for _, steps in task.calls)
    assert steps == {10: 10, 30: 4, 90: 2}
    by_loss = {outcome.evaluation.loss: outcome for outcome in outcomes}
    best, worst = max(table, key=table.__getitem__), min(table, key=table.__getitem__)
    assert (by_loss[best].source, by_loss[best].evaluation.fitness) == ("trained", 0.8)
    assert (by_loss[worst].source, by_loss[worst].evaluation.status) == ("stopped", "stopped")
    assert by_loss[BAIKAL].source == "failed"
    # A longer training goes on where the shorter one ended, so its steps are all that it costs.
    assert collections.Counter(outcome.steps for outcome in outcomes) == {10: 5, 30: 2, 90: 2, 1: 1}
    (again,) = outcomes_of(evaluator, [worst])
    assert (again.source, again.steps) == ("cached", 0)


def test_a_candidate_races_against_earlier_ones_too() -> None:
    table = {Expression.parse(f"-(x*log(y)) + {number}*y*y"): number / 10 for number in range(9)}
    task = TableTask(table)
    evaluator = make_evaluator(task, heats=heats(90))
    *first, middling, best = table
    list(outcomes_of(evaluator, [*first, best]))
    (late,) = outcomes_of(evaluator, [middling])
    assert (late.source, late.steps) == ("trained", 90)
    poor = Expression.parse("-(x*log(y)) + 7.5*y")
    task.table[poor] = 0.05
    (late,) = outcomes_of(evaluator, [poor])
    assert (late.source, late.steps) == ("stopped", 10)


def test_fitness_is_the_mean_over_the_seeds() -> None:
    task = TableTask({BAIKAL: 0.8, CROSS_ENTROPY: 0.9, SQUARE: 0.5})
    task.by_seed = {(BAIKAL, 5): 0.6, (BAIKAL, 6): 0.1}
    evaluator = make_evaluator(task, seeds=(4, 5, 6), screen=Screen(OUTPUTS))
    outcomes = list(outcomes_of(evaluator, [BAIKAL, CROSS_ENTROPY, SHIFTED]))
    assert [o.evaluation.fitness for o in outcomes] == pytest.approx([0.5, 0.9, 0.5])
    assert [o.source for o in outcomes] == ["trained", "trained", "inherited"]
    assert [o.steps for o in outcomes] == [270, 270, 0]
    assert len(task.calls) == 6


@pytest.mark.parametrize(
    ("seed", "fitness", "status", "trainings"),
    [(4, None, "non_finite", 1), (5, None, "non_finite", 2), (5, 0.1, "stopped", 2)],
)
def test_a_training_that_does_not_succeed_is_the_candidates_result(
    seed, fitness, status, trainings
) -> None:
    task = TableTask({BAIKAL: 0.8, CROSS_ENTROPY: 0.9})
    task.by_seed = {(BAIKAL, seed): fitness}
    evaluator = make_evaluator(task, seeds=(4, 5, 6), stop_at_chance=True)
    outcomes = list(outcomes_of(evaluator, [CROSS_ENTROPY, BAIKAL, SQUARE]))
    assert [o.evaluation.status for o in outcomes] == ["ok", status, "non_finite"]
    assert [o.evaluation.fitness for o in outcomes] == pytest.approx([0.9, fitness or 0.0, 0.0])
    assert [loss for loss, _ in task.calls].count(BAIKAL) == trainings
    assert outcomes[1].evaluation.seed == 4
    assert outcomes[0].evaluation.values == pytest.approx({"accuracy": 0.9, "error": 9.1})
    assert outcomes[1].evaluation.values == {}
    assert [loss for loss, _ in task.calls].count(CROSS_ENTROPY) == 3


def test_values_are_the_means_of_the_values_and_inherited_with_the_fitness() -> None:
    task = TableTask({BAIKAL: 0.8})
    task.by_seed = {(BAIKAL, 0): 0.5, (BAIKAL, 1): 0.25}
    evaluator = make_evaluator(task, seeds=(0, 1), screen=Screen(OUTPUTS))
    outcomes = list(outcomes_of(evaluator, [BAIKAL, SHIFTED, BAIKAL]))
    assert [outcome.source for outcome in outcomes] == ["trained", "inherited", "cached"]
    for outcome in outcomes:
        assert outcome.evaluation.fitness == 0.375
        assert outcome.evaluation.values == {"accuracy": 0.375, "error": 9.625}


def test_heats_run_with_the_first_seed() -> None:
    table = {Expression.parse(f"-(x*log(y)) + {number}*y*y"): number / 10 for number in range(9)}
    task = TableTask(table)
    outcomes = list(outcomes_of(make_evaluator(task, seeds=(0, 1), heats=heats(90)), [*table]))
    assert collections.Counter(steps for _, steps in task.calls) == {10: 9, 30: 3, 90: 2}
    (winner,) = (o for o in outcomes if o.source == "trained")
    assert (winner.steps, winner.evaluation.fitness) == (180, 0.8)


@pytest.mark.parametrize(("steps", "expected"), [(90, (10, 30)), (5, (1,)), (2, ())])
def test_heats_take_a_ninth_and_a_third_of_the_steps(steps: int, expected) -> None:
    assert heats(steps) == expected


def test_what_the_first_generation_left_out_is_trained_when_a_loss_inherits_from_it() -> None:
    task, screen = TableTask({BAIKAL: 0.8, CROSS_ENTROPY: 0.9}), Screen(OUTPUTS)
    screen.examine([Candidate(BAIKAL)])
    outcomes = list(outcomes_of(make_evaluator(task, screen=screen), [CROSS_ENTROPY, SHIFTED]))
    assert [outcome.source for outcome in outcomes] == ["trained", "inherited"]
    assert [outcome.evaluation.fitness for outcome in outcomes] == [0.9, 0.8]
    assert task.calls == [(CROSS_ENTROPY, 90), (BAIKAL, 90)]


@pytest.mark.parametrize("screen", [None, Screen(OUTPUTS)])
def test_what_violates_an_invariant_is_neither_trained_nor_screened(screen: Screen | None) -> None:
    task = TableTask({CROSS_ENTROPY: 0.9, BAIKAL: 0.8, SHIFTED: 0.7})
    evaluator = make_evaluator(task, screen=screen, invariant=lambda loss: loss != BAIKAL)
    # SHIFTED has the gradients of BAIKAL, which it would inherit from.
    outcomes = list(outcomes_of(evaluator, [BAIKAL, SHIFTED, CROSS_ENTROPY, BAIKAL]))
    assert [outcome.source for outcome in outcomes] == ["rejected", "trained", "trained", "cached"]
    assert [outcome.evaluation.fitness for outcome in outcomes] == [0.0, 0.7, 0.9, 0.0]
    assert outcomes[0].evaluation.status == "rejected"


def test_hyperparameters_make_a_candidate_of_its_own() -> None:
    task = TableTask({BAIKAL: 0.8, CROSS_ENTROPY: 0.9})
    evaluator = make_evaluator(task, screen=Screen(OUTPUTS))
    plain, slow, fast = (Candidate(BAIKAL, Hyperparameters(r)) for r in (None, 0.01, 0.1))
    alike = Candidate(SHIFTED, Hyperparameters(0.1))
    outcomes = list(evaluator.evaluate([plain, slow, fast, alike, slow]))
    sources = ["trained", "trained", "trained", "inherited", "cached"]
    assert [outcome.source for outcome in outcomes] == sources
    candidates = [outcome.evaluation.candidate for outcome in outcomes]
    assert candidates == [plain, slow, fast, alike, slow]
    assert outcomes[3].evaluation.inherited_from == fast
    assert task.calls == 3 * [(BAIKAL, 90)]
