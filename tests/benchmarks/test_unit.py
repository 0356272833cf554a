"""Tasks: equal trials, runs that are cut off and go on, and the page that is made of them."""

import dataclasses
import json
import re
import types

import numpy as np
import pytest

pytest.importorskip("jax", reason="the suite trains on JAX")

import glo_tf
from benchmarks.step_limit import StepLimit
from benchmarks.suite import known, leads, page, trials, unit
from benchmarks.suite.random_search import RandomTrees
from benchmarks.suite.stopping import EarlyStopping
from benchmarks.suite.tasks import TASKS, chosen
from benchmarks.suite.training import (
    Networks,
    Recipe,
    Trained,
    batch_order,
    initial_weights,
)
from benchmarks.suite.trials import Budget, Setting, Trial
from benchmarks.suite.variants import VARIANTS, chosen_variants
from glo_tf import search_spaces
from glo_tf.data.split import Split
from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Evaluation, Request, Status

TASK = TASKS["noise/symmetric 40 %/digits"]
SETTINGS = unit.Settings(Recipe(units=4, checkpoints=2), Budget(3, 2, 2, 4))


class CutOffError(Exception):
    pass


class FakeNetworks:
    """Weights that depend on all that is asked for; ends the run after so many trainings."""

    trained = 0
    limit = 10**9

    def __init__(self, rivals, classes, optimizer, recipe):
        self.classes, self.optimizer = classes, optimizer

    def train(self, rival, draw, seed, rate, parameters):
        type(self).trained += 1
        if self.trained > self.limit:
            raise CutOffError
        rng = np.random.default_rng([seed, len(rival), int(1e4 * rate)])
        shapes = ((64, 4), (4,), (4, self.classes), (self.classes,))
        return Trained(tuple(rng.normal(size=(2, *shape)) for shape in shapes))

    def steepness(self, rival, parameters, shares):
        return 2.0


@pytest.fixture
def fakes(monkeypatch):
    class Fakes(FakeNetworks):
        pass

    found = {"expression": "-(x*y)", "fitness": 0.5, "candidates": 9, "steps": 40, "seconds": 1.0}
    monkeypatch.setattr(unit, "Networks", Fakes)
    monkeypatch.setattr(unit, "search", lambda *_, **__: found)
    return Fakes


def made(folder) -> unit.Unit:
    task = dataclasses.replace(TASK, rivals=TASK.rivals[:2])
    return unit.Unit(task, SETTINGS, folder / "json", folder / "work")


def held(folder) -> dict:
    document = json.loads(made(folder).path.read_text())
    return {name: value for name, value in document.items() if name != "seconds"}


def test_a_run_that_is_cut_off_goes_on_to_the_same_file(fakes, tmp_path) -> None:
    made(tmp_path / "whole").run(["found"])
    whole, trainings = held(tmp_path / "whole"), fakes.trained
    losses = [3, 3]  # two known ones and the found one, with each optimizer
    assert [len(entries) for entries in whole["entries"].values()] == losses
    fakes.trained, fakes.limit = 0, 50
    with pytest.raises(CutOffError):
        made(tmp_path / "parts").run(["found"])
    assert held(tmp_path / "parts") != whole
    fakes.trained, fakes.limit = 0, 10**9
    made(tmp_path / "parts").run(["found"])
    assert held(tmp_path / "parts") == whole
    assert 0 < fakes.trained < trainings
    fakes.trained = 0
    made(tmp_path / "parts").run(["found"])
    assert fakes.trained == 0


@pytest.mark.parametrize(("size", "diverged"), [(1e15, False), (1e22, True)])
def test_finite_weights_whose_products_are_not_are_those_of_a_diverged_network(
    fakes, tmp_path, size, diverged, monkeypatch
) -> None:
    class Large(fakes):
        def train(self, *arguments):
            weights = super().train(*arguments).weights
            return Trained(tuple(part.astype(np.float32) * np.float32(size) for part in weights))

    monkeypatch.setattr(unit, "Networks", Large)
    for name in ("metric/asymmetric cost/communities", "metric/quantile 0.9/communities"):
        task = dataclasses.replace(TASK, measure=TASKS[name].measure, rivals=TASK.rivals[:1])
        unit.Unit(task, SETTINGS, tmp_path / task.measure.name, tmp_path).run([])
        (file,) = (tmp_path / task.measure.name).iterdir()
        (entry,) = json.loads(file.read_text())["entries"]["sgd"].values()
        assert [None in entry[key] for key in ("tested", "checkpoints")] == [diverged] * 2


def test_a_file_of_other_settings_is_refused(fakes, tmp_path) -> None:
    made(tmp_path).run([])
    other = dataclasses.replace(SETTINGS, budget=Budget(seeds=5))
    with pytest.raises(unit.OtherSettingsError, match="another output"):
        unit.Unit(TASK, other, tmp_path / "json", tmp_path)


def test_fresh_draws_are_those_that_nothing_was_chosen_on() -> None:
    assert trials.BUDGET.draws < unit.FIRST_FRESH


@pytest.mark.parametrize("optimizer", unit.OPTIMIZERS)
def test_all_losses_have_the_same_number_of_trials_within_their_ranges(optimizer) -> None:
    budget = Budget(spread=16, near=8)
    for rival in dict.fromkeys(rival for task in TASKS.values() for rival in task.rivals):
        asked: list[Setting] = []

        def tried(setting: Setting, asked=asked) -> Trial:
            asked.append(setting)
            score = None if len(asked) % 5 == 0 else -abs(np.log(setting.rate / 0.1))
            return Trial(setting, score, score)

        done = trials.tuned(rival, optimizer, budget, lambda _: 2.0, tried)
        assert len(done) == len(asked) == 24
        assert len({setting.rate for setting in asked}) == 24
        for setting in asked:
            for each, value in zip(rival.ranges, setting.parameters, strict=True):
                assert each.low <= value <= each.high
        near = [abs(np.log(t.setting.rate / 0.1)) for t in done[16:] if t.stopped is not None]
        assert np.median(near) < np.log(10)
        low, high = trials.RATES[optimizer]
        assert min(s.rate for s in asked[:16]) >= low / 2
        assert max(s.rate for s in asked[:16]) <= high


def document(found, best, usual, *, largest: bool = True) -> dict:
    """A task with three losses, by what each draw gave."""
    columns = {"rate": [0.1, 0.2], "parameters": [[], []], "stopped": [0.5, None], "last": [0.4, 0]}

    def entry(values) -> dict:
        return {
            "trials": columns,
            "chosen": 0,
            "chosen by the last step": 0,
            "tested": list(values),
            "tested at the last step": [0.1] * len(values),
            "checkpoints": [0] * len(values),
        }

    return {
        "task": "noise/symmetric 40 %/digits",
        "measure": "accuracy",
        "largest": largest,
        "points": largest,
        "machine": "a machine",
        "data": {"samples": 10, "features": 2, "classes": 3},
        "settings": {**SETTINGS.as_data, "steps": 1000},
        "searches": {
            "found": {"expression": "-(x*y)", "fitness": 1, "steps": 5000, "seconds": 60.0}
        },
        "entries": {
            "sgd": {"cross_entropy": entry(usual), "gce": entry(best), "found": entry(found)},
            "adam": {},
        },
        "seconds": 5.0,
    }


NOISE = 0.001 * np.random.default_rng(0).normal(size=20)


@pytest.mark.parametrize(("largest", "word"), [(True, "ahead"), (False, "behind")])
def test_leads_have_the_sign_of_the_metric(largest, word) -> None:
    found, best, usual = 0.8 + NOISE, 0.7 + NOISE[::-1], 0.6 + 0 * NOISE
    rows = leads.rows([document(found, best, usual, largest=largest)])
    ((over_usual, over_best),) = leads.tested(rows, ["found"])
    assert over_best.against == ("gce" if largest else "cross_entropy")
    assert over_usual.word == word
    assert over_usual.lead.mean == pytest.approx(0.2 if largest else -0.2, abs=1e-3)
    low, high = over_best.lead.interval
    assert low < over_best.lead.mean < high
    assert over_best.corrected < 1e-6


def test_leads_that_are_noise_or_of_diverged_networks_decide_nothing() -> None:
    rows = leads.rows([document(0.8 + 40 * NOISE, 0.8 - 40 * NOISE, 0.8 + 0 * NOISE)])
    assert [test.word for test in leads.tested(rows, ["found"])[0]] == ["undecided"] * 2
    diverged = document([None, *NOISE[1:]], [None, *NOISE[1:]], 0.8 + 0 * NOISE)
    ((_, over_best),) = leads.tested(leads.rows([diverged]), ["found"])
    assert over_best.against == "cross_entropy"
    assert over_best.lead is None
    same = document(0.8 + NOISE, 0.8 + NOISE, 0.1 + NOISE)
    assert leads.tested(leads.rows([same]), ["found"])[0][1].corrected == 1.0


def test_the_page_is_made_from_the_files_alone(monkeypatch, tmp_path) -> None:
    task = dataclasses.replace(TASK, rivals=(TASK.rivals[0], TASK.rivals[4]))
    monkeypatch.setitem(TASKS, TASK.name, task)
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "noise.json").write_text(
        json.dumps(document(0.8 + NOISE, 0.7 - NOISE, 0.6 + 0 * NOISE))
    )
    page.write(folder)
    text = (tmp_path / "suite.md").read_text()
    assert f"1 of {len(TASKS)} tasks" in text
    assert "n = 4 fresh draws" in text
    assert "a machine" in text
    assert "| symmetric 40 %/digits | sgd | 60.0 | gce 70.0 |" in text
    assert "| **+20.0 (" in text
    assert "| gce | 70.0 |\n| found | 80.0 |" in text
    assert "`-(x*y)` | 5 | 60 s" in text
    assert "`clean/digits`" in text[text.index("## Not run yet") :]
    assert {path.name for path in folder.iterdir()} == {
        "noise.json",
        "found_noise.png",
        "leads.png",
        "rates_noise.png",
    }


def test_tasks_are_chosen_by_how_their_names_begin() -> None:
    assert [task.name for task in chosen(["clean/digits", "few/50"])] == [
        "clean/digits",
        "few/50/digits",
        "few/50/mnist",
    ]
    with pytest.raises(ValueError, match="tasks=nosie"):
        chosen(["nosie"])


@pytest.mark.parametrize("fading", [False, True], ids=["cross_entropy", "fading"])
@pytest.mark.parametrize("optimizer", unit.OPTIMIZERS)
def test_a_training_is_that_of_the_formulas(optimizer, fading) -> None:
    recipe = Recipe(units=3, steps=4, batch_size=5, checkpoints=2)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 2)).astype("f"), rng.integers(0, 3, 12)
    draw = types.SimpleNamespace(train=(x, y), shares=np.ones(3) / 3)
    rivals = (TASK.rivals[0], known.found("fading", "(t - 1)*x*log(y)"))
    networks = Networks(rivals, 3, optimizer, recipe)
    name = rivals[fading].name
    trained = networks.train(name, draw, 7, 0.1, [])
    rng = np.random.default_rng([7, 2])
    weights = [part.astype(float) for part in initial_weights(rng, 2, 3, 3)]
    batches = batch_order(rng, 12, recipe)
    assert sorted(batches.ravel()[:12]) == list(range(12))  # an epoch
    momenta, squares = ([np.zeros_like(part) for part in weights] for _ in range(2))
    for step, batch in enumerate(batches.reshape(4, 5)):
        first, bias, second, last = weights
        hidden = np.maximum(x[batch] @ first + bias, 0.0)
        scores = hidden @ second + last
        chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        slope = (chances - np.eye(3)[y[batch]]) / 5
        slope *= 1.0 - fading * step / 4
        back = (slope @ second.T) * (hidden > 0.0)
        gradients = [x[batch].T @ back, back.sum(0), hidden.T @ slope, slope.sum(0)]
        rate = 0.1 * (1.0 - step / 4)
        for part, momentum, square, gradient in zip(
            weights, momenta, squares, gradients, strict=True
        ):
            if optimizer == "sgd":
                momentum *= 0.9
                momentum -= rate * gradient
                part += momentum
            else:
                momentum += 0.1 * (gradient - momentum)
                square += 0.001 * (gradient**2 - square)
                corrected = square / (1.0 - 0.999 ** (step + 1))
                part -= rate * momentum / (1.0 - 0.9 ** (step + 1)) / (np.sqrt(corrected) + 1e-7)
    for found, expected in zip(trained.weights, weights, strict=True):
        np.testing.assert_allclose(found[-1], expected, rtol=2e-4, atol=2e-5)
    assert networks.steepness(name, [], draw.shares) == pytest.approx(1.0)


def test_a_whole_training_counts_as_its_best_checkpoint() -> None:
    asked: list[Request] = []

    class Trainer:
        def evaluate(self, request, check):
            asked.append(request)
            values = tuple(0.2 + 0.1 * place for place, _ in enumerate(request.checkpoints))
            values = (*values[:-1], 0.1) if values else ()
            return Evaluation(
                request.candidate,
                request.seed,
                0.1,
                Status.OK,
                30,
                1.0,
                values={"accuracy": 0.1},
                measured={Split.VALIDATION: {"accuracy": values}} if values else {},
            )

    objective = types.SimpleNamespace(name="accuracy")
    strategy = EarlyStopping((10, 20, 30))
    strategy.start(types.SimpleNamespace(make_trainer=Trainer, objective=objective))
    candidate = Candidate(Expression.parse("-(x*log(y))"))
    results = []
    for request in (Request(candidate, 0), Request(candidate, 0, train_steps=10)):
        strategy.submit(request, strategy.idle()[0])
        (result,) = strategy.wait()
        assert result.request == request
        results.append(result.outcome)
    assert [request.checkpoints for request in asked] == [(10, 20, 30), ()]
    assert [outcome.fitness for outcome in results] == pytest.approx([0.3, 0.1])
    assert results[0].values == {"accuracy": results[0].fitness}
    assert results[0].measured == {}


def test_variants_come_after_what_they_need() -> None:
    assert chosen_variants(["all"]) == list(VARIANTS)
    assert tuple(VARIANTS)[: len(page.FOUND)] == page.FOUND
    with pytest.raises(ValueError, match=r"Expected 'found from random trees with fixed .* before"):
        chosen_variants(["found by random search"])
    with pytest.raises(ValueError, match="variants=fuond"):
        chosen_variants(["fuond"])


def test_random_search_ends_with_the_steps_of_another(monkeypatch, tmp_path) -> None:
    asked = []

    def search(variant, *_, steps, **__):
        asked.append((variant.name, steps))
        return {"expression": None, "fitness": None, "candidates": 1, "steps": 70, "seconds": 1.0}

    monkeypatch.setattr(unit, "search", search)
    task = dataclasses.replace(TASK, rivals=())
    names = ["found from random trees with fixed coefficients", "found by random search"]
    unit.Unit(task, SETTINGS, tmp_path, tmp_path).run(names)
    assert asked == [(names[0], None), (names[1], 70)]


def test_a_search_ends_with_the_generation_in_which_it_reaches_its_steps() -> None:
    limit = StepLimit(100)
    for steps in (60, 39):
        limit.on_evaluation(types.SimpleNamespace(steps=steps))
    limit.on_generation(None)
    assert limit.steps == 99
    limit.on_evaluation(types.SimpleNamespace(steps=1))
    with pytest.raises(glo_tf.StopSearch):
        limit.on_generation(None)
    counted = StepLimit()
    counted.on_evaluation(types.SimpleNamespace(steps=10**9))
    counted.on_generation(None)


def test_a_variant_is_for_the_tasks_of_its_search_space() -> None:
    without_n = VARIANTS["found without n"]
    spaces = {task.name: task.space for task in TASKS.values() if without_n.is_for(task.space)}
    assert set(spaces.values()) == set(without_n.begins_with)
    assert {name for name in TASKS if name.startswith("tail")} <= set(spaces)
    assert all(VARIANTS["found"].is_for(task.space) for task in TASKS.values())


def test_random_trees_owe_nothing_to_parents() -> None:
    def select() -> Expression:
        raise AssertionError

    operators = RandomTrees(search_spaces.glo())
    bred = [*operators.breed(select, np.random.default_rng(0))]
    assert bred == [*operators.breed(select, np.random.default_rng(0))]
    assert bred != [*operators.breed(select, np.random.default_rng(1))]


def test_each_task_has_a_file_of_its_own_that_any_system_can_have() -> None:
    names = [unit.file_name(name) for name in TASKS]
    assert len(set(names)) == len(TASKS)
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in names)
