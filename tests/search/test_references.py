"""What a search has to beat: reference losses, tuned before it starts, at its end beside it."""

import io
import itertools
import json
import zlib

import numpy as np
import pytest
from hashed_search import HashTrainer, StopAt, make_search
from rich.console import Console

import glo_tf
from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.display.callbacks import Callback
from glo_tf.display.search import ProgressDisplay
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import usual_loss
from glo_tf.report.run_folder import read_search
from glo_tf.report.search_part import SearchPart
from glo_tf.results.bar import Bar, Reference, bar_of_data
from glo_tf.search.references import reference_losses
from glo_tf.search.spaces.space import glo, glo_long_tail
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Request

BAIKAL, SLOPE, USUAL = "-(log(y) - x/y)", "-(x*y)", "-(x*log(y))"
SMALL = {
    "initial_expressions": [BAIKAL],
    "population_size": 8,
    "generations": 2,
    "coefficient_expressions": 0,
    "finalists": 1,
}


class Trainer(HashTrainer):
    """Fitness by the loss, little by seed; one may fail with all seeds but 0."""

    def __init__(self, worth: dict[str, float], fragile: str = "") -> None:
        super().__init__()
        self.worth, self.fragile = worth, fragile

    def evaluate(self, request: Request, check=lambda: None):
        loss = str(request.loss)
        if loss == self.fragile and request.seed != 0:
            self.failing.add((loss, request.seed))
        return super().evaluate(request, check)

    def fitness(self, request: Request) -> float:
        noise = zlib.crc32(f"{request.seed}".encode()) % 100 / 1e5
        return self.worth.get(str(request.loss), 0.3) + noise


class Recorder(Callback):
    def __init__(self) -> None:
        self.events, self.leads = [], []

    def on_search_begin(self, planned: int) -> None:
        self.events.append(planned)

    def on_references(self, bar: Bar) -> None:
        self.events.append("bar")

    def on_retraining(self, stage, evaluation) -> None:
        self.events.append(str(stage))

    def on_generation(self, generation) -> None:
        self.events.append("generation")
        self.leads.append((generation.lead, generation.best_so_far))


@pytest.fixture
def trained(monkeypatch):
    def by(trainer: Trainer) -> Trainer:
        monkeypatch.setattr(TrainingTask, "make_trainer", lambda _: trainer)
        return trainer

    return by


def test_the_best_is_known_before_the_first_candidate(trained, tmp_path) -> None:
    trained(Trainer({SLOPE: 0.9467, BAIKAL: 0.6, USUAL: 0.9}))
    recorder, file = Recorder(), io.StringIO()
    chosen = ["baikal", SLOPE, "categorical_crossentropy"]
    result = make_search(
        **SMALL,
        reference_losses=chosen,
        callbacks=[recorder, ProgressDisplay(Console(file=file, width=200))],
        output_dir=tmp_path,
        comparison_seeds=2,
    ).run()
    names = [SLOPE, "cross-entropy", "baikal"]
    assert [one.name for one in result.bar.references] == names
    best = result.bar.best
    assert len(result.bar.values) == 5
    everything = [*result.bar.values, 0.9467 + zlib.crc32(b"0") % 100 / 1e5]
    assert best.value == pytest.approx(sum(everything) / 6)
    assert result.bar.noise > 0
    first = recorder.events.index("generation")
    assert recorder.events[1:first] == ["references"] * (3 + 5) + ["bar"]
    for lead, record in recorder.leads:
        assert lead == pytest.approx(record.fitness - best.value)
    text = file.getvalue()
    assert f"to beat: {best.value:.4f}, {SLOPE} at 0.01 (two trainings differ" in text
    assert "other references: 0.9" in text
    (line,) = [line for line in text.splitlines() if line.startswith("discovery 1/")]
    assert f"  {recorder.leads[0][0]:+.4f}  " in line
    assert "little room" not in text
    read = read_search(tmp_path)
    assert read.bar == result.bar
    page = (tmp_path / "report.html").read_text()
    assert f"<strong>{SLOPE}</strong> at the learning rate 0.01" in page
    # All at one rate: the references stand beside the found loss at that.
    rows = [(row.name, row.tuned) for row in result.comparison]
    assert rows[1:] == [
        ("cross-entropy", False),
        ("cross-entropy", True),
        (SLOPE, False),
        ("baikal", False),
    ]


def test_references_change_nothing_in_the_search(trained, tmp_path) -> None:
    trained(Trainer({}))
    histories = []
    for name, chosen in (("none", None), ("some", [BAIKAL, USUAL])):
        folder = tmp_path / name
        settings = {**SMALL, "initial_expressions": [BAIKAL, USUAL]}
        result = make_search(**settings, reference_losses=chosen, output_dir=folder).run()
        histories.append((folder / "history.csv").read_bytes())
        assert (result.bar is None) == (chosen is None)
    assert histories[0] == histories[1]
    assert "bar" not in json.loads((tmp_path / "none" / "best_loss.json").read_text())["metadata"]


def test_a_reference_that_fails_with_other_seeds_is_not_the_best(trained) -> None:
    trainer = trained(Trainer({BAIKAL: 0.95, SLOPE: 0.9, USUAL: 0.8}, fragile=BAIKAL))
    result = make_search(**SMALL, reference_losses=[BAIKAL, SLOPE, USUAL]).run()
    assert [one.name for one in result.bar.references] == [SLOPE, USUAL, BAIKAL]
    assert result.bar.references[-1].value is None
    assert len(result.bar.values) == 5
    assert (USUAL, 1) not in trainer.trained()[: trainer.trained().index((SLOPE, 1))]


def test_where_none_can_be_trained_there_is_nothing_to_beat(trained) -> None:
    trained(Trainer({})).failing.add((BAIKAL, 0))
    recorder, file = Recorder(), io.StringIO()
    display = ProgressDisplay(Console(file=file, width=200))
    result = make_search(**SMALL, reference_losses=[BAIKAL], callbacks=[recorder, display]).run()
    assert (result.bar.best, result.bar.noise) == (None, None)
    assert "to beat: nothing" in file.getvalue()
    assert all(lead is None for lead, _ in recorder.leads)


@pytest.mark.parametrize("rate", ["own", "given"])
def test_a_search_that_ended_among_its_references_goes_on_from_there(
    trained, tmp_path, rate
) -> None:
    settings = {**SMALL, "reference_losses": [BAIKAL, USUAL], "learning_rate": rate}
    trained(Trainer({BAIKAL: 0.9}))
    make_search(**settings, output_dir=tmp_path / "whole").run()

    class Interrupt(Callback):
        left = 4

        def on_retraining(self, stage, evaluation) -> None:
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

    trainer = trained(Trainer({BAIKAL: 0.9}))
    broken = tmp_path / "broken"
    assert make_search(**settings, output_dir=broken, callbacks=[Interrupt()]).run().interrupted
    make_search(**settings, output_dir=broken).run()
    for name in ("history.csv", "best_loss.json"):
        assert (broken / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert len(trainer.requests) == len(set(trainer.requests))
    trainer.requests.clear()
    make_search(**settings, output_dir=broken).run()
    assert trainer.requests == []


def test_a_callback_may_stop_a_search_among_its_references(trained) -> None:
    trained(Trainer({}))
    stop = StopAt("on_references")
    result = make_search(**SMALL, reference_losses=[BAIKAL], callbacks=[stop]).run()
    assert result.stopped
    assert result.records == []


def test_with_own_rates_the_found_loss_stands_beside_all_that_fit(trained) -> None:
    trained(Trainer({SLOPE: 0.9, USUAL: 0.8}))
    result = make_search(**SMALL, learning_rate="own", comparison_seeds=2, seed=2).run()
    outputs = Outputs.of_classes(3)
    names = set(reference_losses(None, outputs, glo(), own=True))
    assert {one.name for one in result.bar.references} == names >= {"cross-entropy", "baikal"}
    found, usual, *others = result.comparison
    assert (found.name, usual.name) == ("best loss", "cross-entropy")
    assert found.learning_rate == result.best_learning_rate
    assert found.loss == result.best_loss.tree
    assert all(row.tuned for row in result.comparison)
    assert len(others) == min(3, len(names) - 1)
    curves = {curve.name: curve for curve in result.comparison.rate_curves}
    assert list(curves) == [row.name for row in result.comparison]
    for row in result.comparison:
        assert curves[row.name].learning_rate == row.learning_rate
        assert len(curves[row.name].learning_rates) >= 5
    assert result.comparison.verdict.startswith("best loss ")
    assert "each at a learning rate of its own" in result.comparison.verdict
    tests = [(test.loss, test.baseline) for test in result.comparison.tests]
    assert ("best loss", "cross-entropy") in tests


def test_own_rates_without_references_have_the_usual_loss_at_the_end(trained) -> None:
    trained(Trainer({}))
    settings = {**SMALL, "learning_rate": "own", "seed": 2}
    result = make_search(**settings, reference_losses=[], comparison_seeds=1).run()
    assert result.bar is None
    assert [row.name for row in result.comparison] == ["best loss", "cross-entropy"]


def bar(mode: str, *values: float | None, again=(0.5, 0.6, 0.7)) -> Bar:
    references = [
        Reference(f"loss {place}", USUAL, 0.1, 0.0 if value is None else 0.5, value)
        for place, value in enumerate(values)
    ]
    return Bar("mae", mode, tuple(references), again)


def test_a_lead_is_positive_where_the_metric_is_better() -> None:
    assert bar("max", 0.5, 0.4).lead({"mae": 0.75}) == pytest.approx(0.25)
    assert bar("min", 0.5, 0.6).lead({"mae": 0.75}) == pytest.approx(-0.25)
    assert bar("min", 0.5, 0.6).lead({"mae": 0.25}) == pytest.approx(0.25)
    assert bar("min", 0.5).lead({"mae": None}) is None
    assert bar("min", None).lead({"mae": 0.25}) is None


def test_the_noise_is_that_of_a_difference_of_two_trainings() -> None:
    # Student's t with 2 degrees of freedom: 4.3027; the deviation is 0.1.
    assert bar("max", 0.5).noise == pytest.approx(4.3027 * 0.1 * 2**0.5, rel=1e-4)
    four = Bar("mae", "max", (), (0.5, 0.6, 0.7), seeds=4)
    assert four.noise == pytest.approx(bar("max", 0.5).noise / 2)
    assert bar("max", 0.5, again=()).noise is None


@pytest.mark.parametrize("mode", ["max", "min"])
def test_little_room_is_where_references_differ_by_no_more_than_the_noise(mode) -> None:
    noise = bar(mode, 0.5).noise
    assert bar(mode, 0.5, 0.5 + 0.99 * noise).leaves_little_room
    assert not bar(mode, 0.5, 0.5 + 1.01 * noise).leaves_little_room
    assert not bar(mode, 0.5).leaves_little_room  # there is no other
    assert not bar(mode, 0.5, None).leaves_little_room
    assert not bar(mode, 0.5, 0.5, again=()).leaves_little_room
    assert "little room" in bar(mode, 0.5, 0.5).lines()[-1]


KINDS = {
    "softmax": Outputs.of_classes(10),
    "sigmoid": Outputs((Output(Activation.SIGMOID, 1),)),
    "several labels": Outputs((Output(Activation.SIGMOID, 4),)),
    "numbers": Outputs((Output.of_numbers(2, np.array([0.0, 1.0, 3.0])),)),
    "several": Outputs((Output(Activation.SOFTMAX, 3), Output.of_numbers(1, np.array([0.0, 1.0])))),
}


@pytest.mark.parametrize("outputs", KINDS.values(), ids=KINDS)
def test_all_that_fit_are_different_losses_the_usual_one_among_them(outputs) -> None:
    found = reference_losses(None, outputs, glo(), own=True)
    name, usual = usual_loss(outputs)
    assert found[name] == usual
    assert all(one != other for one, other in itertools.combinations(found.values(), 2))
    assert reference_losses(None, outputs, glo(), own=False) == {}
    assert reference_losses([], outputs, glo(), own=True) == {}
    assert reference_losses([SLOPE], outputs, glo(), own=False) == {SLOPE: Expression.parse(SLOPE)}


def test_where_losses_see_how_frequent_classes_are_those_that_know_it_are_the_bar() -> None:
    outputs = Outputs.of_classes(3).with_frequencies([90.0, 9.0, 1.0])
    names = [set(reference_losses(None, outputs, of(), own=True)) for of in (glo, glo_long_tail)]
    assert names[1] - names[0] == {"nce", "class_weighted", "logit_adjusted"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("baikal", "Expected reference_losses as a sequence or a dict"),
        ([3], r"reference_losses\[0\]"),
        (["nothing"], "reference_losses='nothing'"),
        (["-log(y)"], "with x and y. Received: reference_losses with '-log"),
        ([BAIKAL, BAIKAL], "Expected losses with different names. Received: reference_losses="),
        ({"best loss": BAIKAL}, "reference_losses with 'best loss'"),
    ],
)
def test_what_is_no_reference_is_refused_before_any_training(given, message) -> None:
    with pytest.raises(glo_tf.GloError, match=message):
        make_search(reference_losses=given)


def test_a_damaged_bar_is_refused(tmp_path) -> None:
    written = {"metric": "accuracy", "mode": "max", "values": [0.5], "seeds": 1}
    one = {"name": "a", "expression": USUAL, "learning_rate": 1, "fitness": 0.5, "value": None}
    good = {**written, "references": [one]}
    assert bar_of_data(good, tmp_path).references[0].name == "a"
    for change in (
        {"mode": "best"},
        {"values": [True]},
        {"values": None},
        {"seeds": 0},
        {"references": {}},
        {"references": [{**one, "name": 1}]},
        {"references": [{**one, "value": "1"}]},
        {"references": [{"name": "a"}]},
    ):
        with pytest.raises(ValueError, match=r"^Expected 'bar' of references"):
            bar_of_data({**good, **change}, tmp_path)
    with pytest.raises(ValueError, match=r"^Expected 'bar' of references"):
        bar_of_data([], tmp_path)


def test_a_report_needs_no_bar(trained, tmp_path) -> None:
    trained(Trainer({}))
    make_search(**SMALL, output_dir=tmp_path).run()
    assert SearchPart(read_search(tmp_path)).files.bar is None
    assert "To beat" not in (tmp_path / "report.html").read_text()
