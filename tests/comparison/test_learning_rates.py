"""Tuning of learning rates, on trainings whose fitness is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glo_tf.comparison.learning_rates import tune_learning_rates
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import CROSS_ENTROPY
from glo_tf.training.trial import Evaluation

BAIKAL = Expression.parse("-(log(y) - x/y)")


def trainings(fitness, asked=None):
    """Evaluates by `fitness(loss, seed, learning_rate)`."""

    def evaluate(requests):
        for request in requests:
            if asked is not None:
                asked.append(request)
            rate = request.candidate.hyperparameters.learning_rate
            value = fitness(request.loss, request.seed, rate)
            yield Evaluation(request.candidate, request.seed, value, "ok", steps=1, seconds=0.0)

    return evaluate


@given(st.integers(-3, 2), st.sampled_from([1, 2, 5]))
def test_the_grid_grows_until_the_best_is_inside(power: int, digit: int) -> None:
    best = float(f"{digit}e{power}")
    evaluate = trainings(lambda loss, seed, rate: 1.0 / (1.0 + max(rate / best, best / rate)))
    (tuned,) = tune_learning_rates(evaluate, [CROSS_ENTROPY], 1.0, [0])
    assert tuned.learning_rate == best
    assert tuned.at_edge == (best == 0.001)
    assert list(tuned.fitnesses) == sorted(tuned.fitnesses)
    assert len(tuned.fitnesses) <= 16


@pytest.mark.parametrize(("slope", "end"), [(1.0, 10.0), (-1.0, 1e-5)])
def test_the_grid_ends_where_nothing_better_can_be_expected(slope, end) -> None:
    evaluate = trainings(lambda loss, seed, rate: slope * rate)
    (tuned,) = tune_learning_rates(evaluate, [CROSS_ENTROPY], 0.01, [0])
    assert (tuned.learning_rate, tuned.at_edge) == (end, True)


def test_the_smallest_of_equals_wins() -> None:
    evaluate = trainings(lambda loss, seed, rate: 0.9 if rate in (0.1, 0.2) else 0.5)
    (tuned,) = tune_learning_rates(evaluate, [CROSS_ENTROPY], 0.02, [0])
    assert tuned.learning_rate == 0.1


def test_each_loss_has_its_own_and_the_mean_over_seeds_counts() -> None:
    asked = []
    peak = {(BAIKAL, 3): 0.02, (BAIKAL, 4): 0.02, (CROSS_ENTROPY, 3): 0.1, (CROSS_ENTROPY, 4): 0.1}

    def fitness(loss, seed, rate):
        if (loss, seed, rate) == (CROSS_ENTROPY, 4, 0.05):
            return 0.0  # a training that failed, where the other one is best of all
        bonus = 0.1 if (loss, seed, rate) == (CROSS_ENTROPY, 3, 0.05) else 0.0
        return 0.9 + bonus if rate == peak[loss, seed] else 0.5 + bonus

    tuned = tune_learning_rates(trainings(fitness, asked), [BAIKAL, CROSS_ENTROPY], 0.01, [3, 4])
    assert [found.learning_rate for found in tuned] == [0.02, 0.1]
    assert len(asked) == 2 * 2 * 5  # nothing beyond the first grid
