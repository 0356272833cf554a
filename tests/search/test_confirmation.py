"""Finalists with learning rates of their own: chosen with several seeds, judged with others."""

import dataclasses
import math

import pytest

from glo_tf.comparison.trainings import Conditions
from glo_tf.data.outputs import Outputs
from glo_tf.expressions.tree import Expression
from glo_tf.metrics.objective import Objective
from glo_tf.results.found_loss import FoundLoss
from glo_tf.results.record import Phase, Record, Source
from glo_tf.search.config import ModelSelection
from glo_tf.search.confirmation import Finalist, confirm, with_rates_of_several_seeds
from glo_tf.search.ranking import Ranking
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.trial import Evaluation, Status

OUTPUTS = Outputs.of_classes(10)
CROSS_ENTROPY, BAIKAL = (Expression.parse(t) for t in ("-(x*log(y))", "-(log(y) - x/y)"))
CONDITIONS = Conditions(
    seeds=(5, 6), objective=Objective.define(None, "auto", OUTPUTS), learning_rate=0.1
)


def record(loss: Expression, rate: float | None) -> Record:
    return Record(
        phase=Phase.DISCOVERY, generation=1, individual=1,
        candidate=Candidate(loss, Hyperparameters(rate)), fitness=0.9, status=Status.OK,
        source=Source.TRAINED, steps=10,
    )  # fmt: skip


def evaluator(best: float, diverges_above: float = math.inf, asked: list | None = None):
    """Fitness falls with the distance, in octaves, from the best rate."""

    def evaluate(requests):
        for request in requests:
            rate = request.candidate.hyperparameters.learning_rate or CONDITIONS.learning_rate
            if asked is not None:
                asked.append((rate, request.seed))
            if rate > diverges_above:
                yield Evaluation(request.candidate, request.seed, 0.0, "non_finite", 1, 0.0)
                continue
            fitness = 1.0 / (1.0 + 0.1 * abs(math.log2(rate / best)))
            yield Evaluation(
                request.candidate, request.seed, fitness, "ok", 10, 0.0,
                values={"accuracy": fitness},
            )  # fmt: skip

    return evaluate


def test_a_rate_is_chosen_with_several_seeds_and_its_double_is_tried() -> None:
    asked: list[tuple[float, int]] = []
    (finalist,) = with_rates_of_several_seeds(
        evaluator(0.2, asked=asked), [record(CROSS_ENTROPY, 0.1)], [3, 4]
    )
    # 0.05, 0.1, 0.2, and as that is an end, the next rung; then twice 0.2.
    assert asked == [(r, seed) for r in (0.05, 0.1, 0.2, 0.5, 0.4) for seed in (3, 4)]
    assert finalist.record.candidate == Candidate(CROSS_ENTROPY, Hyperparameters(0.2))
    assert not finalist.near_divergence
    assert finalist.name == "-(x*log(y)) (learning_rate=0.2)"


def test_a_loss_that_fails_at_twice_its_rate_is_near_divergence_and_loses_ties() -> None:
    steady, near = (
        with_rates_of_several_seeds(evaluator(0.1, above), [record(loss, 0.1)], [3])[0]
        for loss, above in ((CROSS_ENTROPY, math.inf), (BAIKAL, 0.15))
    )
    assert (steady.near_divergence, near.near_divergence) == (False, True)
    assert near.name.endswith(", near divergence")
    for order in ([steady, near], [near, steady]):
        found = confirm(evaluator(0.1), order, Ranking(), CONDITIONS)
        assert [finalist for finalist, _ in found] == [steady, near]
        assert [row.seeds for _, row in found] == [(5, 6), (5, 6)]
        assert [row.learning_rate for _, row in found] == [0.1, 0.1]


def test_at_the_given_rate_the_first_of_equals_stays_first() -> None:
    def evaluate(requests):
        for r in requests:
            yield Evaluation(r.candidate, r.seed, 0.5, "ok", 10, 0.0, values={"accuracy": 0.5})

    finalists = [Finalist(record(loss, None)) for loss in (BAIKAL, CROSS_ENTROPY)]
    found = confirm(evaluate, finalists, Ranking(), CONDITIONS)
    assert [row.name for _, row in found] == [str(BAIKAL), str(CROSS_ENTROPY)]


def scripted(fitnesses: dict[str, tuple[float, float]]):
    """Fitness by loss and seed, 5 or 6."""

    def evaluate(requests):
        for r in requests:
            fitness = fitnesses[str(r.loss)][r.seed - 5]
            yield Evaluation(
                r.candidate, r.seed, fitness, "ok", 10, 0.0, values={"accuracy": fitness}
            )

    return evaluate


SMALLER, LARGER, FRAGILE = "-(x*y)", "-(log(y) - x/y)", "-(x*sqrt(y))"


@pytest.mark.parametrize(
    ("of_smaller", "simplest"),
    [
        ((0.90, 0.92), True),  # standard errors are 0.01, of the difference 0.014
        ((0.897, 0.917), True),
        ((0.893, 0.913), False),
        ((0.88, 0.90), False),
    ],
)
def test_the_simplest_within_the_noise_of_the_best_is_selected(of_smaller, simplest) -> None:
    # One that fails with a seed is no measure of the noise, and not within it.
    worth = {SMALLER: of_smaller, LARGER: (0.91, 0.93), FRAGILE: (0.0, 0.93)}
    finalists = [Finalist(record(Expression.parse(text), None)) for text in worth]
    names = {
        selection: [
            row.name
            for _, row in confirm(scripted(worth), finalists, Ranking(), CONDITIONS, selection)
        ]
        for selection in ModelSelection
    }
    assert names[ModelSelection.ACCURACY] == [LARGER, SMALLER, FRAGILE]
    expected = [SMALLER, LARGER] if simplest else [LARGER, SMALLER]
    assert names[ModelSelection.BEST] == [*expected, FRAGILE]


@pytest.mark.parametrize("selection", ModelSelection)
@pytest.mark.parametrize("parsimony", [0.0, 0.1])
def test_nothing_with_a_lower_mean_than_a_known_loss_is_selected(selection, parsimony) -> None:
    worth = {SMALLER: (0.90, 0.92), LARGER: (0.905, 0.925), FRAGILE: (0.9, 0.921)}
    forms = {text: FoundLoss(Expression.parse(text), 0.1, known=f"my {text}") for text in worth}
    forms[SMALLER] = dataclasses.replace(forms[SMALLER], known="")
    forms[FRAGILE] = dataclasses.replace(forms[FRAGILE], known="")
    finalists = [Finalist(record(form.loss, None), forms=(form,)) for form in forms.values()]
    ranking = Ranking(parsimony)
    (best, row), *_ = confirm(scripted(worth), finalists, ranking, CONDITIONS, selection)
    assert (best.known, row.name) == (f"my {LARGER}", f"{LARGER}, my {LARGER}")


def test_numbers_have_the_fewest_digits_that_trainings_cannot_tell_from_more() -> None:
    forms = ["-(log(y) - 0.3*(x/y))", "-(log(y) - 0.31*(x/y))", "-(log(y) - 0.314159*(x/y))"]
    for worst, chosen in ((0.90, 0), (0.80, 1)):
        worth = dict(zip(forms, [(worst, worst + 0.02), (0.905, 0.925), (0.91, 0.93)], strict=True))
        found = tuple(FoundLoss(Expression.parse(text), 0.1) for text in forms)
        finalist = Finalist(
            record(Expression.parse("-(log(2*y) - 0.314159*x/y)"), None), forms=found
        )
        ((best, row),) = confirm(scripted(worth), [finalist], Ranking(), CONDITIONS)
        assert [str(form.loss) for form in best.forms] == [row.name] == [forms[chosen]]
