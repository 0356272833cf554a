"""A search that begins with known losses: which, in what form, and that it ends with no worse."""

import io
import statistics

import digits_search
import numpy as np
import pytest
from hashed_search import make_search, trained_by_hashes
from rich.console import Console

import glo_tf
from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.display.search import ProgressDisplay
from glo_tf.expressions.agreement import values as agreement_values
from glo_tf.expressions.tree import Expression
from glo_tf.report.run_folder import read_search
from glo_tf.results.record import Phase
from glo_tf.search.ask_tell import loss_of, tree_of
from glo_tf.search.phases import coefficient_searches
from glo_tf.search.spaces.space import glo, glo_extended, glo_long_tail
from glo_tf.search.spaces.taylor import taylor
from glo_tf.search.warm_start import known_starts, starting_trees, warm_start

CLASSES = Outputs.of_classes(3)
POLY1 = "-(x*log(y)) + 2.5*(x*(1 - y))"
SMALL = {"coefficient_expressions": 0, "comparison_seeds": 0, "generations": 1}
MORE = {**SMALL, "population_size": 60}


def test_the_library_begins_with_what_the_space_can_express_and_says_what_it_cannot() -> None:
    start = warm_start("library", glo(), CLASSES)
    assert {"cross-entropy", "baikal", "baikal_cma", "focal", "brier"} <= set(start.losses)
    assert str(start.losses["baikal_cma"]) == glo_tf.BaikalCMA().expression
    assert start.left_out["gce"] == "it needs exp"
    assert start.left_out["ngl"] == "it needs cos, exp, sin"
    assert start.left_out["nce"] == "it needs total"
    assert start.left_out["ldam"] == "it looks at all classes at once"
    assert "; without " in str(start)
    assert "ngl, as it needs cos, exp, sin" in str(start)
    wider = warm_start("library", glo_extended(), CLASSES)
    assert set(start.losses) < set(wider.losses)
    assert "gce" in wider.losses


def test_where_losses_see_all_classes_those_of_the_library_begin_too() -> None:
    counted = CLASSES.with_frequencies([90.0, 9.0, 1.0])
    start = warm_start("library, class_weighted(power=0.7)", glo_long_tail(), counted)
    assert {"nce", "logit_adjusted", "class_weighted"} < set(start.losses)
    assert str(start.losses["logit_adjusted"]) == "-(x*log(y*n/total(y*n)))"
    assert "exp(-0.7*log(n))" in str(start.losses["class_weighted(power=0.7)"])
    assert start.left_out["nce_rce"] == "it needs max"


@pytest.mark.parametrize(
    ("outputs", "expected", "absent"),
    [
        (Outputs((Output(Activation.SIGMOID, 3),)), "binary cross-entropy", "squared_error"),
        (Outputs((Output.of_numbers(1, np.array([0.0, 2.0])),)), "squared error", "brier"),
    ],
)
def test_the_library_is_that_of_the_outputs(outputs, expected, absent) -> None:
    start = warm_start("library", glo_extended(), outputs)
    assert next(iter(start.losses)) == expected
    assert absent not in {*start.losses, *start.left_out}


def test_names_expressions_and_the_library_go_together() -> None:
    start = warm_start("x*y - y, library, mine=square(x - y)", glo(), CLASSES)
    assert list(start.losses)[:2] == ["x*y - y", "mine"]
    assert "baikal" in start.losses
    assert "brier" not in start.losses  # it is mine
    assert warm_start(None, glo(), CLASSES).losses == {}
    named = warm_start({"a": "baikal"}, glo(), CLASSES)
    assert named.losses == {"a": Expression.parse("-(log(y) - x/y)")}


@pytest.mark.parametrize(
    ("given", "space", "message"),
    [
        ("gce", glo, r"nodes of search space 'glo', or .* 'gce', which needs exp"),
        (["baikal", "-(x*tanh(y))"], glo, "which needs tanh"),
        ("nce", glo, "which needs total"),
        ("ldam", glo, "looks at all classes at once"),
        ("library", taylor, "discovery phase for initial_losses.*'taylor'"),
        ("bikal", glo, "did you mean baikal"),
        (",", glo, "losses with a comma between them. Received: initial_losses=','"),
        (["-log(y)"], glo, "with x and y. Received: initial_losses"),
        ([], glo, "can express. Received: none"),
    ],
)
def test_what_cannot_begin_a_search_is_refused(given, space, message) -> None:
    with pytest.raises(glo_tf.GloError, match=message):
        warm_start(given, space(), CLASSES)


def test_a_search_refuses_them_before_any_training() -> None:
    with pytest.raises(glo_tf.GloError, match="initial_losses as text, a sequence or a dict"):
        make_search(initial_losses=3)
    with pytest.raises(glo_tf.GloError, match=r"at most population_size .* population_size=5, "):
        make_search(initial_losses="library", population_size=5)


def test_signs_become_nodes_and_other_coefficients_stay() -> None:
    losses = [Expression.parse(t) for t in ("-(log(y) - x/y)", "x*(1 - (-y))", POLY1)]
    trees = starting_trees(losses, glo())
    assert [set(tree.coefficients) == {1.0} for tree in trees] == [True, True, False]
    x, y = np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.7, 1.0])
    for loss, tree in zip(losses, trees, strict=True):
        values = [agreement_values(e, x, y) for e in (loss, loss_of(tree))]
        assert values[0] == pytest.approx(values[1], rel=1e-12)


def test_cma_es_starts_at_known_coefficients_and_at_ones(monkeypatch) -> None:
    trained_by_hashes(monkeypatch)
    search = make_search(initial_losses=["baikal_cma", "baikal"], population_size=4, elites=1)
    records = search.run().records[:2]
    tree = tree_of(records[0].loss)
    known = [Expression.parse(glo_tf.BaikalCMA().expression)]
    (start,) = known_starts(tree, known, glo())
    assert start == tree.coefficients
    assert 1.5352 in start
    # Baikal has the same shape, and none but ones of its own.
    assert known_starts(tree_of(records[1].loss), known, glo()) == [start]
    searches = coefficient_searches(search.settings, records[:1])
    means = [[float(v) for v in one._strategy.mean] for one in searches]
    assert means == [pytest.approx(start), [1.0] * 6]


def test_where_there_are_real_constants_coefficients_are_passed_on(monkeypatch) -> None:
    trained_by_hashes(monkeypatch)
    search = make_search(
        initial_losses=["baikal_cma"],
        search_space="glo_constants",
        population_size=40,
        generations=2,
        elites=1,
    )
    assert not search.task.compiles_trees
    first, *others = search.run().records
    coefficients = set(tree_of(first.loss).coefficients) - {1.0}
    inherited = [record for record in others if coefficients & set(record.loss.coefficients)]
    assert any(record.loss.nodes != first.loss.nodes for record in inherited)
    (start,) = coefficient_searches(search.settings, [inherited[0]])
    assert list(start._strategy.mean) == pytest.approx(tree_of(inherited[0].loss).coefficients)


def test_the_population_begins_with_them_as_they_are(monkeypatch, tmp_path) -> None:
    trainer = trained_by_hashes(monkeypatch)
    file = io.StringIO()
    display = ProgressDisplay(Console(file=file, width=1000))
    arguments = {**SMALL, "initial_losses": ["baikal_cma", POLY1], "output_dir": tmp_path}
    result = make_search(**arguments, callbacks=[display]).run()
    first, second = (record.loss for record in result.records[:2])
    assert str(first) == glo_tf.BaikalCMA().expression
    assert str(second.canonical()) == str(Expression.parse(POLY1).canonical())
    assert "begins with baikal_cma, " in file.getvalue()
    trainer.requests.clear()
    again = make_search(**arguments).run()
    assert (again.records, again.best, trainer.requests) == (result.records, result.best, [])
    with pytest.raises(ValueError, match=r"Received: output_dir=.*initial_losses"):
        make_search(**{**arguments, "initial_losses": ["baikal_cma"]})
    with pytest.raises(ValueError, match=r"Received: output_dir=.*initial_losses"):
        make_search(**{**arguments, "initial_losses": None})


@pytest.mark.parametrize("rate", ["own", "given"])
def test_known_losses_are_finalists_and_the_best_may_be_one(monkeypatch, tmp_path, rate) -> None:
    trainer = trained_by_hashes(monkeypatch)
    by_hash, best = trainer.fitness, "-(x*exp(0.7*log(y)))"

    def fitness(request):  # it is poor with the search's seed alone, which selects finalists
        if "exp" in str(request.loss):
            return 0.1 if request.seed == 0 else 0.999
        return 0.9 * by_hash(request)

    monkeypatch.setattr(trainer, "fitness", fitness)
    references = {"mine": best, "brier": "brier"}
    arguments = {**MORE, "learning_rate": rate, "seed": 0, "output_dir": tmp_path}
    result = make_search(**arguments, initial_losses="baikal", reference_losses=references).run()
    names = [row.name for row in result.confirmation]
    assert len(names) == 2 + 3  # finalists, references, and what it began with
    assert sum(", mine" in name or ", brier" in name or ", baikal" in name for name in names) == 3
    assert (result.best.phase, result.found.known) == (Phase.KNOWN, "mine")
    assert names[0].startswith(str(result.best_loss.expression))
    read = read_search(tmp_path)
    assert read.known == "mine"
    assert "It is a known loss, mine" in (tmp_path / "report.html").read_text()
    # Of references alone none is a finalist: what random trees found is what is given.
    random = make_search(**{**arguments, "output_dir": None}, reference_losses=references).run()
    assert len(random.confirmation) == 2
    assert random.found.known == ""


@pytest.mark.usefixtures("shared_trainers")
def test_the_confirmed_loss_is_no_worse_than_the_best_reference() -> None:
    references = ["gce", "mae", "categorical_crossentropy"]
    for seed in range(5):
        search = digits_search.make_search(
            None,
            seed=seed,
            screening="equivalence",
            population_size=6,
            initial_expressions=[],
            initial_losses="focal",
            reference_losses=references,
            **SMALL,
        )
        result = search.run()
        found, seeds = result.found.loss, result.confirmation[0].seeds
        assert seed not in seeds
        assert result.confirmation[0].loss == found
        known = [
            *(one.loss for one in result.bar.references),
            *search.settings.initial_losses.values(),
        ]
        means = [
            statistics.fmean(search.evaluate([loss], seed=one)[0].fitness for one in seeds)
            for loss in (found, *known)
        ]
        assert means[0] >= max(means[1:])
        search.close()
