"""`LossSearch` on real digits: both phases, the cache, interruption, the files it writes."""

import collections
import csv
import dataclasses
import functools
import json

import keras
import numpy as np
import pytest
from small_trainings import DIGITS, TRAIN, VALIDATION, linear

import glo_tf
from glo_tf.data.outputs import Outputs
from glo_tf.display.callbacks import Callback, Generation
from glo_tf.expressions.tree import Expression
from glo_tf.results.record import Record
from glo_tf.screening.screen import Screen, Verdict, trains_alike
from glo_tf.search.coefficients import cma_es
from glo_tf.search.coefficients.cma_es import CoefficientSearch
from glo_tf.search.coefficients.parameterization import Parameterization
from glo_tf.search.genetic.gplearn_operators import GplearnOperators
from glo_tf.search.genetic.operators import GloOperators
from glo_tf.search.loss_search import LossSearch
from glo_tf.search.spaces.space import glo
from glo_tf.search.spaces.taylor import lifts_the_label, polynomial, taylor
from glo_tf.training.candidate import Candidate
from glo_tf.training.tensorflow.trainer import CandidateTrainer

pytestmark = pytest.mark.usefixtures("shared_trainers")


def make_search(**arguments) -> LossSearch:
    settings = {
        "optimizer": keras.optimizers.SGD(0.1),
        "train_steps": 20,
        "batch_size": 50,
        "jit_compile": False,
        "population_size": 10,
        "elites": 2,
        "generations": 3,
        "coefficient_generations": 2,
        "finalists": 2,
        "finalist_seeds": 1,
        "comparison_seeds": 2,
        # The reference; random populations as small as these seldom hold a loss that can learn.
        "screening": "none",
    }
    return LossSearch(
        linear,
        TRAIN,
        VALIDATION,
        **{**settings, **arguments},
    )


class Recorder(Callback):
    def __init__(self) -> None:
        self.planned = 0
        self.records: list[Record] = []
        self.generations: list[Generation] = []
        self.result = None
        self.retrained: list[str] = []

    def on_retraining(self, stage: str, evaluation) -> None:
        assert evaluation.status in ("ok", "non_finite")
        self.retrained.append(stage)

    def on_search_begin(self, planned: int) -> None:
        self.planned = planned

    def on_evaluation(self, record: Record) -> None:
        self.records.append(record)

    def on_generation(self, generation: Generation) -> None:
        self.generations.append(generation)

    def on_search_end(self, result) -> None:
        self.result = result


@pytest.mark.slow
def test_a_whole_search_finds_writes_and_compares(tmp_path) -> None:
    recorder = Recorder()
    as_searched = {"simplify": False, "model_selection": "accuracy"}
    search = make_search(
        output_dir=tmp_path, callbacks=[recorder], population_size=20, **as_searched
    )
    result = search.run()
    assert recorder.result is result
    assert recorder.records == result.records
    # Two finalists; at least five learning rates; three losses with two seeds each.
    compared = recorder.retrained.count("comparison")
    assert compared >= 5 + 3 * 2
    assert recorder.retrained == ["confirmation"] * 2 + ["comparison"] * compared
    more_rates = compared - (5 + 3 * 2)
    assert len(recorder.records) + len(recorder.retrained) <= recorder.planned + more_rates
    assert [g.phase for g in recorder.generations] == ["discovery"] * 3 + ["coefficients"] * 2
    assert not result.interrupted
    fitness = {str(r.loss): r.fitness for r in result.records}
    finalists = {row.name: row.mean for row in result.confirmation}
    assert max(fitness[name] for name in finalists) == max(fitness.values())
    assert len(finalists) == 2
    one, other = (Candidate(row.loss) for row in result.confirmation)
    assert not trains_alike(one, other, Outputs.of_classes(10))
    assert finalists[str(result.best.loss)] == max(finalists.values())

    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["loss"] for row in rows] == [str(r.loss) for r in result.records]
    assert [float(row["fitness"]) for row in rows] == [r.fitness for r in result.records]

    loss = glo_tf.load_loss(tmp_path / "best_loss.json")
    assert loss.expression == str(result.best.loss)
    metadata = json.loads((tmp_path / "best_loss.json").read_text())["metadata"]
    rows = metadata["comparison"]["losses"]
    assert [(row["name"], row["tuned"]) for row in rows] == [
        ("best loss", False),
        ("cross-entropy", False),
        ("cross-entropy", True),
    ]
    assert all(row["seeds"] == [2, 3] for row in rows)
    assert metadata["comparison"]["verdict"] == result.comparison.verdict
    assert result.comparison.verdict.startswith("best loss ")
    assert [(t.label, t.baseline_label) for t in result.comparison.tests] == [
        ("best loss", "cross-entropy, tuned learning rate"),
        ("cross-entropy", "cross-entropy, tuned learning rate"),
        ("best loss", "cross-entropy"),
    ]
    best, usual, _ = result.comparison
    assert (best.loss, best.learning_rate) == (result.best.loss, usual.learning_rate)
    assert best.mean == pytest.approx(np.mean(best.fitnesses))
    assert all(row["seeds"] == [1] for row in metadata["confirmation"])

    model = linear()
    model.compile("sgd", loss=loss)
    history = model.fit(DIGITS.x_train, DIGITS.y_train, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"][0])


def test_no_expression_is_trained_twice_and_cached_ones_cost_no_step() -> None:
    result = make_search(population_size=30).run()
    trained = [str(r.loss) for r in result.records if r.source in ("trained", "failed")]
    assert len(trained) == len(set(trained))
    assert any(r.source == "cached" for r in result.records)
    assert all(r.steps == 0 for r in result.records if r.source in ("cached", "untrained"))


def test_trees_without_x_or_without_y_get_fitness_0_untrained() -> None:
    history = make_search(population_size=30).run().records
    without = [r for r in history if not r.loss.has_x_and_y]
    assert without
    assert {(r.fitness, r.status, r.source, r.steps) for r in without} == {
        (0.0, "untrained", "untrained", 0)
    }


@pytest.mark.slow
def test_the_seed_fixes_the_whole_search() -> None:
    histories = [make_search(seed=seed).run().records for seed in (5, 5, 6)]
    assert histories[0] == histories[1]
    assert [str(r.loss) for r in histories[0]] != [str(r.loss) for r in histories[2]]


def test_the_first_phase_evolves_unit_coefficients_and_the_second_tunes_the_best() -> None:
    result = make_search(population_size=20, coefficient_expressions=2).run()
    discovery = [r for r in result.records if r.phase == "discovery"]
    tuned = [r for r in result.records if r.phase == "coefficients"]
    assert {c for r in discovery for c in r.loss.negated().coefficients} == {1.0}
    by_fitness = sorted({r.fitness for r in discovery if r.status == "ok"}, reverse=True)
    nodes = list(dict.fromkeys(r.loss.nodes for r in tuned))
    best = [r for r in discovery if r.fitness == by_fitness[0]]
    assert nodes[0] in {r.loss.nodes for r in best}
    assert 1 <= len(nodes) <= 2


def test_gplearn_operators_drive_the_search() -> None:
    operators = GplearnOperators(glo(), p_crossover=0.5, p_subtree_mutation=0.3)
    result = make_search(operators=operators, coefficient_expressions=0).run()
    assert {r.phase for r in result.records} == {"discovery"}


def test_an_interrupted_search_writes_and_returns_what_it_found(tmp_path) -> None:
    class Interrupt(Callback):
        def on_generation(self, generation: Generation) -> None:
            if generation.number == 2:
                raise KeyboardInterrupt

    recorder = Recorder()
    search = make_search(output_dir=tmp_path, population_size=30, callbacks=[recorder, Interrupt()])
    result = search.run()
    assert result.interrupted
    assert recorder.result is result
    assert len(result.records) == 60
    assert not result.comparison
    written = glo_tf.load_loss(tmp_path / "best_loss.json").expression
    assert written == result.best_loss.expression
    metadata = json.loads((tmp_path / "best_loss.json").read_text())["metadata"]
    assert metadata.get("searched", written) == str(result.best.loss)


def test_a_finalist_that_fails_with_other_seeds_is_not_the_best(monkeypatch) -> None:
    arguments = {"coefficient_expressions": 0, "finalists": 3, "comparison_seeds": 0}
    search = make_search(population_size=30, simplify=False, **arguments)
    evaluate, lucky = CandidateTrainer.evaluate, []

    def fails_with_other_seeds(trainer, request, check):
        evaluation, loss = evaluate(trainer, request, check), request.loss
        if request.seed == 0:
            lucky.append((-evaluation.fitness, loss.size, str(loss), loss))
            return evaluation
        return dataclasses.replace(evaluation, fitness=0.0 if loss == min(lucky)[-1] else 0.5)

    monkeypatch.setattr(CandidateTrainer, "evaluate", fails_with_other_seeds)
    result = search.run()
    fittest = min(lucky)[-1]
    assert result.confirmation[-1].loss == fittest
    assert result.best.loss != fittest
    assert result.best.loss == result.confirmation[0].loss


def test_without_finalists_the_fittest_is_the_best() -> None:
    result = make_search(population_size=30, finalists=0, comparison_seeds=0).run()
    assert result.confirmation == []
    assert result.best.fitness == max(r.fitness for r in result.records)


def test_evaluate_trains_a_given_loss() -> None:
    search = make_search()
    (evaluation, untrained) = search.evaluate(["-(x*log(y))", Expression.parse("-log(y)")])
    assert evaluation.status == "ok"
    assert evaluation.seed == 0
    assert untrained.status == "untrained"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"population_size": 4, "elites": 4}, "population_size=4, elites=4"),
        ({"generations": 0}, "Expected generations of at least 1. Received: generations=0"),
        ({"seed": -1}, "Expected seed of at least 0. Received: seed=-1"),
        ({"train_steps": -5}, "train_steps=-5"),
        ({"batch_size": 10**6}, "batch_size=1000000"),
        ({"train_steps": "5"}, "Expected train_steps to be a whole number. Received: .*='5'"),
        ({"racing": "no"}, "Expected racing to be True or False. Received: racing='no'"),
        ({"strategy": None}, "Expected strategy to be the name of a registered strategy, or a"),
        ({"search_space": 3}, "Expected search_space to be the name of a registered search space"),
        ({"coefficient_sigma0": 0.0}, "coefficient_sigma0=0.0"),
        ({"coefficient_population_size": 1}, "coefficient_population_size=1"),
        ({"screening": "some"}, "Expected screening to be one of full, .* screening='some'"),
        ({"jit_compile": "yes"}, "Expected jit_compile to be True, .* jit_compile='yes'"),
        ({"search_space": "nothing"}, "Expected one of .*glo.*nothing"),
        (
            {"search_space": "taylor", "coefficient_generations": 0},
            "Expected coefficient_generations of at least 1. Received: coefficient_generations=0",
        ),
    ],
)
def test_bad_arguments_are_refused_before_any_training(arguments, message, tmp_path) -> None:
    with pytest.raises(ValueError, match=message):
        make_search(output_dir=tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_earlier_results_are_not_overwritten_unasked(tmp_path) -> None:
    short = {"generations": 1, "coefficient_expressions": 0, "comparison_seeds": 0}
    make_search(output_dir=tmp_path, **short).run()
    written = (tmp_path / "history.csv").read_bytes()
    with pytest.raises(ValueError, match=r"Received: output_dir=.*, seed=9 \(there: 0\)$"):
        make_search(output_dir=tmp_path, seed=9, **short)
    assert (tmp_path / "history.csv").read_bytes() == written
    make_search(output_dir=tmp_path, overwrite=True, seed=9, **short).run()
    assert (tmp_path / "history.csv").read_bytes() != written


def test_an_output_dir_that_is_a_file_is_refused(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="Expected a writable output_dir"):
        make_search(output_dir=tmp_path / "file")


def test_full_screening_trains_less_and_says_what_it_inherited(tmp_path) -> None:
    search = make_search(
        screening="full",
        population_size=40,
        generations=4,
        output_dir=tmp_path,
        finalists=0,
        comparison_seeds=0,
        coefficient_expressions=0,
    )
    result = search.run()
    assert result.counts["rejected"] > result.counts["trained"] > 0
    assert {type(source) for source in result.counts} == {str}  # as readers print it
    with open(tmp_path / "history.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    inherited = [row for row in rows if row["source"] == "inherited"]
    assert inherited
    fitness = {row["loss"]: row["fitness"] for row in rows if row["source"] != "inherited"}
    for row in inherited:
        assert fitness[row["inherited_from"]] == row["fitness"]
        assert row["steps"] == "0"
    assert all(row["fitness"] == "0.0" for row in rows if row["source"] == "rejected")


def test_equivalence_gives_the_plain_algorithms_fitnesses_with_fewer_trainings() -> None:
    settings = {
        "population_size": 60,
        "generations": 2,
        "finalists": 0,
        "comparison_seeds": 0,
        "coefficient_expressions": 0,
        "seed": 2,
    }
    plain = make_search(**settings).run()
    equivalent = make_search(**settings, screening="equivalence").run()
    assert [r.fitness for r in plain.records] == [r.fitness for r in equivalent.records]
    assert equivalent.counts["inherited"] > 0
    assert sum(r.steps for r in equivalent.records) < sum(r.steps for r in plain.records)


@pytest.mark.slow
def test_racing_trains_only_the_best_in_full() -> None:
    settings = {
        "screening": "full",
        "train_steps": 90,
        "population_size": 40,
        "generations": 4,
        "seed": 1,
        "finalists": 0,
        "comparison_seeds": 0,
        "coefficient_expressions": 0,
    }
    steps: dict[tuple[bool, str], list[int]] = collections.defaultdict(list)
    for racing in (False, True):
        for record in make_search(**settings, racing=racing).run().records:
            steps[racing, record.source].append(record.steps)
    assert set(steps[True, "trained"]) == {90}
    assert len(steps[True, "trained"]) < len(steps[False, "trained"])
    assert set(steps[True, "stopped"]) <= {10, 30}
    assert len(steps[True, "stopped"]) > len(steps[False, "stopped"])


TAYLOR = {"search_space": "taylor", "coefficient_generations": 3, "screening": "full"}


def test_a_space_without_discovery_searches_its_parameters_alone() -> None:
    recorder = Recorder()
    ignored = {"population_size": 50, "generations": 9, "coefficient_expressions": 0}
    result = make_search(**TAYLOR, **ignored, callbacks=[recorder]).run()
    assert [record.phase for record in result.records] == ["coefficients"] * 3 * 28
    more_rates = recorder.retrained.count("comparison") - (5 + 3 * 2)
    assert more_rates >= 0
    assert len(recorder.records) + len(recorder.retrained) == recorder.planned + more_rates
    assert len({record.loss.nodes for record in result.records}) == 1
    assert result.best.loss in [record.loss for record in result.records]


def test_cma_es_draws_anew_what_violates_the_invariant(monkeypatch) -> None:
    monkeypatch.setattr(Screen, "examine", lambda _, losses: [Verdict()] * len(losses))
    history = make_search(**TAYLOR, finalists=0, comparison_seeds=0).run().records
    assert all(lifts_the_label(record.loss, 10) for record in history)
    assert "rejected" not in {record.source for record in history}


def test_what_is_rejected_all_the_same_is_told_to_cma_es_as_failed(monkeypatch) -> None:
    monkeypatch.setattr(cma_es, "_DRAWS", 1)
    told = []
    tell = CoefficientSearch.tell

    def recorded(search, evaluations) -> None:
        told.extend(evaluations)
        tell(search, evaluations)

    monkeypatch.setattr(CoefficientSearch, "tell", recorded)
    # A screen that lets all through, so that only the invariant rejects.
    monkeypatch.setattr(Screen, "examine", lambda _, losses: [Verdict()] * len(losses))
    history = make_search(**TAYLOR, finalists=0, comparison_seeds=0).run().records
    rejected = [record for record in history if record.source == "rejected"]
    assert 0 < len(rejected) < len(history)
    for record, evaluation in zip(history, told, strict=True):
        assert (record.source == "rejected") == (not lifts_the_label(record.loss, 10))
        if record.source == "rejected":
            assert (record.fitness, record.steps, evaluation.status) == (0.0, 0, "rejected")


def test_without_full_screening_the_invariant_rejects_nothing() -> None:
    short = {"coefficient_generations": 1, "finalists": 0, "comparison_seeds": 0}
    result = make_search(**{**TAYLOR, **short, "screening": "none"}).run()
    assert "rejected" not in result.counts
    assert not all(lifts_the_label(record.loss, 10) for record in result.records)


def test_a_space_without_the_coefficient_phase_skips_it() -> None:
    recorder = Recorder()
    space = dataclasses.replace(glo(), phases=("discovery",))
    short = {"search_space": space, "finalists": 0, "comparison_seeds": 0}
    result = make_search(**short, coefficient_expressions=3, callbacks=[recorder]).run()
    assert {record.phase for record in result.records} == {"discovery"}
    assert len(result.records) == recorder.planned


def test_a_space_has_operators_and_settings_of_its_own() -> None:
    space = dataclasses.replace(
        glo(), operators=GplearnOperators, coefficient_sigma0=0.3, coefficient_population_size=5
    )
    settings = make_search(search_space=space).settings
    assert isinstance(settings.operators, GplearnOperators)
    assert (settings.coefficient_sigma0, settings.coefficient_population_size) == (0.3, 5)
    given = make_search(
        search_space=space,
        operators=GloOperators(space),
        coefficient_sigma0=0.7,
        coefficient_population_size=6,
    ).settings
    assert isinstance(given.operators, GloOperators)
    assert (given.coefficient_sigma0, given.coefficient_population_size) == (0.7, 6)
    plain = make_search().settings
    assert isinstance(plain.operators, GloOperators)
    assert (plain.coefficient_sigma0, plain.coefficient_population_size) == (1.5, None)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (dataclasses.replace(taylor(), invariant=None), "search_space.invariant"),
        (
            dataclasses.replace(
                taylor(), parameterization=Parameterization(polynomial, (1.0,) * 8)
            ),
            "search_space.parameterization.start",
        ),
        (
            dataclasses.replace(
                taylor(),
                parameterization=Parameterization(functools.partial(polynomial), (0.0,) * 8),
            ),
            "search_space.parameterization.expression",
        ),
    ],
)
def test_searches_of_different_spaces_are_told_apart(space, message, tmp_path) -> None:
    make_search(**TAYLOR, output_dir=tmp_path)
    make_search(**TAYLOR, output_dir=tmp_path)
    with pytest.raises(ValueError, match=message):
        make_search(**{**TAYLOR, "search_space": space}, output_dir=tmp_path)
