"""Hall of fame and history of a result, and the order of candidates."""

import dataclasses
import itertools
import json

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.expressions.tree import Expression
from glo_tf.metrics.metric import Metric
from glo_tf.metrics.objective import Objective
from glo_tf.results.found_loss import FoundLoss
from glo_tf.results.owned_files import HISTORY_HEADER
from glo_tf.results.record import Record
from glo_tf.results.search_result import SearchResult
from glo_tf.search.ranking import Ranking
from glo_tf.training.candidate import Candidate, Hyperparameters

FITNESSES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9]) | st.floats(0, 1)
LOSSES = st.sampled_from(
    [
        Expression.parse(text)
        for text in ("x", "-y", "-log(y)", "2.5*x", "x*y", "y*x", "x - 1.5*y", "-(log(y) - x/y)")
    ]
)
CANDIDATES = st.builds(Candidate, LOSSES)
RECORDS = st.lists(
    st.builds(
        Record,
        phase=st.just("discovery"),
        generation=st.integers(1, 3),
        individual=st.integers(1, 9),
        candidate=CANDIDATES,
        fitness=FITNESSES,
        status=st.sampled_from(["ok", "ok", "ok", "non_finite", "stopped"]),
        source=st.just("trained"),
        steps=st.integers(0, 10),
        inherited_from=st.none() | CANDIDATES,
    ),
    max_size=30,
)


def result_of(records: list[Record]) -> SearchResult:
    return SearchResult(
        best=None,
        confirmation=[],
        comparison=[],
        records=records,
        counts={},
        seconds=0.0,
        interrupted=False,
        stopped=False,
        outputs=Outputs.of_classes(10),
        objective=Objective((Metric("accuracy", "max"),)),
    )


def dominates(one: Record, other: Record) -> bool:
    a, b = (one.loss.size, -one.fitness), (other.loss.size, -other.fitness)
    return a != b and a[0] <= b[0] and a[1] <= b[1]


@given(RECORDS)
def test_the_hall_of_fame_is_the_pareto_front(records) -> None:
    finished = [r for r in records if r.status == "ok" and r.fitness > 0]
    points: dict[tuple[int, float], Record] = {}
    for record in finished:
        if not any(dominates(other, record) for other in finished):
            points.setdefault((record.loss.size, record.fitness), record)
    front = result_of(records).hall_of_fame
    assert [id(record) for record in front] == [id(points[key]) for key in sorted(points)]
    assert all(one.fitness < other.fitness for one, other in itertools.pairwise(front))


@given(RECORDS)
def test_the_history_holds_every_record_and_its_text_gives_the_loss(records) -> None:
    table = pandas.DataFrame(result_of(records).history)
    if records:  # of no rows, there is no table to be made
        pandas.testing.assert_frame_equal(pandas.DataFrame(result_of(records)), table)
    assert list(table) == list(HISTORY_HEADER)
    assert [Expression.parse(text) for text in table.loss] == [r.loss for r in records]
    for name in ("phase", "generation", "individual", "fitness", "status", "source", "steps"):
        assert list(table[name]) == [getattr(record, name) for record in records]


@given(RECORDS, st.sampled_from([0.0, 0.01, 0.1]))
def test_the_best_pays_for_its_size_and_no_other_beats_it(records, coefficient) -> None:
    ranking, best = Ranking(coefficient), None
    for record in records:
        if ranking.better(record, best):
            best = record
    finished = [record for record in records if record.status == "ok"]
    assert (best is None) == (not finished)
    if best is not None:
        keys = [(max(0.0, r.fitness - coefficient * r.loss.size), -r.loss.size) for r in finished]
        assert best is finished[keys.index(max(keys))]


@given(RECORDS, st.integers(0, 5), st.sampled_from([0.0, 0.05]))
def test_the_best_ones_are_the_first_of_those_that_are_alike(records, count, coefficient) -> None:
    def same_size(one: Candidate, other: Candidate) -> bool:
        return one.loss.size == other.loss.size

    ranking = Ranking(coefficient)
    best = ranking.best(records, count, same_size)
    finished = {str(r.loss): r for r in records if r.status == "ok" and r.fitness > 0}
    assert len(best) == min(count, len({r.loss.size for r in finished.values()}))
    scores = [ranking.score(record) for record in best]
    assert scores == sorted(scores, reverse=True)
    for record in finished.values():
        rivals = [b for b in best if b.loss.size == record.loss.size]
        assert all(ranking.score(rival) >= ranking.score(record) for rival in rivals)
        if not rivals:
            assert all(score >= ranking.score(record) for score in scores)


def record_of(text: str, fitness: float, rate: float | None = None) -> Record:
    candidate = Candidate(Expression.parse(text), Hyperparameters(rate))
    return Record("discovery", 1, 1, candidate, fitness, "ok", "trained", 10)


def test_the_hall_of_fame_is_a_table_of_the_simplest_forms() -> None:
    records = [
        record_of("-(x*y)", 0.5, 0.1),
        record_of("-(x*log(2*y))", 0.7, 0.2),
        record_of("-(x*log(y)/2*2/2*2)", 0.75, 0.2),  # the same loss, as two trainings differ
        record_of("-(1.23456789*log(1.1*y) - 0.5*(x/y))", 0.9, 0.3),
        record_of("-(log(y) + 1 + 1 - x/y)", 0.8, 0.3),
    ]
    table = result_of(records).hall_of_fame_table
    assert table == [
        {"size": 3, "fitness": 0.5, "learning_rate": 0.1, "loss": "-(x*y)"},
        {"size": 4, "fitness": 0.75, "learning_rate": 0.2, "loss": "-(x*log(y))"},
        {
            "size": 6,
            "fitness": 0.9,
            "learning_rate": 0.3,
            "loss": "-1.23457*(log(y) - 0.405*(x/y))",
        },
    ]
    frame = pandas.DataFrame(table)
    assert list(frame) == ["size", "fitness", "learning_rate", "loss"]
    assert len(frame) == 3
    assert json.loads(json.dumps(table)) == table
    assert result_of([]).hall_of_fame_table == []


@pytest.mark.parametrize(
    ("outputs", "usual"),
    [
        ({"only": Output(Activation.SOFTMAX, 3)}, "cross-entropy"),
        ({"number": Output(Activation.LINEAR, 1)}, "squared error"),
        (
            {"classes": Output(Activation.SOFTMAX, 3), "number": Output(Activation.LINEAR, 1)},
            "squared error",
        ),
    ],
    ids=["classes", "numbers", "both"],
)
def test_the_best_loss_is_drawn_beside_the_usual_one(outputs, usual) -> None:
    found = FoundLoss(Expression.parse("square(x - y)"), 0.1)
    named = Outputs(tuple(outputs.values()), tuple(outputs))
    result = dataclasses.replace(result_of([]), outputs=named, found=found)
    for axes in result.plot().axes:
        assert axes.get_legend().get_texts()[0].get_text().startswith(usual)


def test_no_best_loss_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="no best loss"):
        result_of([]).plot()
