"""Several tasks as one: what a candidate is worth, and what is refused."""

from __future__ import annotations

import dataclasses
import statistics

import example_comparison
import keras
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import glo_tf
from glo_tf.architectures import NamedArchitecture
from glo_tf.expressions.tree import Expression
from glo_tf.report import write_overview
from glo_tf.report.run_folder import read_search
from glo_tf.report.search_part import SearchPart
from glo_tf.testing.small_task import small_data
from glo_tf.training.candidate import (
    LARGEST_RATE,
    SMALLEST_RATE,
    Candidate,
    Hyperparameters,
)
from glo_tf.training.several_tasks import SeveralTasks, TrainerOfSeveral
from glo_tf.training.trial import Evaluation, Request, Status

CROSS_ENTROPY = Expression.parse("-(x*log(y))")


def task(classes: int, rate: float, **changes) -> glo_tf.TaskArguments:
    shape = (2, 2, 1)
    settings = {
        "optimizer": {"class_name": "SGD", "config": {"learning_rate": rate}},
        "train_steps": 6,
        "batch_size": 8,
        "jit_compile": False,
        "learning_rate_decay": "linear",
    }
    return glo_tf.TaskArguments(
        changes.pop("model", NamedArchitecture("mlp", shape, classes)),
        small_data(shape, classes, 32, seed=1),
        small_data(shape, classes, 40, seed=2),
        **{**settings, **changes},
    )


@pytest.fixture(scope="module")
def both() -> SeveralTasks:
    return SeveralTasks.of({"three": task(3, 0.1), "five": task(5, 0.4)})


@pytest.fixture(scope="module")
def trainers(both) -> list:
    return [one.make_trainer() for one in both.each.values()]


@pytest.mark.parametrize("rate", [None, 0.2, 0.05])
@pytest.mark.parametrize("checkpoints", [(), (3, 6)], ids=str)
def test_fitness_is_the_mean_over_the_tasks_each_at_its_rate(
    both, trainers, rate, checkpoints
) -> None:
    request = Request(
        Candidate(CROSS_ENTROPY, Hyperparameters(rate)), seed=4, checkpoints=checkpoints
    )
    found = TrainerOfSeveral(both, trainers).evaluate(request)
    alone = []
    for trainer, own in zip(trainers, (0.1, 0.4), strict=True):
        share = None if rate is None else rate * own / 0.2  # their geometric mean is 0.2
        candidate = Candidate(CROSS_ENTROPY, Hyperparameters(share))
        alone.append(trainer.evaluate(dataclasses.replace(request, candidate=candidate)))
    assert found.candidate == request.candidate
    assert found.fitness == statistics.fmean(one.fitness for one in alone)
    assert found.status == Status.OK
    assert found.steps == 6
    assert found.values == {
        "fitness (accuracy)": found.fitness,
        "three_accuracy": alone[0].fitness,
        "five_accuracy": alone[1].fitness,
    }
    for split, values in found.measured.items():
        of_each = [one.measured[split]["accuracy"] for one in alone]
        assert values["three_accuracy"] == of_each[0]
        assert values["fitness (accuracy)"] == tuple(
            statistics.fmean(pair) for pair in zip(*of_each, strict=True)
        )


def test_a_training_that_comes_to_nothing_spares_the_others(both) -> None:
    class Failing:
        asked = 0

        def evaluate(self, request, check=None):
            self.asked += 1
            return dataclasses.replace(
                Evaluation.without_result(request.candidate, request.seed, Status.NON_FINITE),
                steps=2,
            )

    first, second = Failing(), Failing()
    found = TrainerOfSeveral(both, [first, second]).evaluate(Request(Candidate(CROSS_ENTROPY), 0))
    assert (found.status, found.fitness, found.steps) == (Status.NON_FINITE, 0.0, 2)
    assert (found.values, found.measured) == ({}, {})
    assert (first.asked, second.asked) == (1, 0)


@pytest.mark.usefixtures("shared_trainers")
def test_a_search_over_several_tasks_is_resumed_from_its_study(tmp_path) -> None:
    def search(**changes) -> glo_tf.LossSearch:
        return glo_tf.LossSearch(
            tasks={"three": task(3, 0.1), "five": task(5, 0.4)},
            population_size=3,
            elites=1,
            generations=1,
            initial_expressions=["-(x*log(y))", "-(x*y)", "-(log(y) - x/y)"],
            coefficient_expressions=0,
            finalists=1,
            finalist_seeds=1,
            comparison_seeds=1,
            reference_losses=[],
            output_dir=tmp_path / "search",
            **changes,
        )

    first = search()
    result = first.run()
    assert set(result.best.values) == {"fitness (accuracy)", "three_accuracy", "five_accuracy"}
    assert result.best.fitness == pytest.approx(
        (result.best.values["three_accuracy"] + result.best.values["five_accuracy"]) / 2
    )
    assert [one.name for one in result.comparison.losses][:2] == ["best loss", "cross-entropy"]
    assert result.best_optimizer().get_config()["learning_rate"] is not None
    with pytest.raises(glo_tf.UsageError, match="a search of one task"):
        result.compare(["baikal"])
    tasks = first.task, first.task.interpreting()
    assert [{one.compiles_trees for one in task.each.values()} for task in tasks] == [
        {True},
        {False},
    ]
    again = search()
    assert again.trained_before > 0
    history = (tmp_path / "search/history.csv").read_bytes()
    assert again.run().records == result.records
    assert (tmp_path / "search/history.csv").read_bytes() == history
    page = (tmp_path / "search/report.html").read_text(encoding="utf-8")
    assert "three: 32 samples of shape (2, 2, 1); five: 32 samples of shape (2, 2, 1)" in page
    for heading in ("Is it better?", "What was found", "What was asked", "How the search went"):
        assert f">{heading}</h2>" in page
    of_report = SearchPart(read_search(tmp_path / "search"))
    assert of_report.lead["network"] == "three: 515 parameters; five: 645 parameters"
    assert of_report.lead["optimizer"] == "SGD"
    assert of_report.lead["steps of a training"] == "6"
    assert of_report.asked["learning rate (per step)"] == "three: 0.1; five: 0.4"
    assert of_report.asked["batch size (samples)"] == "8"
    assert of_report.environment["keras"] == keras.__version__
    assert of_report.environment["XLA"] == "not used"
    assert of_report.classes == {3: "three", 5: "five"}
    for why in of_report.why:
        assert f"<h3>{why.classes} classes: {why.tasks}</h3>" in page
        assert f'id="figure-slopes_{why.classes}"' in page
        # Undecided is 1 of as many classes as this one's networks have.
        assert why.pulls[1].prediction == pytest.approx(1.0 / why.classes)
    other = tmp_path / "other"
    other.mkdir()
    example_comparison.write(other)
    overview = write_overview([tmp_path / "search", other]).read_text()
    assert "three: 32 samples" in overview
    for classes in (3, 5):  # the pull at a wrong class depends on how many there are
        assert f'id="figure-slopes_{classes}"' in overview
        assert f"at the right and at a wrong one of {classes} classes." in overview


def two_outputs() -> keras.Model:
    inputs = keras.Input((2, 2, 1))
    flat = keras.layers.Flatten()(inputs)
    return keras.Model(
        inputs, [keras.layers.Dense(3, activation="softmax")(flat) for _ in range(2)]
    )


def with_two_outputs() -> glo_tf.TaskArguments:
    (x, y), (x_other, y_other) = (small_data((2, 2, 1), 3, 32, seed=seed) for seed in (1, 2))
    return dataclasses.replace(
        task(3, 0.1),
        model=two_outputs,
        train_data=(x, [y, y]),
        validation_data=(x_other, [y_other, y_other]),
    )


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (lambda: task(3, 0.1, train_steps=7), "the same train_steps. Received: 0: 6, 1: 7"),
        (lambda: task(3, 0.1, learning_rate_decay="none"), "the same learning_rate_decay"),
        (lambda: task(3, 0.1, epsilon=1e-3), "the same epsilon"),
        (lambda: task(3, 0.1, optimizer="adam"), "the same optimizer, but for its learning rate"),
        (with_two_outputs, "models have one output. Received: 1 has 3 classes, softmax; 3"),
    ],
)
def test_tasks_that_do_not_go_together_are_refused(second, message) -> None:
    with pytest.raises(ValueError, match="Expected tasks") as error:
        SeveralTasks.of([task(3, 0.1), second()])
    assert message in str(error.value)


MODEL = NamedArchitecture("mlp", (2, 2, 1), 3)
DATA = (np.zeros((8, 2, 2, 1), np.float32), np.arange(8) % 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Expected model, train_data, validation_data, or tasks. Received: model=None"),
        ({"model": MODEL, "train_data": DATA}, "Received: validation_data=None"),
        ({"tasks": [task(3, 0.1)]}, "Expected tasks as at least two glo_tf.TaskArguments"),
        ({"tasks": [MODEL, MODEL]}, "Expected tasks as at least two glo_tf.TaskArguments"),
        ({"tasks": task(3, 0.1)}, "Expected tasks as at least two glo_tf.TaskArguments"),
        (
            {"tasks": [task(3, 0.1), task(3, 0.1)], "train_steps": 30},
            "Expected train_steps in each of the tasks. Received: train_steps=30 beside tasks",
        ),
        (
            {"tasks": [task(3, 0.1), task(3, 0.1)], "train_data": DATA},
            "Expected train_data in each of the tasks. Received: train_data=(array(",
        ),
        (
            {"tasks": [task(3, 0.1), task(3, 0.1)], "learning_rate": 0.1},
            "Expected learning_rate to be own or given where there are several tasks",
        ),
    ],
)
def test_one_task_or_several_are_given(given, message) -> None:
    with pytest.raises(ValueError, match="Expected") as error:
        glo_tf.LossSearch(**given)
    assert message in str(error.value)


def test_many_tasks_are_trained_without_a_warning(caplog) -> None:
    many = SeveralTasks.of([task(3, 0.1) for _ in range(6)])
    request = Request(Candidate(CROSS_ENTROPY), seed=0, stop_at_chance=True)
    found = many.make_trainer().evaluate(request)
    assert found.steps == 6
    assert "retracing" not in caplog.text


@given(st.floats(SMALLEST_RATE, LARGEST_RATE, allow_subnormal=False))
@example(SMALLEST_RATE)
@example(LARGEST_RATE)
def test_each_task_has_a_rate_that_an_optimizer_holds(both, rate: float) -> None:
    candidate = Candidate(CROSS_ENTROPY, Hyperparameters(rate))
    for task_of_it, own in zip(both.each.values(), (0.1, 0.4), strict=True):
        share = both.share_of(task_of_it, candidate).hyperparameters.learning_rate
        assert SMALLEST_RATE <= share <= LARGEST_RATE
        if SMALLEST_RATE < share < LARGEST_RATE:
            assert share == pytest.approx(rate * own / 0.2)
