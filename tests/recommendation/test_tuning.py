"""Losses tuned side by side, on trainings of which the best settings are known."""

import math
import types
from collections.abc import Sequence

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glo_tf
from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.execution.study import Study
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import usual_loss
from glo_tf.losses.named import NAMED_LOSSES
from glo_tf.recommendation.families import Family, families_of
from glo_tf.recommendation.pattern_search import PatternSearch
from glo_tf.recommendation.time_limit import TuningTimeLimit
from glo_tf.recommendation.tuning import TuningProgress, tune_losses
from glo_tf.training.trial import Evaluation, Request

OUTPUTS = Outputs.of_classes(10)
CROSS_ENTROPY = Expression.parse("-(x*log(y))")
STEPS = 90


def outputs_of(activation: str, units: int) -> Outputs:
    if activation == "linear":
        return Outputs((Output.of_numbers(units, np.linspace(-1.0, 1.0, 50)),))
    return Outputs((Output(Activation(activation), units),))


def task(**changes) -> types.SimpleNamespace:
    """As much of a task as tuning looks at."""
    settings = {
        "outputs": OUTPUTS,
        "learning_rate": 0.01,
        "train_steps": STEPS,
        "optimizer": keras.optimizers.SGD,
    }
    return types.SimpleNamespace(**{**settings, **changes})


class Trainings:
    """Fitness falls with the distance, in octaves, of the rate from the best one of the loss."""

    def __init__(self, best: dict[str, tuple[float, float]], failing: Sequence[str] = ()) -> None:
        self.best, self.failing = best, failing
        self.requests: list[Request] = []

    def evaluate(self, requests: Sequence[Request]) -> list[Evaluation]:
        self.requests += requests
        return [self.one(request) for request in requests]

    def one(self, request: Request) -> Evaluation:
        rate, text = request.candidate.hyperparameters.learning_rate, str(request.loss)
        steps = request.train_steps or STEPS
        if text in self.failing:
            return Evaluation(request.candidate, request.seed, 0.0, "non_finite", 1, 0.0)
        best, height = self.best.get(text, (0.1, 0.5))
        fitness = height / (1.0 + 0.2 * abs(math.log2(rate / best)))
        return Evaluation(request.candidate, request.seed, fitness, "ok", steps, 0.0)


@given(st.tuples(st.integers(-30, 30), st.integers(0, 3), st.integers(0, 2)), st.integers(20, 60))
def test_a_pattern_search_finds_the_top_and_tries_nothing_twice(top, trials) -> None:
    search, tried = PatternSearch((1, 2), (4, 3)), {}
    for _ in range(trials):
        point = search.ask()
        assert point not in tried
        assert 0 <= point[1] < 4
        assert 0 <= point[2] < 3
        tried[point] = -sum(abs(one - other) for one, other in zip(point, top, strict=True))
        search.tell(point, tried[point])
    if trials >= 40:
        assert max(tried, key=tried.get) == top
        assert search.bracketed


def test_each_loss_has_as_many_trials_around_the_rate_of_the_usual_one() -> None:
    sqrt, steep = Expression.parse("-(x*sqrt(y))"), Expression.parse("-50*(x*log(y))")
    trainings = Trainings(
        {str(CROSS_ENTROPY): (0.5, 0.8), str(sqrt): (3.0, 0.9), str(steep): (0.01, 0.8)}
    )
    families = [
        Family.fixed("sqrt", sqrt),
        Family.fixed("cross-entropy", CROSS_ENTROPY),
        Family.fixed("steep", steep),
    ]
    told: list[TuningProgress] = []
    first, usual, scaled = tune_losses(
        trainings.evaluate, families, task(), trials=9, seeds=(4, 5), told=told.append
    )
    assert [len(one.trials) for one in (first, usual, scaled)] == [9, 9, 9]
    assert [(one.done, one.planned) for one in told] == [(n, 27) for n in range(1, 28)]
    assert usual.best.learning_rate == pytest.approx(0.5, rel=0.25)
    assert first.best.learning_rate == pytest.approx(3.0, rel=0.25)
    assert first.best.fitness > usual.best.fitness
    begun = [round(50 * scaled.trials[0].learning_rate, 6)]
    assert begun[0] in [trial.learning_rate for trial in usual.trials]
    assert [first.at_edge, usual.at_edge, first.dropped] == [False, False, False]
    assert usual.curve.learning_rates == tuple(sorted(t.learning_rate for t in usual.trials))
    assert {r.seed for r in trainings.requests} == {4, 5}


def test_parameters_are_chosen_with_the_rate() -> None:
    (usual, gce) = families_of(["gce"], OUTPUTS)
    best = gce.loss((1,))  # q = 0.5
    trainings = Trainings({str(CROSS_ENTROPY): (0.1, 0.8), str(best): (0.4, 0.95)})
    _, tuned = tune_losses(trainings.evaluate, [usual, gce], task(), trials=16, seeds=(0,))
    assert (tuned.name, tuned.best.name) == ("GCE", "GCE(q=0.5)")
    assert tuned.best.parameters == {"q": 0.5}
    assert tuned.best.loss == best
    assert tuned.best.learning_rate == pytest.approx(0.4, rel=0.25)


def test_what_is_hopeless_ends_early() -> None:
    bad, failing = Expression.parse("-(x*y)"), Expression.parse("x/y")
    trainings = Trainings({str(CROSS_ENTROPY): (0.1, 0.9), str(bad): (0.3, 0.3)}, [str(failing)])
    families = [Family.fixed(str(loss), loss) for loss in (CROSS_ENTROPY, bad, failing)]
    usual, low, broken = tune_losses(trainings.evaluate, families, task(), trials=10, seeds=(0, 1))
    assert (len(usual.trials), len(low.trials), len(broken.trials)) == (10, 5, 5)
    assert low.dropped
    assert {t.status for t in broken.trials} == {"non_finite"}
    full = [r for r in trainings.requests if r.train_steps is None]
    assert failing not in {r.loss for r in full}
    assert {r.train_steps for r in trainings.requests} == {None, STEPS // 9}


@pytest.mark.parametrize("train_steps", [1, 8])
def test_short_trainings_have_no_heats(train_steps) -> None:
    trainings = Trainings({})
    family = Family.fixed("cross-entropy", CROSS_ENTROPY)
    tune_losses(trainings.evaluate, [family], task(train_steps=train_steps), trials=3, seeds=(0,))
    assert [r.train_steps for r in trainings.requests] == [None] * 3


def test_where_time_is_short_the_best_go_on(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    losses = [CROSS_ENTROPY, *(Expression.parse(f"-{n}*(x*sqrt(y))") for n in range(1, 8))]
    heights = {str(loss): (0.1, 0.6 + 0.01 * place) for place, loss in enumerate(losses)}
    trainings = Trainings(heights)

    def slowly(requests):
        now[0] += 1.0 * sum(request.train_steps is None for request in requests)
        return trainings.evaluate(requests)

    families = [Family.fixed(str(loss), loss) for loss in losses]
    study = Study.in_memory({})
    limited = [TuningTimeLimit(1.0, study, trainings_after=20, seeds=1) for _ in range(2)]
    tuned = tune_losses(slowly, families, task(), trials=9, seeds=(0,), limit=limited[0])
    going_on = [one for one in tuned if not one.dropped]
    assert now[0] <= 40.0
    assert tuned[0] in going_on
    assert 2 <= len(going_on) < len(losses)
    assert {len(one.trials) for one in going_on[1:]} == {9}
    least = min(one.best.fitness for one in going_on[1:])
    assert all(one.trials[0].fitness <= least for one in tuned if one.dropped)
    quickly = trainings.evaluate
    again = tune_losses(quickly, families, task(), trials=9, seeds=(0,), limit=limited[1])
    assert again == tuned  # though the clock stands still


@pytest.mark.parametrize(
    ("outputs", "usual", "some", "others"),
    [
        (OUTPUTS, "cross-entropy", {"GCE", "Focal", "Baikal", "MAE"}, {"Huber", "Asymmetric"}),
        (outputs_of("sigmoid", 3), "binary cross-entropy", {"Asymmetric", "GCE"}, {"Huber"}),
        (outputs_of("sigmoid", 1), "cross-entropy", {"Focal", "GCE"}, {"Asymmetric", "Huber"}),
        (outputs_of("linear", 2), "squared error", {"Huber", "Tukey", "Quantile"}, {"GCE"}),
    ],
    ids=["classes", "labels", "two classes", "numbers"],
)
def test_the_library_is_what_fits_the_outputs(outputs, usual, some, others) -> None:
    families = families_of(None, outputs)
    names = [family.name for family in families]
    assert names[0] == usual
    assert len(set(names)) == len(names)
    assert some <= set(names)
    assert not others & set(names)
    assert usual_loss(outputs)[1] not in [family.start for family in families[1:]]


def test_losses_for_rare_classes_are_tried_where_a_class_is_rare() -> None:
    rare, even = ([5.0, 1.0, 1.0], [1.1, 1.0, 1.0])
    names = [
        {family.name for family in families_of(None, Outputs.of_classes(3).with_frequencies(of))}
        for of in (rare, even)
    ]
    assert names[0] - names[1] == {"ClassWeighted", "LogitAdjusted", "Vanern"}
    assert {"NCE", "NCEAndRCE", "NCEAndAMSE"} <= names[1] < names[0]


def test_sizes_of_errors_are_those_of_the_targets() -> None:
    numbers = Outputs((Output.of_numbers(1, np.random.default_rng(0).normal(0, 70, 999)),))
    (huber,) = [family for family in families_of(["huber"], numbers) if family.name == "Huber"]
    (axis,) = huber.axes
    assert axis.values == pytest.approx([7, 21, 70, 210], rel=0.25)
    assert huber.start == Expression.parse(glo_tf.Huber(delta=axis.values[2]).expression)


def test_given_losses_keep_what_was_given_of_them() -> None:
    families = families_of(["gce", "focal(gamma=1)", "mine=poly1", "-(x*y)"], OUTPUTS)
    assert [(f.name, len(f.axes)) for f in families] == [
        ("cross-entropy", 0),
        ("GCE", 1),
        ("focal(gamma=1)", 0),
        ("mine", 1),
        ("-(x*y)", 0),
    ]
    named = families_of({"a": "gce", "b": glo_tf.GCE(q=0.5), "c": "-(x*log(y))"}, OUTPUTS)
    assert [(f.name, len(f.axes)) for f in named] == [("cross-entropy", 0), ("a", 1), ("b", 0)]


@pytest.mark.parametrize("losses", [["gce", "gce"], ["huber"], ["x"], "gce", ["gce", "GCE=focal"]])
def test_losses_that_cannot_be_tuned_are_refused(losses) -> None:
    with pytest.raises(ValueError, match=r"Expected .* Received: "):
        families_of(losses, OUTPUTS)


def test_values_of_the_library_that_are_tried_are_in_range_and_begin_with_the_default() -> None:
    for kind in NAMED_LOSSES.values():
        for each in kind.PARAMETERS:
            assert list(each.tries) == sorted(set(each.tries))
            assert all(each.checked(value) == value for value in each.tries)
            assert not each.tries or each.default in each.tries
