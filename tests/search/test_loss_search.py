"""What `LossSearch` offers beside the search proper, with trainings whose values are known."""

import copy
import dataclasses
import functools
import json
import pickle

import keras
import numpy as np
import pandas
import pytest
from hashed_search import LABELS, SAMPLES, HashTrainer, StopAt, make_search, trained_by_hashes

import glo_tf
from glo_tf.comparison.config import ComparisonConfig
from glo_tf.display.callbacks import Callback, Generation
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of
from glo_tf.results.record import Record
from glo_tf.screening.scale import relative_scale
from glo_tf.search.config import SearchConfig
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Evaluation, Request

CROSS_ENTROPY = "-(x*log(y))"
BAIKAL = "-(log(y) - x/y)"
SQUARE = "square(x - y)"


@pytest.fixture(autouse=True)
def trainer(monkeypatch) -> HashTrainer:
    return trained_by_hashes(monkeypatch)


def test_the_history_is_a_table_of_plain_values() -> None:
    result = make_search(screening="equivalence").run()
    table = pandas.DataFrame(result.history)
    assert len(table) == len(result.records)
    assert list(table.loss) == [str(record.loss) for record in result.records]
    assert set(table.source) >= {"trained", "inherited"}
    inherited = table[table.source == "inherited"]
    assert set(inherited.inherited_from) <= set(table.loss) | {"x*log(y)"}
    best = table[table.status == "ok"].groupby("generation").fitness.max()
    assert best.max() == max(record.fitness for record in result.records)
    assert json.loads(json.dumps(result.history)) == result.history


def test_the_hall_of_fame_of_a_search_is_of_its_records() -> None:
    result = make_search().run()
    front = result.hall_of_fame
    assert front
    assert all(record in result.records for record in front)
    assert front[-1].fitness == max(r.fitness for r in result.records if r.status == "ok")


def test_evaluate_takes_losses_in_every_form_and_keeps_their_order(trainer) -> None:
    search = make_search(seed=7)
    losses = [BAIKAL, Expression.parse(CROSS_ENTROPY), glo_tf.Baikal(sparse=True), "-log(y)"]
    evaluations = search.evaluate(losses)
    assert [str(e.loss) for e in evaluations] == [BAIKAL, CROSS_ENTROPY, BAIKAL, "-log(y)"]
    assert [e.status for e in evaluations] == ["ok", "ok", "ok", "untrained"]
    assert evaluations[0] == evaluations[2]
    assert trainer.trained() == [(BAIKAL, 7), (CROSS_ENTROPY, 7)]
    (other,) = search.evaluate([BAIKAL], seed=1, learning_rate=0.5)
    assert (
        trainer.requests[-1].seed,
        trainer.requests[-1].candidate.hyperparameters.learning_rate,
    ) == (
        1,
        0.5,
    )
    assert other.seed == 1
    assert search.evaluate([]) == []


def test_a_mean_over_the_classes_is_trained_as_such() -> None:
    (evaluation,) = make_search().evaluate([glo_tf.NGL()])
    text = glo_tf.NGL().expression
    assert evaluation.loss.coefficients[0] == Expression.parse(text).coefficients[0] / 3
    assert evaluation.loss.nodes == Expression.parse(text).nodes


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (BAIKAL, r"Expected expressions as a sequence of losses, .*expressions='-\(log"),
        ([3], r"Expected text, Expression or ExpressionLoss\. Received: expressions\[0\]=3"),
        ([BAIKAL, "log("], "Expected .* at column 5"),
        ([glo_tf.Baikal(epsilon=1e-3)], r"epsilon=1e-07, .*expressions\[0\] with epsilon=0\.001"),
        ([glo_tf.Baikal(from_logits=True)], "with from_logits=True"),
        ([glo_tf.Baikal(label_smoothing=0.1)], r"with label_smoothing=0\.1"),
        ([glo_tf.Baikal(reduction="sum")], "with reduction='sum'"),
    ],
)
def test_losses_that_cannot_be_trained_as_given_are_refused(given, message, trainer) -> None:
    with pytest.raises(ValueError, match=message):
        make_search().evaluate(given)
    assert trainer.requests == []


def test_a_negative_seed_is_refused(trainer) -> None:
    with pytest.raises(ValueError, match=r"Expected seed of at least 0\. Received: seed=-1"):
        make_search().evaluate([BAIKAL], seed=-1)


def test_compare_takes_seeds_that_the_search_has_not_seen(trainer) -> None:
    search = make_search(seed=5, fitness_seeds=3, finalist_seeds=2)
    search.evaluate([BAIKAL])
    del trainer.requests[:]
    found = search.compare([BAIKAL, glo_tf.NGL()], seeds=2, tuning_seeds=1)
    assert [entry.name for entry in found.losses] == ["cross-entropy", BAIKAL, "ngl"]
    assert [entry.seeds for entry in found.losses] == [(11, 12)] * 3  # 10 is for tuning
    assert trainer.trained()[:2] == [(CROSS_ENTROPY, 11), (CROSS_ENTROPY, 12)]
    assert (found.metric, found.split, found.steps) == ("accuracy", "validation", (10,))
    assert found.verdict
    named = search.compare({"mine": BAIKAL, "same": BAIKAL}, (SAMPLES[:9], LABELS[:9]), seeds=2)
    assert [entry.name for entry in named.losses] == ["cross-entropy", "mine", "same"]
    assert named.split == "test"
    assert [entry.last("accuracy") for entry in named.losses[:2]] == [
        [evaluation.fitness for evaluation in trainer_values(trainer, loss, (13, 14))]
        for loss in (CROSS_ENTROPY, BAIKAL)
    ]


def trainer_values(trainer: HashTrainer, loss: str, seeds) -> list[Evaluation]:
    return [trainer.evaluate(Request(Candidate(Expression.parse(loss)), seed)) for seed in seeds]


def test_compare_may_train_longer_than_the_search_did(trainer) -> None:
    found = make_search().compare([BAIKAL], train_steps=40, evaluate_every=15, seeds=1)
    assert found.steps == (15, 30, 40)
    assert {request.checkpoints for request in trainer.requests} == {(15, 30, 40)}


def test_compare_refuses_bad_arguments_before_any_training(trainer) -> None:
    with pytest.raises(ValueError, match=r"Expected seeds of at least 1\. Received: seeds=0"):
        make_search().compare([BAIKAL], seeds=0)
    with pytest.raises(ValueError, match="Expected test_data"):
        make_search().compare([BAIKAL], test_data=(SAMPLES, LABELS[:3]))
    assert trainer.requests == []


def test_compare_waits_for_the_search_to_end(trainer) -> None:
    class CompareAtOnce(Callback):
        def on_generation(self, generation: Generation) -> None:
            search.compare([BAIKAL])

    search = make_search(callbacks=[CompareAtOnce()])
    with pytest.raises(ValueError, match="Expected a search that has ended"):
        search.run()


def test_a_result_compares_after_its_search_has_closed(tmp_path, trainer) -> None:
    search = make_search(output_dir=tmp_path)
    result = search.run()
    found = result.compare([BAIKAL, glo_tf.NGL()], seeds=2)
    assert (found.baseline, found.baseline_tuned) == ("cross-entropy", True)
    names = [entry.name for entry in found.losses[::2]]
    assert names == ["cross-entropy", "best loss", BAIKAL, "ngl"]
    assert found.losses[2].expression == str(result.best.loss)
    assert glo_tf.Comparison.load(tmp_path / "comparison.json") == found
    before = len(trainer.requests)
    assert result.compare([BAIKAL, glo_tf.NGL()], seeds=2) == found
    assert len(trainer.requests) == before  # all of it is in the studies
    make_search(output_dir=tmp_path)  # the folder is free


@pytest.mark.parametrize("given", ["cross_entropy", "baikal"])
def test_a_known_loss_that_was_found_stands_once_in_a_comparison(given, trainer) -> None:
    found = {"cross_entropy": CROSS_ENTROPY, "baikal": BAIKAL}[given]
    result = make_search(
        population_size=1,
        elites=0,
        generations=1,
        initial_expressions=[found],
        coefficient_expressions=0,
    ).run()
    comparison = result.compare([given, "ngl"], seeds=1, tune_learning_rate=False)
    names = [entry.name for entry in comparison.losses]
    assert names[-2:] == [f"best loss ({given})", "ngl"]
    assert comparison.baseline == names[0]
    assert len(names) == (2 if given == "cross_entropy" else 3)


def test_a_result_compares_while_its_search_is_open(tmp_path) -> None:
    class CompareAtTheEnd(Callback):
        def on_search_end(self, result) -> None:
            self.found = result.compare(seeds=1, tune_learning_rate=False)

    callback = CompareAtTheEnd()
    result = make_search(callbacks=[callback], output_dir=tmp_path).run()
    assert callback.found.losses[1].expression == str(result.best.loss)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))]
)
def test_a_copied_result_is_data_without_a_search(copied) -> None:
    result = make_search().run()
    other = copied(result)
    assert other == result
    assert other.history == result.history
    assert repr(other) == repr(result)
    assert dataclasses.asdict(other)["records"] == dataclasses.asdict(result)["records"]
    with pytest.raises(ValueError, match=r"Expected the result that LossSearch\.run returned"):
        other.compare()


class Told(Callback):
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.generations = 0
        self.stages: list[str] = []
        self.ended = 0

    def on_evaluation(self, record: Record) -> None:
        self.records.append(record)

    def on_generation(self, generation: Generation) -> None:
        self.generations += 1

    def on_retraining(self, stage: str, evaluation: Evaluation) -> None:
        self.stages.append(stage)

    def on_search_end(self, result) -> None:
        self.ended += 1


def test_a_callback_that_stops_the_search_leaves_confirmation_and_comparison(tmp_path) -> None:
    whole = make_search().run()
    told = Told()
    stopping = [StopAt("on_generation", 2), told]
    result = make_search(callbacks=stopping, output_dir=tmp_path).run()
    assert (result.stopped, result.interrupted) == (True, False)
    assert (whole.stopped, whole.interrupted) == (False, False)
    assert result.records == whole.records[:40] == told.records
    assert told.generations == 2  # it was told of the generation after which the other one stopped
    assert len(result.confirmation) == 2
    assert result.comparison[0].loss == result.best.loss
    assert told.stages == ["confirmation"] * 4 + ["comparison"] * 11
    assert told.ended == 1
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 41
    continued = make_search(output_dir=tmp_path).run()
    assert dataclasses.replace(continued, seconds=whole.seconds) == whole


def test_a_stop_within_a_generation_keeps_what_is_known(tmp_path) -> None:
    told = Told()
    callbacks = [StopAt("on_evaluation", 27), told]
    result = make_search(callbacks=callbacks, output_dir=tmp_path).run()
    assert result.stopped
    assert result.records == told.records
    assert len(result.records) == 27
    assert sum(result.counts.values()) == 27
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 28
    assert result.comparison


def test_a_stop_in_a_retraining_ends_the_rest() -> None:
    make = functools.partial(make_search, simplify=False)  # one form of each finalist
    result = make(callbacks=[StopAt("on_retraining", 2)]).run()
    assert result.stopped
    assert (result.confirmation, list(result.comparison)) == ([], [])
    assert (result.comparison.losses, result.comparison.verdict) == ((), "")
    assert result.best.fitness == max(r.fitness for r in result.records if r.status == "ok")
    result = make(callbacks=[StopAt("on_retraining", 5)]).run()
    assert len(result.confirmation) == 2
    assert not result.comparison


def test_a_stop_before_the_first_candidate_finds_nothing() -> None:
    result = make_search(callbacks=[StopAt("on_search_begin")]).run()
    assert result.stopped
    assert (result.best, result.records, result.confirmation) == (None, [], [])
    with pytest.raises(ValueError, match="Expected at least one finished training"):
        result.compare()


def test_a_stop_at_the_end_changes_nothing() -> None:
    told = Told()
    result = make_search(callbacks=[StopAt("on_search_end"), told]).run()
    assert not result.stopped
    assert told.ended == 1


@pytest.mark.parametrize("strategy", ["local", "devices"])
def test_a_callback_may_evaluate_losses_of_its_own(strategy, trainer) -> None:
    found = []

    class Asks(Callback):
        def on_evaluation(self, record: Record) -> None:
            found.append(search.evaluate([CROSS_ENTROPY, BAIKAL, record.loss], seed=7))

        def on_retraining(self, stage: str, evaluation: Evaluation) -> None:
            search.evaluate([evaluation.loss], seed=8)

    search = make_search(callbacks=[Asks()], strategy=strategy)
    result = search.run()
    plain = make_search().run()
    assert result.history == plain.history
    assert result.comparison == plain.comparison
    assert [str(e.loss) for e in found[-1]][:2] == [CROSS_ENTROPY, BAIKAL]
    assert len({(r.candidate, r.seed) for r in trainer.requests if r.seed == 7}) == len(
        [r for r in trainer.requests if r.seed == 7]
    )


def test_a_search_does_not_run_inside_itself() -> None:
    class RunsAgain(Callback):
        def on_generation(self, generation: Generation) -> None:
            search.run()

    search = make_search(callbacks=[RunsAgain()])
    with pytest.raises(ValueError, match="Expected a search that does not run"):
        search.run()


def test_the_first_error_is_the_one_that_is_raised(caplog, tmp_path, monkeypatch) -> None:
    told = []

    class Fails(Callback):
        def __init__(self, name: str) -> None:
            self.name = name

        def on_generation(self, generation: Generation) -> None:
            if generation.number == 2:
                raise KeyError(f"the first of {self.name}")

        def on_search_end(self, result) -> None:
            told.append(self.name)
            raise OSError(f"the last of {self.name}")

    search = make_search(callbacks=[Fails("a"), Fails("b")], output_dir=tmp_path / "run")
    dispatcher = search._open()
    monkeypatch.setattr(dispatcher._strategy, "close", lambda: 1 / 0)
    with pytest.raises(KeyError, match="the first of a") as raised:
        search.run()
    assert told == ["a", "b"]
    notes = raised.value.__notes__
    assert [note.split(": ", 1)[1] for note in notes] == [
        "OSError: the last of a",
        "ZeroDivisionError: division by zero",
    ]
    for text in ("the last of a", "the last of b", "division by zero"):
        assert text in caplog.text
    with pytest.raises(OSError, match="the last of a"):  # the only one
        make_search(generations=1, coefficient_expressions=0, callbacks=[Fails("a")]).run()


def test_a_stopped_search_trains_nothing_more_of_its_generation(trainer) -> None:
    class Stops(Callback):
        def on_evaluation(self, record: Record) -> None:
            raise glo_tf.StopSearch

    search = make_search(callbacks=[Stops()], strategy="local", finalists=0)
    search.run()
    of_discovery = [request for request in trainer.requests if request.seed == 0]
    # The candidate that was known, and the learning rates of cross-entropy.
    assert len({request.loss for request in of_discovery}) <= 2


def test_other_errors_of_callbacks_go_on_to_the_caller() -> None:
    class Broken(Callback):
        def on_generation(self, generation: Generation) -> None:
            raise RuntimeError("no room on the dashboard")

    told = Told()
    with pytest.raises(RuntimeError, match="no room on the dashboard"):
        make_search(callbacks=[told, Broken()]).run()
    assert told.ended == 1


def test_initial_expressions_come_first_and_evolve(trainer) -> None:
    losses = [BAIKAL, SQUARE, glo_tf.ExpressionLoss("-(x/y) + log(y)*-1"), BAIKAL]
    result = make_search(initial_expressions=losses).run()
    first, second, third, *random = [r.loss for r in result.records[:20]]
    assert str(first) == BAIKAL
    assert len(random) == 17
    assert first not in random  # given twice, it has one place
    plain = make_search().run()
    assert random == [r.loss for r in plain.records[:17]]
    x, y = np.eye(3)[[0, 1]], np.random.default_rng(0).uniform(0.01, 1, (2, 3))
    for loss, text in ((second, SQUARE), (third, "-(x/y) + log(y)*-1")):
        np.testing.assert_array_equal(value(loss, x, y), value(Expression.parse(text), x, y))
    elite = max(result.records[:20], key=lambda r: r.fitness)
    assert elite.loss in [r.loss for r in result.records[20:22]]


def value(loss: Expression, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return value_of(loss, x, y, ops=np)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"initial_expressions": BAIKAL}, "Expected initial_expressions as a sequence"),
        ({"initial_expressions": ["-log(y)"]}, r"with x and y. Received: '-log\(y\)'"),
        ({"initial_expressions": ["-(x*tanh(y))"]}, r"'glo'\. Received: .*, with tanh$"),
        ({"initial_expressions": ["-1.5*(x*y)"]}, r"without coefficients.*-1\.5 in"),
        ({"initial_expressions": [glo_tf.BaikalCMA()]}, "without coefficients"),
        ({"initial_expressions": [glo_tf.NGL()]}, "with class_reduction='sum'.*='mean'"),
        (
            {"initial_expressions": [f"-(x*y) - {n}" for n in range(5)], "population_size": 4},
            "population_size=4, 5 of these",
        ),
        ({"fitness_seeds": 0}, "fitness_seeds=0"),
        ({"parsimony_coefficient": -0.1}, r"parsimony_coefficient=-0\.1"),
        ({"parsimony_coefficient": float("nan")}, "parsimony_coefficient=nan"),
    ],
)
def test_bad_arguments_are_refused_before_any_training(arguments, message, tmp_path) -> None:
    with pytest.raises(ValueError, match=message):
        make_search(output_dir=tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_all_that_decides_a_search_tells_it_from_others(tmp_path) -> None:
    make_search(output_dir=tmp_path, initial_expressions=[BAIKAL])
    for changed in (
        {"initial_expressions": [CROSS_ENTROPY]},
        {"fitness_seeds": 2},
        {"parsimony_coefficient": 0.01},
    ):
        with pytest.raises(ValueError, match=f"Received: output_dir=.*, {next(iter(changed))}="):
            make_search(output_dir=tmp_path, **{"initial_expressions": [BAIKAL], **changed})


def test_fitness_over_several_seeds_is_their_mean_and_later_seeds_are_others(trainer) -> None:
    whole = {"seed": 4, "fitness_seeds": 3, "finalist_seeds": 2, "comparison_seeds": 1}
    result = make_search(**whole).run()
    for record in result.records[:20]:
        if record.source == "trained":
            single = [make_fitness(record.loss, seed) for seed in (4, 5, 6)]
            assert record.fitness == pytest.approx(np.mean(single), abs=1e-12)
            assert record.steps == 30
    assert {row.seeds for row in result.confirmation} == {(7, 8)}
    assert {row.seeds for row in result.comparison} == {(9,)}


def make_fitness(loss: Expression, seed: int) -> float:
    return HashTrainer().evaluate(Request(Candidate(loss), seed)).fitness


def test_a_search_over_several_seeds_goes_on_where_it_was_stopped(tmp_path, trainer) -> None:
    whole = make_search(fitness_seeds=2).run()
    trainer.requests.clear()
    make_search(fitness_seeds=2, output_dir=tmp_path, callbacks=[StopAt("on_evaluation", 13)]).run()
    make_search(fitness_seeds=2, output_dir=tmp_path).run()
    keys = [(r.candidate, r.seed) for r in trainer.requests]
    assert len(keys) == len(set(keys))
    assert make_search(fitness_seeds=2, output_dir=tmp_path).run().records == whole.records


def test_parsimony_prefers_small_trees_and_reports_raw_fitness() -> None:
    free = make_search(finalists=0).run()
    dear = make_search(finalists=0, parsimony_coefficient=0.2).run()
    finished = [r for r in dear.records if r.status == "ok"]
    assert dear.best.fitness == make_fitness(dear.best.loss, 0)
    scores = {str(r.loss): max(0.0, r.fitness - 0.2 * r.loss.size) for r in finished}
    assert scores[str(dear.best.loss)] == max(scores.values())
    mean = [np.mean([r.loss.size for r in each.records[40:60]]) for each in (free, dear)]
    assert mean[1] < mean[0]


def test_the_confirmed_best_pays_for_its_size() -> None:
    arguments = {"finalists": 8, "coefficient_expressions": 0, "model_selection": "accuracy"}
    dear = make_search(parsimony_coefficient=0.1, **arguments).run()
    scores = [max(0.0, row.mean - 0.1 * row.loss.size) for row in dear.confirmation]
    assert scores == sorted(scores, reverse=True)
    assert dear.best_loss.tree == dear.confirmation[0].loss
    means = [row.mean for row in dear.confirmation]
    assert means != sorted(means, reverse=True)


@pytest.mark.parametrize("rate", ["mine", 0.0, float("nan"), True, None])
def test_a_learning_rate_is_a_number_or_one_of_two_words(rate) -> None:
    with pytest.raises(ValueError, match=r"Expected .*learning_rate.* Received: learning_rate="):
        make_search(learning_rate=rate)


def test_a_learning_rate_takes_the_place_of_the_optimizers(trainer) -> None:
    search = make_search(optimizer="adam", learning_rate=0.25)
    assert search.task.learning_rate == 0.25
    assert (
        search.task.description
        == make_search(optimizer=keras.optimizers.Adam(0.25)).task.description
    )
    assert search.compare([BAIKAL], seeds=1).losses[0].learning_rate == 0.25
    assert make_search(learning_rate="given").task.learning_rate == 0.01


def test_with_own_rates_the_usual_loss_is_tuned_first(trainer) -> None:
    search = make_search(learning_rate="own", seed=3)
    search.run()
    first = trainer.requests[:5]
    assert {str(request.loss) for request in first} == {CROSS_ENTROPY}
    assert {request.seed for request in first} == {3}
    rates = [request.candidate.hyperparameters.learning_rate for request in first]
    assert rates == [0.01, 0.02, 0.05, 0.1, 0.2]


OWN = {
    "learning_rate": "own",
    "reference_losses": [],
    "screening": "equivalence",
    "train_steps": 9,
}


def written(folder) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("history.csv", "best_loss.json")]


@pytest.mark.parametrize(
    "settings",
    [{}, {"racing": True}, {"fitness_seeds": 2}, {"optimizer": "adam", "screening": "full"}],
    ids=str,
)
def test_a_search_with_own_rates_goes_on_byte_for_byte(trainer, tmp_path, settings) -> None:
    settings = {**OWN, **settings}
    whole = make_search(output_dir=tmp_path / "whole", **settings).run()
    rated = [r for r in whole.records if r.source in ("trained", "stopped", "inherited")]
    assert rated
    assert all(record.candidate.hyperparameters.learning_rate for record in rated)
    trained = len(trainer.requests)

    assert (tmp_path / "whole" / "report.html").exists()
    history = pandas.read_csv(tmp_path / "whole" / "history.csv")
    assert list(history.columns) == list(whole.history)
    assert list(history.learning_rate.dropna()) == [
        rate for rate in whole.history["learning_rate"] if rate is not None
    ]
    folder, plain = tmp_path / "cut", trainer.evaluate
    trainer.requests.clear()

    def ends_after(trainings: int):
        def evaluate(request: Request, check=None) -> Evaluation:
            if len(trainer.requests) >= trainings:
                raise KeyboardInterrupt
            return plain(request)

        return evaluate

    for trainings in (3, trained // 3, trained - 3):
        trainer.evaluate = ends_after(trainings)
        assert make_search(output_dir=folder, **settings).run().interrupted
    trainer.evaluate = plain
    make_search(output_dir=folder, **settings).run()
    assert written(folder) == written(tmp_path / "whole")
    assert len(trainer.requests) == trained, "nothing was trained twice"


def test_with_own_rates_coefficients_are_of_scale_1_and_rates_a_coordinate(trainer) -> None:
    search = make_search(**OWN)
    records = [r for r in search.run().records if r.phase == "coefficients"]
    scales = [relative_scale(record.loss, search.task.outputs) for record in records]
    assert [scale for scale in scales if scale] == pytest.approx([1.0] * sum(map(bool, scales)))
    rates = {r.candidate.hyperparameters.learning_rate for r in records if r.loss.has_x_and_y}
    assert len(rates) > len(records) / 2


def test_losses_with_proportional_gradients_share_a_result_at_own_rates_alone(trainer) -> None:
    losses = ["-(x*log(y))", "-(x*log(y) + x*log(y))"]
    for rate, sources in [("own", ["trained", "inherited"]), ("given", ["trained", "trained"])]:
        records = (
            make_search(**{**OWN, "learning_rate": rate}, initial_expressions=losses, generations=1)
            .run()
            .records[:2]
        )
        assert [record.source for record in records] == sources
        if rate == "own":
            one, two = (record.candidate.hyperparameters.learning_rate for record in records)
            assert one == pytest.approx(2.0 * two)
            assert records[0].fitness == records[1].fitness


@pytest.mark.parametrize("grid", [(), [0.0], ["1"], "1,2", 1.0, [True], [float("inf")]])
def test_a_grid_of_rates_is_positive_numbers(grid) -> None:
    with pytest.raises(ValueError, match=r"Expected .*learning_rate_grid"):
        make_search(learning_rate_grid=grid)


def test_numbers_of_settings_may_be_arrays() -> None:
    numbers = np.array([0.5, 1.0], np.float32)
    for found in (
        SearchConfig(learning_rate_grid=numbers).learning_rate_grid,
        ComparisonConfig(train_fraction=numbers).fractions,
    ):
        assert json.dumps(found) == "[0.5, 1.0]"
