"""What trains in a lane is as if it trained alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import jax
import pytest

from glo_tf.expressions.tree import Expression
from glo_tf.testing.trainer import LABELS_HELD_OUT as LABELS
from glo_tf.testing.trainer import X_HELD_OUT, X, with_dropout
from glo_tf.testing.trainer_models import ONE_HOT
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.jax.trainer import JaxTrainer
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, Request, Status

STEPS, LANES = 120, 4
# Long and short ones, with coefficients, one that meets NaN, one that guesses, one beyond 64 nodes.
LOSSES = (
    "-(x*log(y))",
    "square(x - y)",
    "-0.5*(2*x*log(y))",
    "sqrt(x - y)",
    "log(y)",
    "-(x*log(y))" + "".join(f" + square(x - y)*{number}" for number in range(1, 14)),
)


def request(loss: str, rate: float | None = None, **settings: int | bool) -> Request:
    candidate = Candidate(Expression.parse(loss), Hyperparameters(rate))
    return Request(candidate, **{"seed": 0, **settings})


@pytest.fixture(scope="module")
def trainer() -> JaxTrainer:
    task = TrainingTask.define(
        with_dropout,
        "sgd",
        (X, ONE_HOT),
        (X_HELD_OUT, LABELS),
        test_data=(X_HELD_OUT, LABELS),
        train_steps=STEPS,
        batch_size=20,
    )
    return JaxTrainer(task, lanes=LANES)


def trained(trainer: JaxTrainer, requests: Iterable[Request]) -> dict[Request, Evaluation]:
    """The evaluations by request, in whichever order they came."""
    given = list(requests)
    found = dict(trainer.evaluate_many(iter(given)))
    assert found.keys() == set(given)
    assert all((a.candidate, a.seed) == (e.candidate, e.seed) for a, e in found.items())
    return found


def test_a_result_does_not_depend_on_neighbours_to_the_last_bit(trainer: JaxTrainer) -> None:
    requests = [
        request(loss, rate, seed=seed)
        for seed in (0, 1, 5)
        for loss in LOSSES
        for rate in (None, 0.3)
    ]
    together = trained(trainer, requests)
    for asked, evaluation in list(together.items())[::5]:
        assert trainer.evaluate(asked) == evaluation
    backwards = trained(trainer, reversed(requests))
    assert backwards == together
    assert {one.status for one in together.values()} >= {Status.OK, Status.NON_FINITE}


def test_checkpoints_and_looks_of_one_lane_leave_others_alone(trainer: JaxTrainer) -> None:
    plain = request("square(x - y)", seed=2)
    measured = dataclasses.replace(plain, seed=3, checkpoints=(7, 50, STEPS))
    guessing = request("log(y)", seed=4, stop_at_chance=True)
    found = trained(trainer, [measured, plain, guessing])
    for asked, evaluation in found.items():
        assert trainer.evaluate(asked) == evaluation
    assert found[guessing].status == Status.STOPPED
    assert found[guessing].steps == STEPS // 4
    unmeasured = dataclasses.replace(measured, checkpoints=())
    assert trainer.evaluate(unmeasured).fitness == found[measured].fitness
    assert all(len(of_one) == 3 for of_one in found[measured].measured["test"].values())


@pytest.mark.parametrize("first", [12, STEPS // 4, 50])
@pytest.mark.parametrize("looks", [False, True])
def test_a_heat_in_one_lane_goes_on_in_another(
    trainer: JaxTrainer, first: int, looks: bool
) -> None:
    asked = [request(loss, stop_at_chance=looks, seed=4) for loss in (*LOSSES[:3], LOSSES[4])]
    whole = trained(trainer, asked)
    heats = [dataclasses.replace(one, train_steps=first) for one in asked]
    assert all(one.steps <= first for one in trained(trainer, heats).values())
    assert trained(trainer, asked[::-1]) == whole
    assert (whole[asked[3]].status == Status.STOPPED) == looks


def test_requests_are_asked_for_as_lanes_become_free(trainer: JaxTrainer) -> None:
    asked: list[int] = []

    def requests() -> Iterator[Request | None]:
        for number in range(3 * LANES):
            asked.append(number)
            if number > LANES:
                yield None  # what is not there yet is asked for again
            yield request("square(x - y)", 0.01 * (1 + number), train_steps=5 + number)

    evaluations = trainer.evaluate_many(requests())
    next(evaluations)
    assert len(asked) == LANES
    assert len(list(evaluations)) == 3 * LANES - 1


def test_out_of_memory_halves_the_lanes_and_changes_no_result(
    trainer: JaxTrainer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = [request(loss, rate, seed=6) for loss in LOSSES[3::-1] for rate in (0.1, 0.2)]
    expected = trained(trainer, asked)
    run, calls = trainer._run, []

    def out_of_room(*arguments):
        calls.append(len(calls))
        if len(calls) == 2:  # amid trainings, beside which others have met NaN
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 GiB")
        return run(*arguments)

    monkeypatch.setattr(trainer, "_run", out_of_room)
    try:
        with caplog.at_level("WARNING", "glo_tf"):
            assert trained(trainer, asked) == expected  # of two lanes, the last bits too
        assert trainer.lanes == 2
        assert [entry.args[:2] for entry in caplog.records] == [(4, 2)]
        trainer.lanes, calls[:] = 1, [0]
        with pytest.raises(jax.errors.JaxRuntimeError):
            trainer.evaluate(asked[0])
    finally:
        trainer.lanes = LANES


def test_what_a_check_raises_ends_the_trainings(trainer: JaxTrainer) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(trainer.evaluate_many(iter([request("square(x - y)")]), interrupt))
    assert trainer.evaluate(request("square(x - y)")).status == Status.OK
