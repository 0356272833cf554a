"""Settings that a few seeds have flattered are not those that contenders meet with."""

import pytest

from glo_tf.recommendation.contenders import contenders, with_settings_that_hold
from glo_tf.results.tuned_loss import Trial, TunedLoss
from glo_tf.training.trial import Evaluation, Request, Status

TEXTS = {"usual": "-(x*log(y))", "sqrt": "-(x*sqrt(y))", "linear": "-(x*y)"}
SEEDS = (7, 8, 9, 10)


def tuned(name: str, **fitness_at: float) -> TunedLoss:
    """A loss with trials at some rates: `at_1=0.9`."""
    trials = [
        Trial(name, {}, TEXTS[name], float(rate[3:]), fitness, Status.OK, 20)
        for rate, fitness in fitness_at.items()
    ]
    return TunedLoss(name, tuple(trials), dropped=False, at_edge=False)


class Trainings:
    """What a loss gives at a rate: the same with each seed, or as each seed says."""

    def __init__(self, worth: dict[tuple[str, float], float | list[float | Status]]) -> None:
        self.worth, self.asked = worth, []

    def evaluate(self, requests: list[Request]) -> list[Evaluation]:
        return [self.one(request) for request in requests]

    def one(self, request: Request) -> Evaluation:
        key = str(request.loss), request.candidate.hyperparameters.learning_rate
        self.asked.append((*key, request.seed))
        given = self.worth[key]
        value = given[SEEDS.index(request.seed)] if isinstance(given, list) else given
        status = value if isinstance(value, Status) else Status.OK
        fitness = 0.0 if isinstance(value, Status) else value
        return Evaluation(request.candidate, request.seed, fitness, status, 10, 0.0)


def held(losses: list[TunedLoss], trainings: Trainings, count: int = 3) -> dict[str, TunedLoss]:
    found = with_settings_that_hold(trainings.evaluate, losses, count, seeds=SEEDS, trained=2)
    assert [one.name for one in found] == [one.name for one in losses]
    return {one.name: one for one in found}


@pytest.mark.parametrize("flaw", [0.1, Status.NON_FINITE])
def test_a_rate_that_collapses_with_one_of_the_further_seeds_gives_way_to_the_next(flaw) -> None:
    losses = [tuned("usual", at_1=0.95, at_2=0.97, at_4=0.2), tuned("sqrt", at_1=0.9)]
    usual, sqrt = TEXTS["usual"], TEXTS["sqrt"]
    trainings = Trainings(
        {(usual, 2.0): [0.96, flaw, 0.96, 0.96], (usual, 1.0): 0.94, (sqrt, 1.0): 0.9}
    )
    found = held(losses, trainings)["usual"]
    assert found.best.learning_rate == 1.0
    assert found.best.fitness == pytest.approx((2 * 0.95 + 4 * 0.94) / 6)
    assert found.best.steps == 20 + 4 * 10
    assert found.at_edge  # nothing lower was tried
    flattered = found.trials[1]
    assert flattered.fitness < 0.9
    assert flattered.status == (Status.OK if flaw == 0.1 else Status.NON_FINITE)


def test_only_who_may_meet_is_trained_and_each_setting_once() -> None:
    losses = [tuned(name, at_1=worth) for name, worth in (("usual", 0.9), ("sqrt", 0.8))]
    losses.append(tuned("linear", at_1=0.95))
    trainings = Trainings({(TEXTS[name], 1.0): 0.85 for name in TEXTS})
    found = held(losses, trainings, count=2)
    assert sorted(trainings.asked) == sorted(
        (TEXTS[name], 1.0, seed) for name in ("usual", "linear") for seed in SEEDS
    )
    assert [one.name for one in contenders(list(found.values()), 2)] == ["usual", "linear"]
    assert found["sqrt"] == losses[1]


def test_a_contender_that_falls_behind_leaves_its_place() -> None:
    losses = [tuned("usual", at_1=0.9), tuned("sqrt", at_1=0.8), tuned("linear", at_1=0.95)]
    worth = {(TEXTS["usual"], 1.0): 0.9, (TEXTS["linear"], 1.0): 0.3, (TEXTS["sqrt"], 1.0): 0.8}
    found = held(losses, Trainings(worth), count=2)
    assert [one.name for one in contenders(list(found.values()), 2)] == ["usual", "sqrt"]
    assert found["sqrt"].best.fitness == pytest.approx(0.8)


def test_a_usual_loss_that_always_fails_is_left_as_it_is() -> None:
    failed = Trial("usual", {}, TEXTS["usual"], 1.0, 0.0, Status.NON_FINITE, 1)
    losses = [TunedLoss("usual", (failed,), dropped=False, at_edge=True), tuned("sqrt", at_1=0.8)]
    found = held(losses, Trainings({(TEXTS["sqrt"], 1.0): 0.8}))
    assert found["usual"] == losses[0]
