"""Learning rates of candidates' own, with trainings of which the best rate is known."""

import dataclasses
import math
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glo_tf.comparison.expected_rates import ExpectedRates
from glo_tf.data.outputs import Outputs
from glo_tf.expressions.tree import Expression
from glo_tf.screening.scale import relative_steepness
from glo_tf.search.own_rates import OwnRates
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.trial import Evaluation, Request

OUTPUTS = Outputs.of_classes(10)
CROSS_ENTROPY = Expression.parse("-(x*log(y))")
BAIKAL = Expression.parse("-(log(y) - x/y)")
STEPS = 90


class Trainings:
    """Fitness falls with the distance, in octaves, of the rate from the best one of the loss."""

    def __init__(self, best: dict[Expression, float], diverges_above: float = math.inf) -> None:
        self.best, self.diverges_above = best, diverges_above
        self.requests: list[Request] = []

    def one(self, request: Request) -> Evaluation:
        self.requests.append(request)
        rate = request.candidate.hyperparameters.learning_rate
        steps = request.train_steps or STEPS
        if rate > self.diverges_above * STEPS / steps:
            return Evaluation(request.candidate, request.seed, 0.0, "non_finite", 1, 0.0)
        distance = abs(math.log2(rate / self.best[request.loss]))
        fitness = steps / STEPS / (1.0 + 0.1 * distance)
        return Evaluation(request.candidate, request.seed, fitness, "ok", steps, 0.0)

    def evaluate(self, requests: Sequence[Request]) -> list[Evaluation]:
        return [self.one(request) for request in requests]

    def train(self, candidates: Sequence[Candidate]) -> Iterator[Evaluation]:
        yield from self.evaluate([Request(one, 0) for one in candidates])


def own_rates(trainings: Trainings, reference: float = 0.1, **settings) -> OwnRates:
    expected = ExpectedRates(reference, settings.pop("exponent", 1.0), OUTPUTS)
    settings = {
        "grid": (0.5, 1.0, 2.0),
        "train_steps": STEPS,
        "seed": 0,
        "stop_at_chance": False,
        **settings,
    }
    return OwnRates(trainings.evaluate, expected, **settings)


def rates_and_steps(rates: OwnRates, trainings: Trainings, losses) -> list[tuple[float, int]]:
    found = rates.train([Candidate(loss) for loss in losses], trainings.train)
    return [(e.candidate.hyperparameters.learning_rate, steps) for e, steps in found]


@given(st.floats(-1.4, 1.4), st.sampled_from([0.0, 0.5, 1.0]))
def test_a_loss_gets_the_best_rate_of_the_grid(octaves: float, exponent: float) -> None:
    centre = 0.1 / relative_steepness(BAIKAL, OUTPUTS) ** exponent
    trainings = Trainings({BAIKAL: centre * 2.0**octaves})
    ((rate, steps),) = rates_and_steps(own_rates(trainings, exponent=exponent), trainings, [BAIKAL])
    wanted = max(-2, min(2, round(octaves)))
    if abs(octaves - math.floor(octaves) - 0.5) > 1e-6:
        assert rate == pytest.approx(centre * 2.0**wanted, rel=1e-5)
    assert steps <= 1.7 * STEPS + 2 * STEPS // 9


def test_the_ladder_widens_only_where_it_pays() -> None:
    for octaves, wanted, tried in [(5, 3, 5), (-5, -3, 5), (0.1, 0, 3)]:
        trainings = Trainings({CROSS_ENTROPY: 0.1 * 2.0**octaves})
        ((rate, _),) = rates_and_steps(own_rates(trainings), trainings, [CROSS_ENTROPY])
        assert rate == pytest.approx(0.1 * 2.0**wanted)
        assert sum(request.train_steps == STEPS // 9 for request in trainings.requests) == tried


def test_rates_far_behind_end_after_the_first_heat_and_one_goes_to_the_end() -> None:
    trainings = Trainings({CROSS_ENTROPY: 0.1}, diverges_above=0.15)
    trainings.diverges_above /= 9  # as soon as the first heat, and later at less
    rates_and_steps(own_rates(trainings), trainings, [CROSS_ENTROPY])
    of_heat = {
        steps: [
            r.candidate.hyperparameters.learning_rate
            for r in trainings.requests
            if r.train_steps == steps
        ]
        for steps in (10, 45)
    }
    assert sorted(of_heat[10]) == [0.05, 0.1, 0.2]
    assert sorted(of_heat[45]) == [0.05, 0.1]


def test_where_a_training_diverges_in_the_end_the_next_lower_rate_takes_its_place() -> None:
    trainings = Trainings({CROSS_ENTROPY: 0.1}, diverges_above=0.06)
    ((rate, steps),) = rates_and_steps(own_rates(trainings), trainings, [CROSS_ENTROPY])
    assert rate == 0.05
    ends = [r for r in trainings.requests if r.train_steps is None]
    assert [r.candidate.hyperparameters.learning_rate for r in ends] == [0.1, 0.05]
    assert steps >= STEPS


def test_a_loss_that_fails_at_all_rates_is_no_result() -> None:
    trainings = Trainings({CROSS_ENTROPY: 0.1}, diverges_above=1e-9)
    found = own_rates(trainings).train([Candidate(CROSS_ENTROPY)], trainings.train)
    ((evaluation, steps),) = found
    assert (evaluation.status, evaluation.fitness) == ("non_finite", 0.0)
    assert steps == len(trainings.requests) <= 5


def test_later_candidates_begin_where_earlier_ones_ended() -> None:
    trainings = Trainings({CROSS_ENTROPY: 0.4, BAIKAL: 0.4 / relative_steepness(BAIKAL, OUTPUTS)})
    rates = own_rates(trainings)
    rates_and_steps(rates, trainings, [CROSS_ENTROPY])
    trainings.requests.clear()
    ((rate, _),) = rates_and_steps(rates, trainings, [BAIKAL])
    assert rate == pytest.approx(trainings.best[BAIKAL], rel=1e-5)
    assert sum(request.train_steps == STEPS // 9 for request in trainings.requests) == 3


def test_what_is_found_does_not_depend_on_how_many_train_at_once() -> None:
    losses = [Expression.parse(f"-(x*log({n}*y) + {n}*x*y)") for n in range(1, 21)]
    best = {loss: 0.01 * n for n, loss in enumerate(losses, start=1)}
    found = []
    for workers in (1, 3):
        trainings = Trainings(best)
        candidates = [Candidate(loss) for loss in losses]
        found.append([*own_rates(trainings).train(candidates, trainings.train, workers)])
    assert found[0] == found[1]


def test_a_candidate_with_a_rate_keeps_it() -> None:
    trainings = Trainings({CROSS_ENTROPY: 0.1})
    given = Candidate(CROSS_ENTROPY, Hyperparameters(0.7))
    ((evaluation, steps),) = own_rates(trainings).train([given], trainings.train)
    assert (evaluation.candidate, steps) == (given, STEPS)
    assert trainings.requests == [Request(given, 0)]


def test_racing_prunes_candidates_at_their_best_rates() -> None:
    losses = [Expression.parse(f"-(x*log(y) + {n}*x*y)") for n in range(1, 10)]
    trainings = Trainings({loss: 0.1 / relative_steepness(loss, OUTPUTS) for loss in losses})
    plain, rank = trainings.one, {loss: n for n, loss in enumerate(losses)}

    def ranked(request: Request) -> Evaluation:
        evaluation = plain(request)
        return dataclasses.replace(
            evaluation, fitness=evaluation.fitness * (10 - rank[request.loss])
        )

    trainings.one = ranked
    rates = own_rates(trainings, racing=True)
    results = [e for e, _ in rates.train([Candidate(loss) for loss in losses], trainings.train)]
    assert [e.status for e in results] == ["ok"] + 8 * ["stopped"]
    ended = [request.loss for request in trainings.requests if request.train_steps is None]
    assert ended == [losses[0]]


def test_few_steps_have_fewer_heats() -> None:
    for train_steps, asked in [(1, [None]), (5, [2, 2, 2, None])]:
        trainings = Trainings({CROSS_ENTROPY: 0.1})
        rates_and_steps(own_rates(trainings, train_steps=train_steps), trainings, [CROSS_ENTROPY])
        assert [request.train_steps for request in trainings.requests] == asked


@given(st.floats(1e-3, 1e3), st.sampled_from([0.0, 0.33, 1.0]))
def test_a_factor_of_a_loss_is_one_of_its_rate(factor: float, exponent: float) -> None:
    expected = ExpectedRates(0.3, exponent, OUTPUTS)
    first, *others = BAIKAL.coefficients
    scaled = BAIKAL.with_coefficients((factor * first, *others))
    assert expected.of(scaled) == pytest.approx(expected.of(BAIKAL) * factor**-exponent, rel=1e-4)
    taken_over = expected.taken_over(expected.of(BAIKAL), BAIKAL, by=scaled)
    assert taken_over == pytest.approx(expected.of(scaled), rel=1e-4)
    assert expected.at_scale_1(scaled).coefficients[0] == pytest.approx(
        expected.at_scale_1(BAIKAL).coefficients[0]
    )
