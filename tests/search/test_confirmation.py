"""Finalists with learning rates of their own: chosen with several seeds, judged with others."""

import math

from glo_tf.comparison.trainings import Conditions
from glo_tf.data.outputs import Outputs
from glo_tf.expressions.tree import Expression
from glo_tf.metrics.objective import Objective
from glo_tf.results.record import Phase, Record, Source
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
