"""Losses beside each other, on an evaluation whose values are known."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from glo_tf.comparison.trainings import Conditions, Entrant, train
from glo_tf.comparison.with_usual import compare_with_usual, nothing_compared
from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.data.split import Split
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import CROSS_ENTROPY, SQUARED_ERROR
from glo_tf.metrics.metric import Metric
from glo_tf.metrics.mode import Mode
from glo_tf.metrics.objective import Objective
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.trial import Evaluation, Request, Status

BAIKAL = Expression.parse("-(log(y) - x/y)")
FOUND, USUAL = Candidate(BAIKAL), Candidate(CROSS_ENTROPY)
ACCURACY = Objective((Metric("accuracy", Mode.MAX),))
ERROR = Objective((Metric("error", Mode.MIN),))


class Workers:
    """Baikal leads by 0.1 and a rate by itself, but for rates above 0.5; `failing` seeds fail."""

    def __init__(self, failing: Sequence[int] = ()) -> None:
        self.requests: list[Request] = []
        self.failing = failing

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Evaluation]:
        for request in requests:
            self.requests.append(request)
            rate = request.candidate.hyperparameters.learning_rate or 0.1
            value = 0.3 + 0.01 * (request.seed % 7) + (0.1 if request.loss == BAIKAL else 0.0)
            value += rate if rate <= 0.5 else 0.0
            status = Status.NON_FINITE if request.seed in self.failing else Status.OK
            fitness = value if status == Status.OK else 0.0
            values = {"accuracy": value, "error": 10 - value} if status == Status.OK else {}
            yield Evaluation(
                request.candidate, request.seed, fitness, status, 1, 0.0, values=values
            )


class Task:
    """What a comparison asks of a task."""

    train_steps = 30

    def __init__(self, outputs: Outputs, objective: Objective, learning_rate: float) -> None:
        self.outputs, self.objective, self.learning_rate = outputs, objective, learning_rate


CLASSES = Outputs.of_classes(10)


def conditions(seeds: Sequence[int], **others) -> Conditions:
    return Conditions(**{"seeds": seeds, "objective": ACCURACY, "learning_rate": 0.1, **others})


def test_every_loss_meets_the_same_seeds() -> None:
    workers = Workers()
    entrants = [Entrant("baikal", FOUND), Entrant.of_tuned("ce", CROSS_ENTROPY, 0.05)]
    first, second = train(workers.evaluate, entrants, conditions([1, 2, 3]))
    assert [r.seed for r in workers.requests] == [1, 2, 3] * 2
    assert (first.name, first.tuned, first.learning_rate) == ("baikal", False, 0.1)
    assert (second.name, second.tuned, second.learning_rate) == ("ce", True, 0.05)
    assert second.label == "ce, tuned learning rate"
    assert first.seeds == second.seeds == (1, 2, 3)
    assert first.fitnesses == pytest.approx((0.51, 0.52, 0.53))
    assert first.last() == list(first.fitnesses)
    assert first.mean == pytest.approx(0.52)
    assert second.mean == pytest.approx(0.37)
    assert first.spread == pytest.approx(np.std([0.51, 0.52, 0.53], ddof=1))
    assert first.shown == "0.5200 ± 0.0248"
    assert (second.expression, second.loss) == ("-(x*log(y))", CROSS_ENTROPY)
    assert (first.metric, first.split) == ("accuracy", "validation")


def test_a_tuned_rate_that_is_the_given_one_asks_for_no_other_trainings() -> None:
    workers = Workers()
    entrants = [Entrant("ce", USUAL), Entrant.of_tuned("ce", CROSS_ENTROPY, 0.1)]
    given, own = train(workers.evaluate, entrants, conditions([4, 5]))
    assert [(r.candidate, r.seed) for r in workers.requests] == [(USUAL, 4), (USUAL, 5)]
    assert (given.tuned, own.tuned) == (False, True)
    assert given.values == own.values
    assert given.setting == own.setting


ENTRANTS = st.tuples(
    st.sampled_from([BAIKAL, CROSS_ENTROPY, SQUARED_ERROR]), st.sampled_from([None, 0.1, 0.2, 0.5])
)


@given(st.lists(ENTRANTS, min_size=1, max_size=8), st.sampled_from([None, 0.1, 0.2]))
def test_each_setting_is_trained_once(given_rates, own) -> None:
    workers = Workers()
    entrants = [
        Entrant(f"{place}", Candidate(loss))
        if rate is None
        else Entrant.of_tuned(f"{place}", loss, rate)
        for place, (loss, rate) in enumerate(given_rates)
    ]
    rows = train(workers.evaluate, entrants, conditions([3, 4], learning_rate=own))
    settings = {(loss, rate if rate is not None else own) for loss, rate in given_rates}
    assert len(workers.requests) == len(set(workers.requests)) == 2 * len(settings)
    assert len({row.setting for row in rows}) == len(settings)
    for row, (loss, rate) in zip(rows, given_rates, strict=True):
        assert (row.loss, row.tuned) == (loss, rate is not None)
        assert row.learning_rate == (own if rate is None else rate)
        assert all(row.values == same.values for same in rows if same.setting == row.setting)


def test_a_candidate_with_a_learning_rate_of_its_own_is_trained_with_it() -> None:
    workers = Workers()
    own = Candidate(BAIKAL, Hyperparameters(0.2))
    (row,) = train(workers.evaluate, [Entrant("best loss", own)], conditions([4]))
    assert workers.requests[0].candidate == own
    assert (row.label, row.tuned, row.learning_rate) == ("best loss", False, 0.2)


def test_a_training_that_failed_has_no_value_and_fitness_0() -> None:
    (row,) = train(Workers([2]).evaluate, [Entrant("b", FOUND)], conditions([1, 2, 3]))
    assert list(row.values) == ["validation"]
    assert row.values["validation"]["accuracy"] == ((0.51,), (None,), (pytest.approx(0.53),))
    assert (row.mean, row.interval, row.spread, row.failed) == (None, None, None, 1)
    assert row.fitnesses == pytest.approx((0.51, 0.0, 0.53))
    assert row.mean_fitness == pytest.approx(1.04 / 3)
    assert row.shown == "1 of 3 failed"
    assert np.isnan(row.array()[1, 0])


def test_one_training_has_no_spread() -> None:
    (row,) = train(Workers().evaluate, [Entrant("b", FOUND)], conditions([1]))
    assert (row.interval, row.spread, row.shown) == (None, None, "0.5100")


def test_what_is_to_be_small_is_shown_as_itself() -> None:
    (row,) = train(Workers().evaluate, [Entrant("b", FOUND)], conditions([1], objective=ERROR))
    assert row.fitnesses == (0.51,)
    assert row.mean == pytest.approx(9.49)  # as it was measured, whatever fitness makes of it
    with pytest.raises(KeyError):
        row.last("accuracy")
    assert not row.has("error", Split.TEST)


def test_the_value_of_each_output_is_kept_beside_the_fitness_of_all() -> None:
    def evaluate(requests: Sequence[Request]) -> Iterator[Evaluation]:
        for request in requests:
            values = objective.values([0.25, -3.0])
            yield Evaluation(request.candidate, request.seed, 0.6, Status.OK, 1, 0.0, values=values)

    objective = Objective((*ACCURACY.metrics, None, *ERROR.metrics), ("digit", "other", "size"))
    (row,) = train(evaluate, [Entrant("b", FOUND)], conditions([1, 2], objective=objective))
    assert row.values["validation"] == {
        "fitness (accuracy, error)": ((0.625,), (0.625,)),
        "digit_accuracy": ((0.25,), (0.25,)),
        "size_error": ((-3.0,), (-3.0,)),
    }
    assert row.metric == "fitness (accuracy, error)"


def test_a_found_loss_stands_beside_the_usual_one_and_that_with_a_rate_of_its_own() -> None:
    workers = Workers()
    task = Task(CLASSES, ACCURACY, 0.1)
    found = compare_with_usual(workers.evaluate, FOUND, task, tuning_seed=0, seeds=[5, 6])
    tuning, compared = workers.requests[:5], workers.requests[5:]
    assert [(str(r.loss), r.seed) for r in tuning] == [("-(x*log(y))", 0)] * 5
    rates = [r.candidate.hyperparameters.learning_rate for r in tuning]
    assert rates == [0.1, 0.2, 0.5, 1.0, 2.0]
    own = Candidate(CROSS_ENTROPY, Hyperparameters(0.5))
    trained = [(r.candidate, r.seed) for r in compared]
    assert trained == [(one, seed) for one in (FOUND, USUAL, own) for seed in (5, 6)]
    assert all(r.checkpoints == () for r in workers.requests)
    assert [(row.name, row.tuned, row.learning_rate) for row in found] == [
        ("best loss", False, 0.1),
        ("cross-entropy", False, 0.1),
        ("cross-entropy", True, 0.5),
    ]
    assert (found.split, found.steps, found.mode) == ("validation", (30,), "max")
    assert found[-1] is found.losses[-1]
    assert found.verdict.startswith("best loss beats cross-entropy (+0.1000 accuracy")
    assert "it is worse than cross-entropy (-0.3000 accuracy, 95% CI -0.3304" in found.verdict
    assert found.verdict.endswith(", n = 2): the lead does not survive.")
    best, given, own = found
    p_values = [
        stats.ttest_ind(entry.last(), own.last(), equal_var=False).pvalue for entry in (best, given)
    ]
    # The larger p-value is corrected to at least what the smaller one is.
    corrected = max(p_values[0], 2 * p_values[1])
    assert found.test_of(best).p_value_corrected == pytest.approx(corrected)
    assert found.test_of(given).p_value_corrected == pytest.approx(2 * p_values[1])


def test_an_error_is_better_when_it_is_small() -> None:
    outputs = Outputs((Output(Activation.LINEAR, 1),))
    task = Task(outputs, ERROR, 0.1)
    found = compare_with_usual(Workers().evaluate, FOUND, task, tuning_seed=0, seeds=[5, 6, 8])
    assert (found.baseline, found.mode, found[1].loss) == ("squared error", "min", SQUARED_ERROR)
    assert found.test_of(found[0]).difference > 0
    assert found.verdict.startswith("best loss beats squared error (-")
    assert found.verdict.endswith("the lead does not survive.")


def test_a_search_that_compared_nothing_has_an_empty_comparison() -> None:
    found = nothing_compared(Task(CLASSES, ACCURACY, 0.1))
    assert (len(found), bool(found), found.tests, found.verdict) == (0, False, (), "")
    assert (found.metric, found.baseline, found.split) == (
        "accuracy",
        "cross-entropy",
        "validation",
    )
