"""`comparison.json`: what is written is read again, and what an earlier version wrote, too."""

import json
import pathlib
import tempfile

import example_comparison
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples

from glo_tf.comparison.verdict import conclude
from glo_tf.data.split import Split
from glo_tf.metrics.mode import Mode
from glo_tf.results.comparison import Comparison
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.utils.display_text import legible

RESULTS = pathlib.Path(__file__).parents[2] / "docs" / "results"
WRITTEN = [
    RESULTS / name / "comparison.json"
    for name in ("cifar_transfer", "data_size", "mnist_accuracy", "mnist_curves")
]
"""Of version 1."""


def test_what_is_written_is_read_again(tmp_path) -> None:
    document = example_comparison.document()
    document["losses"].append({**document["losses"][0], "tuned": True, "learning_rate": 0.5})
    curve = {
        "name": "cross-entropy",
        "train_fraction": 0.1,
        "learning_rates": [0.01, 0.5],
        "fitnesses": [0.0, 0.9],
        "learning_rate": 0.5,
    }
    document |= {"baseline_tuned": True, "rate_curves": [curve]}
    comparison = Comparison.load(example_comparison.write(tmp_path, **document))
    assert [entry.tuned for entry in comparison] == [False] * 6 + [True]
    assert comparison.losses[-1].label == "cross-entropy, tuned learning rate"
    assert comparison.rate_curves[0].fitness == 0.9
    comparison.save(tmp_path / "again.json")
    assert Comparison.load(tmp_path / "again.json") == comparison
    assert json.loads((tmp_path / "again.json").read_text()) == document


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rates": [0.5, 0.01]},
        {"learning_rates": [0.0, 0.5]},
        {"learning_rates": []},
        {"fitnesses": [0.9]},
        {"fitnesses": [0.9, -0.1]},
        {"fitnesses": [0.9, True]},
        {"learning_rate": 0.2},
        {"learning_rate": None},
        {"train_fraction": 0},
        {"name": 1},
    ],
)
def test_a_damaged_rate_curve_is_refused_in_one_line(change, tmp_path) -> None:
    curve = {
        "name": "baikal",
        "train_fraction": 1.0,
        "learning_rates": [0.01, 0.5],
        "fitnesses": [0.8, 0.9],
        "learning_rate": 0.5,
    }
    Comparison.load(example_comparison.write(tmp_path, rate_curves=[curve]))
    path = example_comparison.write(tmp_path, rate_curves=[{**curve, **change}])
    with pytest.raises(ValueError, match=r"^Expected [^\n]* in '[^\n]*comparison\.json'$"):
        Comparison.load(path)


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.parent.name)
def test_what_version_1_wrote_is_read_as_it_was_meant(path, tmp_path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["version"] == 1
    comparison = Comparison.load(path)
    assert comparison.baseline_label == document["baseline"]
    assert comparison.verdict == document["verdict"]
    for entry, written in zip(comparison, document["losses"], strict=True):
        assert entry.label == written["name"]
        assert entry.tuned == written["name"].endswith(", tuned learning rate")
        assert (entry.mean, list(entry.interval)) == (written["mean"], written["interval"])
        assert entry.array("nll").tolist() == written["values"]["nll"]
        validation = entry.array(split=Split.VALIDATION).tolist()
        assert validation == written["values"]["val_accuracy"]
        assert sorted(entry.values["test"]) == ["accuracy", "ece", "nll"]
        assert entry.fitnesses == ()
    for test, written in zip(comparison.tests, document["tests"], strict=True):
        assert (test.label, test.baseline_label) == (written["loss"], written["baseline"])
    comparison.save(tmp_path / "comparison.json")
    assert Comparison.load(tmp_path / "comparison.json") == comparison


def test_version_1_on_validation_data_had_no_beginning_of_names(tmp_path) -> None:
    entry = {
        "name": "val_loss",
        "expression": "x*y",
        "learning_rate": None,
        "train_fraction": 1.0,
        "seeds": [1],
        "values": {"val_accuracy": [[0.5]], "nll": [[None]]},
        "mean": 0.5,
        "interval": None,
    }
    document = {
        **example_comparison.document(),
        "version": 1,
        "metric": "val_accuracy",
        "split": "validation",
        "steps": [10],
        "losses": [entry],
        "tests": [],
    }
    path = tmp_path / "comparison.json"
    path.write_text(json.dumps(document))
    (found,) = Comparison.load(path)
    assert (found.name, found.tuned, found.metric) == ("val_loss", False, "val_accuracy")
    assert found.values == {"validation": {"val_accuracy": ((0.5,),), "nll": ((None,),)}}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("losses",), [1]),
        (("losses",), None),
        (("tests",), {}),
        (("metric",), ["accuracy"]),
        (("split",), {"test": 1}),
        (("baseline",), 5),
        (("losses", 0, "values"), [1]),
        (("losses", 0, "name"), None),
        (("tests", 0, "loss"), 1.5),
    ],
)
def test_a_damaged_version_1_is_refused_in_one_line(place, value, tmp_path) -> None:
    document = json.loads(WRITTEN[0].read_text(encoding="utf-8"))
    *path, last = place
    part = document
    for step in path:
        part = part[step]
    part[last] = value
    (tmp_path / "comparison.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match=r"^Expected [^\n]* in '[^\n]*comparison\.json'$"):
        Comparison.load(tmp_path / "comparison.json")


NAMES = st.text(st.characters()).map(legible).filter(bool)
ENDINGS = st.sampled_from(["", ", tuned learning rate", "val_", " (95% CI)"])


@examples(60)
@given(st.lists(st.builds("{}{}".format, NAMES, ENDINGS), min_size=2, max_size=4, unique=True))
def test_names_say_nothing_but_which_loss_it_is(names) -> None:
    """Whatever they end with, each stands beside itself at its own rate, and comes back."""
    entries = [
        LossTrainings.of(
            name=name,
            tuned=tuned,
            expression=f"{place + 2}*x*y",
            learning_rate=0.1 + tuned,
            train_fraction=1.0,
            seeds=(1, 2),
            metric=names[0],
            split=Split.VALIDATION,
            values={Split.VALIDATION: {names[0]: ((place / 8,), (place / 8 + 0.01 + tuned,))}},
            fitnesses=(0.5, 0.25),
        )
        for place, name in enumerate(names)
        for tuned in (False, True)
    ]
    comparison = conclude(
        entries,
        metric=names[0],
        mode=Mode.MAX,
        split=Split.VALIDATION,
        steps=(10,),
        baseline=names[0],
    )
    assert len(comparison.tests) == 2 * len(names) - 1 + len(names) - 1
    for entry in entries:
        test = comparison.test_of(entry)
        assert (test is None) == (entry is entries[1])
        if test is not None:
            assert (test.loss, test.tuned, test.baseline) == (entry.name, entry.tuned, names[0])
            assert test.difference == pytest.approx(entry.mean - entries[1].mean)
    with tempfile.TemporaryDirectory() as folder:
        comparison.save(pathlib.Path(folder, "comparison.json"))
        assert Comparison.load(pathlib.Path(folder, "comparison.json")) == comparison
